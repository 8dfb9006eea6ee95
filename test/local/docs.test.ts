import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ACTIONS } from '../../shared/actions/actions.ts';
import { MAX_DEVICES, policySchema } from '../../shared/catalogue/policy.ts';
import { HELP_PATH } from '../../shared/enrollment/help/help-address.ts';
import { JOIN_PATH } from '../../shared/enrollment/invitations/join-link.ts';
import { REFUSALS } from '../../shared/enrollment/refusal.ts';
import { VARIABLES } from '../../shared/platform/settings.ts';
import { FAULT_HRESULT } from '../../shared/wire/fault.ts';
import * as PATHS from '../../shared/wire/paths.ts';

/** The pages say what the code does: the parts of them that can be compared are. */

const ROOT = join(import.meta.dirname, '../..');

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function filesOf(folder: string, ending: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...filesOf('docs', '.md')];

/** The part of a page below a heading, up to the next heading of its level or a higher one. */
function section(page: string, heading: string): string {
  const lines = read(page).split('\n');
  const begin = lines.indexOf(heading);
  expect(begin, `${page} has the heading "${heading}"`).toBeGreaterThanOrEqual(0);
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const length = lines.slice(begin + 1).findIndex((line) => (/^(#+) /.exec(line)?.[1]?.length ?? 99) <= level);
  return lines.slice(begin + 1, length < 0 ? undefined : begin + 1 + length).join('\n');
}

/** The anchors that a page offers, as GitHub makes them from its headings. */
function anchorsOf(page: string): string[] {
  return [...withoutCode(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

/** The cells of the first column of the tables in a text, where they are code. */
function firstColumn(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)`(?:, `([^`]+)`)? \|/gm)].flatMap(([, ...names]) =>
    names.filter((name) => name !== undefined),
  );
}

describe.each(PAGES)('%s', (page) => {
  test('links to files and headings that are there', () => {
    const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    for (const link of links.filter((each) => !/^[a-z]+:/.test(each))) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
      expect(existsSync(join(ROOT, target)), `${link} is there`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(target), `${link} is a heading`).toContain(anchor);
    }
  });

  test('names files of this repository that are there', () => {
    const named = [...withoutCode(read(page)).matchAll(/`((?:shared|functions|local|test|docs)\/[\w./-]+)`/g)];
    for (const [, path = ''] of named) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  test('shows the command line as every shell takes it: PowerShell loses the -- of npm run', () => {
    expect(read(page)).not.toMatch(/npm run (?:--silent )?lanyard/);
  });

  test('names commands that npm knows', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const [, script] of read(page).matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty([script ?? '']);
  });
});

test('the settings page has every app setting and no other', () => {
  expect(firstColumn(section('docs/settings.md', '## App settings'))).toEqual(VARIABLES);
});

test("the settings page has every one of the organisation's settings with its default", () => {
  const text = section('docs/settings.md', "## The organisation's settings");
  const shown = firstColumn(text).flatMap((name, index, all) =>
    name.startsWith('.') ? [all[index - 1]?.replace(/\.\w+$/, name) ?? ''] : [name],
  );
  const defaults = flat(policySchema.parse({}));
  expect(shown).toEqual([...defaults.keys()]);
  for (const [name, value] of defaults) {
    const short = name.replace(/\.count$/, '.intervalMinutes');
    const row = text.split('\n').find((line) => line.startsWith(`| \`${short}\``)) ?? '';
    const shownAs = Array.isArray(value) ? value.join(', ') : String(value);
    expect(row.split('|')[3], `default of ${name}`).toMatch(new RegExp(`(?<!\\w)${shownAs || 'none'}(?!\\w)`));
  }
});

function flat(value: object, prefix = ''): Map<string, unknown> {
  const entries = Object.entries(value).flatMap(([name, inner]): [string, unknown][] =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? [...flat(inner, `${prefix}${name}.`)]
      : [[prefix + name, inner]],
  );
  return new Map(entries);
}

test('the enrollment page has every cause of a refusal, with its fault and the code that Windows makes of it', () => {
  const rows = [...section('docs/enrollment.md', '## Refusals').matchAll(/^\| `(\w+)` \| (\w+) \| (0x\w+|none) \|/gm)];
  const shown = rows.map(([, cause, fault, hresult]) => [cause, fault, hresult]);
  const known = Object.entries(REFUSALS).map(([cause, refusal]) =>
    'onPage' in refusal ? [cause, 'page', 'none'] : [cause, refusal.fault, FAULT_HRESULT[refusal.fault]],
  );
  expect(shown).toEqual(known);
});

test('the table of codes for the help desk has every code that a refusal leads to, with all its causes', () => {
  const rows = [...section('docs/enroll-a-pc.md', '### Codes').matchAll(/^\| (0x\w+) \| (`[^|]*) \|/gm)];
  const shown = rows.map(([, code, causes = '']) => [code, [...causes.matchAll(/`(\w+)`/g)].map(([, cause]) => cause)]);
  const known = Object.entries(FAULT_HRESULT).map(([fault, code]) => {
    const causes = Object.entries(REFUSALS).filter(([, each]) => each.fault === fault && !('onPage' in each));
    return [code, causes.map(([cause]) => cause)];
  });
  const sorted = (table: unknown[]) => table.map((row) => JSON.stringify(row)).toSorted();
  expect(sorted(shown)).toEqual(sorted(known));
});

test('the enrollment page has every address of the enroll app', () => {
  const paths = Object.entries({ ...PATHS, JOIN_PATH, HELP_PATH });
  const doors = filesOf('functions/enrollment', '.ts').map(read).join('\n');
  const served = paths.filter(([name]) => new RegExp(`(?:route: |discoveryDoor\\([^)]*)${name}\\b`).test(doors));
  expect(served.length).toBe([...doors.matchAll(/app\.http\(|^discoveryDoor\(/gm)].length - 1);
  for (const [, path] of served) expect(read('docs/enrollment.md'), path).toContain(`${path}\``);
});

test('the API page has every call of the admin API and no other', () => {
  const shown = [...read('docs/api.md').matchAll(/^### `([A-Z]+) \/(api\/[^`]+)`$/gm)].map(
    ([, method, route]) => `${method} ${route}`,
  );
  const registered = filesOf('functions/admin', '.ts').flatMap((file) =>
    [...read(file).matchAll(/route: '([^']+)',\s+methods: \[([^\]]+)\]/g)].flatMap(([, route, methods = '']) =>
      [...methods.matchAll(/'([A-Z]+)'/g)].map(([, method]) => `${method} ${route}`),
    ),
  );
  expect(registered.length).toBeGreaterThan(10);
  expect(shown.toSorted()).toEqual(registered.toSorted());
});

test('the actions page has every action with its inputs', () => {
  const rows = read('docs/actions.md').split('\n');
  for (const { name, input } of ACTIONS) {
    const row = rows.find((each) => each.startsWith(`| \`${name}\` |`)) ?? '';
    for (const property of Object.keys(input.shape)) expect(row, name).toContain(`\`${property}\``);
    expect(row, name).not.toBe('');
  }
});

test('the settings page has every option of npm start', () => {
  const options = (text: string) => [...text.matchAll(/^(?: {2}|\| `)(--[a-z][a-z-]*)/gm)].map(([, option]) => option);
  const usage = /const USAGE = `([\s\S]*?)`/.exec(read('local/start.ts'))?.[1] ?? '';
  expect(options(section('docs/settings.md', '## `npm start`'))).toEqual(options(usage));
});

test('the readme has every verb of the command line', () => {
  const named = (file: string) => [...read(file).matchAll(/^ {2}name: '([^']+)'/gm)].map(([, name = '']) => name);
  const rows = section('README.md', '## The command line').split('\n');
  const device = rows.find((row) => row.startsWith('| `device enroll`')) ?? '';
  for (const verb of [
    'invitation',
    'enrollment',
    'admin',
    'profile',
    'trace',
    'inventory',
    'action',
    'authority',
  ].flatMap((file) => named(`local/cli/${file}-verbs.ts`))) {
    expect(
      rows.some((row) => new RegExp(`^\\| .*\`${verb}\`.* \\|`).test(row) && row !== device),
      verb,
    ).toBe(true);
  }
  for (const verb of named('local/cli/device-verbs.ts')) expect(device).toContain(verb.replace('device ', ''));
});

test('the limits of an invitation are those of the code', () => {
  const most = `1 to ${MAX_DEVICES.toLocaleString('en')}`;
  for (const page of ['docs/api.md', 'docs/settings.md']) {
    const row = read(page)
      .split('\n')
      .find((line) => /^\| `(invitations\.)?maxDevices`/.test(line));
    expect(row, page).toContain(most);
  }
});

describe('the tests that a page names', () => {
  const named = PAGES.flatMap((page) =>
    [...read(page).matchAll(/`(test\/[\w./-]+\.ts)`(?:: "([^"]+)")?/g)].map(
      ([, file = '', title]) => [page, file, title] as const,
    ),
  );

  test.each(named)('%s: %s is there (%s)', (_, file, title) => {
    expect(existsSync(join(ROOT, file))).toBe(true);
    if (title !== undefined) expect(read(file)).toContain(title);
  });
});
