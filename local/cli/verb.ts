import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
import { jsonText, printable } from './printable.ts';

/** A verb of the command line: what it takes, what it does, and what it says of itself. */
export interface Verb {
  /** As it is typed, e.g. `invite` or `device enroll`. */
  name: string;
  summary: string;
  usage: string;
  options?: Record<string, ParseArgsOptionDescriptor & { help: string }>;
  /** Names of the arguments without a dash, in order. All are needed but one in square brackets, which comes last. */
  positionals?: string[];
  /** @returns what is printed: with `--json` the value, else the text */
  run(input: Input): Promise<Output>;
}

export interface Input {
  positionals: string[];
  options: Record<string, string | undefined>;
  flags: Record<string, boolean>;
}

export interface Output {
  value: unknown;
  text: string;
}

/** A mistake of the caller, said in one line; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const COMMON: NonNullable<Verb['options']> = {
  json: { type: 'boolean', help: 'print JSON instead of text' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
};

export function helpOf(verb: Verb): string {
  const options = Object.entries({ ...verb.options, ...COMMON });
  const lines = options.map(
    ([name, { type, help }]) => `  --${name}${type === 'string' ? ' VALUE' : ''}`.padEnd(26) + help,
  );
  return `node lanyard ${verb.usage}\n\n${verb.summary}\n\n${lines.join('\n')}`;
}

/**
 * Reads the arguments of a verb and runs it.
 * @throws {UsageError} for arguments that it does not take
 */
export async function runVerb(verb: Verb, args: string[]): Promise<string> {
  const { values, positionals } = read(verb, args);
  if (values['help']) return helpOf(verb);
  const wanted = verb.positionals ?? [];
  const needed = wanted.filter((name) => !name.startsWith('['));
  if (positionals.length < needed.length || positionals.length > wanted.length) {
    throw new UsageError(
      `node lanyard ${verb.name} takes ${wanted.length ? wanted.join(' and ') : 'no further words'}. Usage: node lanyard ${verb.usage}`,
    );
  }
  const options: Input['options'] = {};
  const flags: Input['flags'] = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') options[name] = value;
    else if (typeof value === 'boolean') flags[name] = value;
  }
  const { value, text } = await verb.run({ positionals, options, flags });
  return flags['json'] ? jsonText(value) : text;
}

function read(verb: Verb, args: string[]) {
  const options = Object.fromEntries(
    Object.entries({ ...verb.options, ...COMMON }).map(([name, { help: _, ...rest }]) => [name, rest]),
  );
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(
      `${error instanceof Error ? error.message.split('.')[0] : error}. Usage: node lanyard ${verb.usage}`,
    );
  }
}

/** @returns the option. @throws {UsageError} when it is missing */
export function needed(input: Input, name: string): string {
  const value = input.options[name];
  if (!value) throw new UsageError(`--${name} is needed`);
  return value;
}

/** @returns the whole number of an option. @throws {UsageError} for anything else */
export function numberOf(input: Input, name: string): number | undefined {
  const text = input.options[name];
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) throw new UsageError(`--${name} takes a whole number`);
  return Number(text);
}

/** Rows as a table for a terminal; nothing but a sentence when there are none. */
export function table(rows: Record<string, unknown>[], none: string): string {
  const [first] = rows;
  if (!first) return none;
  const names = Object.keys(first);
  const cells = [names, ...rows.map((row) => names.map((name) => printable(String(row[name] ?? ''))))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
