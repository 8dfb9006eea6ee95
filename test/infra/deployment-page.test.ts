import { describe, expect, test } from 'vitest';
import { defaultOf, outputsOf, parametersOf, readText, template } from './bicep.ts';

/** docs/deployment.md says what the templates do. */

const page = readText('docs/deployment.md');
const main = template('infra/main.bicep');
const { parameters } = JSON.parse(readText('infra/main.parameters.json')) as {
  parameters: Record<string, { value: string }>;
};

const rows = [...page.matchAll(/^\| (?:`(LANYARD_\w+)`)? ?\| `(\w+)` \| ([^|]*) \| /gm)].map(
  ([, env, name = '', value = '']) => {
    return { env, name, value: value.trim() };
  },
);

describe('the table of parameters', () => {
  test('has every parameter of the template and no other', () => {
    const asked = ['environmentName', 'location'];
    const known = parametersOf(main).map(({ name }) => name);
    expect(rows.map(({ name }) => name).toSorted()).toEqual(known.filter((name) => !asked.includes(name)).toSorted());
  });

  test('names the variable with which azd sets each', () => {
    for (const { env, name } of rows) {
      expect(/^\$\{(\w+)/.exec(parameters[name]?.value ?? '')?.[1], name).toBe(env);
    }
  });

  test('has the defaults of the template', () => {
    for (const { name, value } of rows.filter((row) => row.value.startsWith('`'))) {
      expect(defaultOf(main, name)?.replaceAll("'", ''), name).toBe(value.replaceAll('`', ''));
    }
  });
});

describe('the way with the link of a release', () => {
  const section = page.slice(page.indexOf('### With the link of a release'), page.indexOf('### With azd'));

  test('names fields of the form that are parameters, as the portal shows them', () => {
    const fields = [...section.matchAll(/\*([A-Z][a-z]+(?: [A-Z][a-z]+)+)\*/g)].map(([, field = '']) => field);
    expect(fields).toEqual(expect.arrayContaining(['Environment Name', 'Alert Mail', 'Packages Url']));
    const known = parametersOf(main).map(({ name }) => name.toLowerCase());
    for (const field of fields) expect(known).toContain(field.replaceAll(' ', '').toLowerCase());
  });

  test('asks for every parameter that has no default', () => {
    const needed = parametersOf(main).filter(({ required }) => required);
    expect(needed.length).toBeGreaterThan(0);
    for (const { name } of needed) {
      const field = name.replace(/[A-Z]/g, ' $&').replace(/^./, (first) => first.toUpperCase());
      expect(section).toContain(`*${field}*`);
    }
  });

  test('names the steps that may fail as the template does', () => {
    const steps = [...section.matchAll(/^\| `([\w-]+?)-?(?:…)?` \|/gm)].map(([, step = '']) => step);
    expect(steps).toEqual(['package', 'signing-right']);
    for (const step of steps) expect(main.text).toMatch(new RegExp(`^ +name: '${step}(-\\$\\{app\\})?'$`, 'm'));
  });
});

test('the outputs that its commands read are there', () => {
  const outputs = outputsOf(main);
  const read = [...page.matchAll(/azd env get-value (\w+)/g)].map(([, name = '']) => name);
  expect(read.length).toBeGreaterThan(1);
  for (const name of read) expect(outputs.has(name), name).toBe(true);
});

test('the templates that its commands name have the parameters that are given', () => {
  for (const [, file = '', given = ''] of page.matchAll(/--template-file (\S+)[ \\\n]+--parameters ([^\n]+)/g)) {
    const known = parametersOf(template(file)).map(({ name }) => name);
    for (const [, name = ''] of given.matchAll(/(\w+)=/g)) expect(known, file).toContain(name);
  }
});
