import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ADMIN_VERBS } from '../../local/cli/admin-verbs.ts';
import { INVITATION_VERBS } from '../../local/cli/invitation-verbs.ts';
import { APPS } from '../../local/packages/build-apps.ts';
import { block, blocks, defaultOf, outputsOf, parametersOf, ROOT, readText, template } from './bicep.ts';

/** azure.yaml, host.json, main.parameters.json, package.json and the templates are read by different tools and say the same. */

const main = template('infra/main.bicep');
const azureYaml = readText('azure.yaml');
const packageJson = JSON.parse(readText('package.json'));

describe('azure.yaml', () => {
  const services = [...azureYaml.matchAll(/^ {2}(\w+):\n {4}project: (\S+)\n {4}language: js\n {4}host: function\n/gm)];

  test('has a service for each app, which is the folder that npm run package makes', () => {
    expect(services.map(([, name, project]) => [name, project])).toEqual(APPS.map((app) => [app, `./out/${app}`]));
  });

  test('shows what the last step prints, and fails where it or the build fails', () => {
    const postdeploy = /^ {2}postdeploy:\n([\s\S]*?)^ {2}\w/m.exec(azureYaml)?.[1] ?? '';
    expect(postdeploy.match(/interactive: true/g)).toHaveLength(2);
    const windows = [...azureYaml.matchAll(/shell: pwsh\n[\s\S]*?run: \|\n((?: {8}.*\n)+)/g)].map(([, run = '']) =>
      run.trim().split(/\n\s*/),
    );
    expect(windows).toHaveLength(3);
    for (const lines of windows) {
      for (const [index, line] of lines.entries()) {
        if (line.startsWith('npm')) expect(lines[index + 1]).toMatch(/exit \$LASTEXITCODE/);
      }
    }
  });

  test('finds each service by the tag that the template gives', () => {
    for (const app of APPS) {
      const text = blocks(main, 'module').find(({ name }) => name === `${app}App`)?.text;
      expect(text).toContain(`'azd-service-name': '${app}'`);
    }
  });

  test('names the template that is there, and commands that npm knows', () => {
    expect(azureYaml).toContain('  path: infra\n  module: main\n');
    expect(existsSync(join(ROOT, 'infra/main.bicep'))).toBe(true);
    const run = [...azureYaml.matchAll(/npm run (?:--silent )?([\w-]+)/g)].map(([, script]) => script);
    expect(new Set(run)).toEqual(new Set(['package', 'after-deployment', 'before-removal']));
    for (const script of run) expect(packageJson.scripts).toHaveProperty([script ?? '']);
  });

  test('bears the version of the product', () => {
    expect(azureYaml).toContain(`template: lanyard@${packageJson.version}\n`);
  });
});

describe('main.parameters.json', () => {
  const { parameters } = JSON.parse(readText('infra/main.parameters.json')) as {
    parameters: Record<string, { value: string }>;
  };

  test('gives every parameter that must be given, and none that the template does not have', () => {
    const known = parametersOf(main);
    expect(Object.keys(parameters).filter((name) => !known.some((each) => each.name === name))).toEqual([]);
    for (const { name } of known.filter(({ required }) => required)) expect(parameters).toHaveProperty(name);
  });

  test('has the defaults of the template', () => {
    for (const [name, { value }] of Object.entries(parameters)) {
      const written = /^\$\{\w+=(.*)\}$/.exec(value)?.[1] ?? (value.startsWith('${') ? undefined : value);
      if (written !== undefined) expect(defaultOf(main, name)?.replaceAll("'", ''), name).toBe(written);
    }
  });
});

test('host.json serves the paths that Windows asks for, loads no bundle, and logs what the alerts look at', () => {
  const host = JSON.parse(readText('host.json'));
  expect(host.extensions.http.routePrefix).toBe('');
  expect(host).not.toHaveProperty('extensionBundle');
  expect(host.logging.logLevel).toMatchObject({ 'Host.Results': 'Information', Function: 'Information' });
  expect(host.logging.applicationInsights.samplingSettings.excludedTypes.split(';')).toEqual(
    expect.arrayContaining(['Request', 'Exception']),
  );
});

test('the Node version is one that the project supports and tests', () => {
  const version = Number(/\d+/.exec(defaultOf(main, 'nodeVersion') ?? '')?.[0]);
  expect(version).toBe(24);
  expect(version).toBeGreaterThanOrEqual(Number(/\d+/.exec(packageJson.engines.node)?.[0]));
  expect(readText('local/packages/build-apps.ts')).toContain("target: 'node22'");
  const workflow = readText('.github/workflows/test.yml');
  expect(workflow).toMatch(/node: \[22, 24\]/);
});

test('what happens after a deployment finds its values among the outputs', () => {
  const outputs = [...outputsOf(main).keys()];
  const wanted = [
    ...readText('local/azure/deployment-outputs.ts').matchAll(/^ {2}'((?:LANYARD|AZURE)_[A-Z_]+)',$/gm),
  ].map(([, name]) => name);
  expect(wanted.length).toBeGreaterThan(5);
  // How it was deployed: without these, an own root that is wanted would be overlooked.
  const chosen = [...readText('local/azure/finish-deployment.ts').matchAll(/env\['(LANYARD_\w+)'\]/g)].map(
    ([, name]) => name,
  );
  expect(chosen).toEqual(expect.arrayContaining(['LANYARD_DEPLOYED_ROOT', 'LANYARD_DEPLOYED_ADMIN_AUTH']));
  expect([...wanted, ...chosen].filter((name) => !outputs.includes(name ?? ''))).toEqual([]);
});

test('no output has the name of a variable that a parameter takes: azd down would take what was chosen away with it', () => {
  const { parameters } = JSON.parse(readText('infra/main.parameters.json')) as {
    parameters: Record<string, { value: string }>;
  };
  const variables = Object.values(parameters).flatMap(({ value }) => /^\$\{(\w+)/.exec(value)?.[1] ?? []);
  expect(variables).toEqual(expect.arrayContaining(['AZURE_LOCATION', 'LANYARD_ROOT', 'LANYARD_VAULT_GENERATION']));
  const outputs = [...outputsOf(main).keys()];
  expect(outputs.filter((name) => variables.includes(name))).toEqual([]);
});

test('a sign-in with Entra without a registration is refused before an app gets it', () => {
  const refusal = /^var administratorsSignIn = adminAuth == 'entra' && empty\(entraClientId\)\n {2}\? fail\(/m;
  expect(main.text).toMatch(refusal);
  expect(main.text).toContain('  LANYARD_ADMIN_AUTH: administratorsSignIn\n');
  // It comes after the apps.
  expect(block('infra/main.bicep', 'module', 'signIn').text).toMatch(/dependsOn: \[\n {4}adminApp\n/);
});

test('azd knows each hook', () => {
  const hooks = [...readText('azure.yaml').matchAll(/^ {2}((?:pre|post)\w+):$/gm)].map(([, hook]) => hook);
  expect(hooks).toEqual(['prepackage', 'postdeploy', 'predown']);
  expect(azureYaml.match(/^ {6}continueOnError: true\n {6}run: [|\sa-z-]*before-removal/gm)).toHaveLength(2);
});

test('what is printed after a deployment and before its removal are commands that there are', () => {
  const known = [...ADMIN_VERBS, ...INVITATION_VERBS].map(({ name }) => name).concat('entra');
  const text = readText('local/azure/deployment-checklist.ts') + readText('local/azure/before-removal.ts');
  const named = [...text.matchAll(/node lanyard ([\w-]+)/g)].map(([, verb = '']) => verb);
  expect(named).toEqual(expect.arrayContaining(['devices', 'invite', 'unenroll', 'entra']));
  for (const verb of named) expect(known).toContain(verb);
});

test('the name of the issuing key is that under which the code makes it', () => {
  expect(readText('local/azure/finish-deployment.ts')).toContain('VAULT_NAMES.issuing');
});
