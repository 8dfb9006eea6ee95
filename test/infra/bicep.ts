import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads the templates of infra/ as far as these tests look at them. It relies on the form that `bicep format` gives. */

export const ROOT = join(import.meta.dirname, '../..');

export interface Template {
  file: string;
  text: string;
}

export interface Block {
  file: string;
  /** the symbolic name */
  name: string;
  /** the type of a resource without its version, or the path of a module */
  type: string;
  text: string;
}

export function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** All templates, without comments. */
export function templates(): Template[] {
  return readdirSync(join(ROOT, 'infra'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.bicep'))
    .map((name) => `infra/${name.replaceAll('\\', '/')}`)
    .sort()
    .map((file) => ({ file, text: withoutComments(readText(file)) }));
}

export function template(file: string): Template {
  return { file, text: withoutComments(readText(file)) };
}

function withoutComments(text: string): string {
  return text.replace(/^\s*\/\/.*\n/gm, '');
}

/** The resources and modules that stand at the beginning of a line, each up to its closing bracket. */
export function blocks({ file, text }: Template, keyword: 'resource' | 'module'): Block[] {
  const heads = new RegExp(`^${keyword} (\\w+) '([^'@]+)(?:@[^']*)?' (existing )?= `, 'gm');
  return [...text.matchAll(heads)]
    .filter(([, , , existing]) => existing === undefined)
    .map((head) => {
      const [, name = '', type = ''] = head;
      const rest = text.slice(head.index);
      const end = /^[}\]]+\)?$/m.exec(rest);
      return { file, name, type, text: rest.slice(0, end ? end.index + end[0].length : undefined) };
    });
}

export function resources(type: string): Block[] {
  return templates()
    .flatMap((each) => blocks(each, 'resource'))
    .filter((block) => block.type === type);
}

/** The value of a `var` with a list of words. */
export function wordsOf({ text }: Template, variable: string): string[] {
  const body = new RegExp(`^var ${variable} = \\[\\n([^\\]]*)\\]`, 'm').exec(text)?.[1] ?? '';
  return [...body.matchAll(/'([^']+)'/g)].map(([, word = '']) => word);
}

/** Names of the parameters, and which of them must be given. */
export function parametersOf({ text }: Template): { name: string; required: boolean }[] {
  return [...text.matchAll(/^param (\w+) (.+)$/gm)].map(([, name = '', rest = '']) => ({
    name,
    required: !/ = /.test(rest),
  }));
}

/** The default of a parameter as it is written. */
export function defaultOf({ text }: Template, parameter: string): string | undefined {
  return new RegExp(`^param ${parameter} \\w+ = (.+)$`, 'm').exec(text)?.[1];
}

export function outputsOf({ text }: Template): Map<string, string> {
  return new Map([...text.matchAll(/^output (\w+) \w+ = (.+)$/gm)].map(([, name = '', value = '']) => [name, value]));
}

/** A resource or module by its symbolic name. @throws Error where there is no such one, or more than one */
export function block(file: string, keyword: 'resource' | 'module', name: string): Block {
  const [found, ...others] = blocks(template(file), keyword).filter((each) => each.name === name);
  if (!found || others.length > 0) throw new Error(`${file} has not exactly one ${keyword} ${name}`);
  return found;
}

/** A variable over several lines, as a block. */
export function variable(file: string, name: string): Block {
  const { text } = template(file);
  const found = new RegExp(`^var ${name} = .*\\n(?: .*\\n)*`, 'm').exec(text)?.[0];
  if (!found) throw new Error(`${file} has no variable ${name} over several lines`);
  return { file, name, type: 'var', text: found };
}

/**
 * Each value of a block as it is written, by its path: `properties.vault.enabled`; a list has the numbers of its items in the
 * path, and a value over several lines its first line. What is made in a loop has the head of the loop under `for`. It goes by
 * the indentation.
 */
export function valuesOf({ text }: Block): Record<string, string> {
  const values: Record<string, string> = {};
  const above = [{ indent: -1, key: '', items: 0 }];
  for (const line of text.split('\n').slice(1)) {
    const [, spaces = '', content = ''] = /^( *)(.*)$/.exec(line) ?? [];
    if (/^(?:#.*|[}\])]*|\]: \{)$/.test(content)) continue;
    if (above.length === 1 && content.startsWith('for ')) {
      values['for'] = content;
      continue;
    }
    while (above.at(-1)!.indent >= spaces.length) above.pop();
    const [, key, value = ''] = /^([\w$]+|'[^']+'): (.*)$/.exec(content) ?? [];
    const name = key ?? String(above.at(-1)!.items++);
    values[[...above.slice(1).map((each) => each.key), name].join('.')] = key === undefined ? content : value;
    above.push({ indent: spaces.length, key: name, items: 0 });
  }
  return values;
}

/** The values below one path, by the rest of theirs: `params` of a module. */
export function valuesBelow(block: Block, path: string): Record<string, string> {
  const entries = Object.entries(valuesOf(block)).filter(([each]) => each.startsWith(`${path}.`));
  return Object.fromEntries(entries.map(([each, value]) => [each.slice(path.length + 1), value]));
}

/**
 * What an app is given in the data account: table or container, and the name of its role. `tables: map(tables, …)` gives the
 * role for `table`, which stands for all of them.
 */
export function roleNamesOf(module: string): Record<string, string> {
  const text = blocks(template('infra/main.bicep'), 'module').find(({ name }) => name === module)?.text ?? '';
  const pairs = text.matchAll(/(?:table|container): '?(\w+)'?\n\s+role: ([\w.]+)/g);
  return Object.fromEntries([...pairs].map(([, name = '', role = '']) => [name, role.replace('roles.outputs.', '')]));
}

/** The data actions of a role of roles.bicep, from the last part of their path on. */
export function actionsOf(role: string): string[] {
  const { text = '' } = resources('Microsoft.Authorization/roleDefinitions').find(({ name }) => name === role) ?? {};
  const lines = /dataActions: \[([^\]]*)\]/.exec(text)?.[1]?.trim().split('\n') ?? [];
  return lines.map((line) => /^\s*'\$\{\w+\}\/([^']+)'$/.exec(line)?.[1] ?? line);
}
