import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEPT_DAYS, logContainer } from '../../shared/actions/uploaded-logs.ts';
import { VAULT_NAMES } from '../../shared/certificates/key-vault.ts';
import { FINISHED_KEPT_DAYS } from '../../shared/commands/retention.ts';
import { newGuid } from '../../shared/platform/ids.ts';
import { logLine } from '../../shared/platform/log.ts';
import { CONTAINERS, TABLE_NAMES } from '../../shared/storage/storage.ts';
import {
  DISCOVERY_PATH,
  ENTRA_CALLBACK_PATH,
  ENTRA_DISCOVERY_PATH,
  TERMS_OF_USE_PATH,
} from '../../shared/wire/paths.ts';
import {
  actionsOf,
  blocks,
  defaultOf,
  outputsOf,
  ROOT,
  readText,
  resources,
  roleNamesOf,
  template,
  templates,
  wordsOf,
} from './bicep.ts';
import { RULES } from './rules.ts';

const main = template('infra/main.bicep');

describe('the templates', () => {
  test.each(RULES)('$rule', ({ check }) => {
    expect(templates().flatMap(check)).toEqual([]);
  });

  test.each(RULES)('a template that breaks it is noticed: $rule', ({ check, planted }) => {
    expect(check({ file: 'planted.bicep', text: planted })).not.toEqual([]);
  });

  test('are looked at: the resources that the rules are about are there', () => {
    expect(resources('Microsoft.Storage/storageAccounts')).toHaveLength(2);
    expect(resources('Microsoft.Web/sites')).toHaveLength(1);
    expect(resources('Microsoft.KeyVault/vaults')).toHaveLength(1);
    expect(resources('Microsoft.Authorization/roleAssignments').length).toBeGreaterThan(4);
    expect(resources('Microsoft.Authorization/roleDefinitions').length).toBeGreaterThan(4);
  });
});

describe('the rights', () => {
  test('of the enroll app: it writes what an enrollment is, deletes where one gives way to another, and reads the settings', () => {
    expect(roleNamesOf('enrollRights')).toEqual({
      devices: 'rows',
      devicelist: 'rows',
      invitations: 'rowsKept',
      journal: 'rowsKept',
      reports: 'rowsKept',
      catalogue: 'tableReader',
    });
  });

  test('of the manage app: devices, their list and results, and reads settings and keys', () => {
    expect(roleNamesOf('manageRights')).toEqual({
      devices: 'rows',
      devicelist: 'rowsKept',
      catalogue: 'tableReader',
      results: 'blobsKept',
      keys: 'blobReader',
      traces: 'blobsKept',
    });
  });

  test('of the admin app: every table', () => {
    expect(roleNamesOf('adminRights')).toEqual({
      table: 'rows',
      results: 'blobsAll',
      keys: 'blobsKept',
      traces: 'blobsAll',
    });
    const text = blocks(main, 'module').find(({ name }) => name === 'adminRights')?.text;
    expect(text).toContain('tables: map(tables, table => {');
  });

  test.each([
    ['rows', ['read', 'add/action', 'update/action', 'write', 'delete']],
    ['rowsKept', ['read', 'add/action', 'update/action', 'write']],
    ['blobsKept', ['read', 'write', 'add/action']],
    ['blobsAll', ['read', 'write', 'add/action', 'delete']],
    ['signer', ['keys/sign/action']],
    [
      'authority',
      [
        'certificates/read',
        'certificates/create/action',
        'certificates/update/action',
        'keys/read',
        'keys/sign/action',
      ],
    ],
  ])('the role %s holds these data actions and nothing else', (role, actions) => {
    expect(actionsOf(role)).toEqual(actions);
  });

  test('for uploads of devices: the admin app alone makes containers, signs addresses and reads what came', () => {
    const given = blocks(main, 'module').filter(({ text }) => text.includes('modules/upload-rights.bicep'));
    expect(given).toHaveLength(1);
    expect(given[0]?.text).toContain('principalId: identities[admin].outputs.principalId');
    expect(given[0]?.text).toContain('containersRole: roles.outputs.containersMade\n');
    expect(given[0]?.text).toContain('blobsRole: roles.outputs.blobsKept\n');
    const [right, ...others] = blocks(template('infra/modules/upload-rights.bicep'), 'resource').filter(({ type }) =>
      type.endsWith('/roleAssignments'),
    );
    expect(others).toEqual([]);
    expect(right?.text).toMatch(/for role in \[\s+blobDelegator\s+containersRole\s+blobsRole\s+\]/);
    const roles = resources('Microsoft.Authorization/roleDefinitions');
    const text = roles.find(({ name }) => name === 'containersMade')?.text ?? '';
    const actions = [...text.matchAll(/'\$\{containers\}\/(\S+)'/g)].map(([, action]) => action);
    expect(actions).toEqual(['read', 'write']);
    expect(text).not.toContain('dataActions');
  });

  test('in the vault: the admin app makes the authority; the enroll app may sign, with one key; the manage app has none', () => {
    const inVault = blocks(template('infra/modules/vault.bicep'), 'resource').filter(({ type }) =>
      type.endsWith('/roleAssignments'),
    );
    expect(inVault.map(({ name }) => name)).toEqual(['adminMakes']);
    expect(blocks(main, 'module').find(({ name }) => name === 'vault')?.text).toContain(
      'adminPrincipalId: identities[admin].outputs.principalId',
    );
    const [right] = blocks(template('infra/signing-right.bicep'), 'resource');
    expect(right?.text).toContain('scope: keys::issuing\n');
    expect(main.text).toContain('output LANYARD_ENROLL_PRINCIPAL string = identities[enroll].outputs.principalId');
  });

  test('in a host account: only the app that it belongs to', () => {
    const text = blocks(main, 'module').find(({ name }) => name === 'hostStorage')?.text;
    expect(text).toContain('principalId: identities[index].outputs.principalId');
    expect(text).toMatch(/name: 'st\$\{token\}\$\{app\}'/);
  });
});

describe('the code of a release', () => {
  const module = (name: string) => blocks(main, 'module').find((each) => each.name === name)?.text ?? '';
  const listed = (text: string) => /dependsOn: \[([^\]]*)\]/.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  const rights = blocks(main, 'module').filter(({ type }) => /rights\.bicep$/.test(type) && !/signing/.test(type));

  test('is brought to each app by its own package, and only where an address is given', () => {
    expect(defaultOf(main, 'packagesUrl')).toBe("''");
    expect(module('code')).toMatch(/^module code \S+ = \[\n {2}for \(app, index\) in apps: if \(withCode\) \{/);
    expect(module('code')).toContain(`packageUrl: '\${packages}/\${app}.zip'\n`);
    expect(module('code')).toContain('app: appNames[index]\n');
    expect(main.text).toContain('var withCode = !empty(packagesUrl)\n');
    const [extension, ...others] = resources('Microsoft.Web/sites/extensions');
    expect(others).toEqual([]);
    expect(extension?.text).toContain("name: 'onedeploy'\n");
    expect(extension?.text).toContain('packageUri: packageUrl\n');
    expect(extension?.text).toContain('remoteBuild: false\n');
  });

  test('comes after the apps and every right that one of them is given', () => {
    expect(rights.length).toBeGreaterThan(3);
    const before = listed(module('code'));
    expect(before).toEqual(expect.arrayContaining(rights.map(({ name }) => name)));
    // The one in which the platform puts the package down, and those whose modules give rights besides what they make.
    expect(before).toEqual(expect.arrayContaining(['hostStorage', 'vault', 'logs']));
    expect(before).toEqual(expect.arrayContaining(['enrollApp', 'manageApp', 'adminApp']));
    expect(listed(module('signingRight'))).toEqual(['code']);
  });

  test('is refused from an address that is not https, and on a plan that does not take it', () => {
    const refusals = [...main.text.matchAll(/^ +\? fail\('([^']+)'\)$/gm)].map(([, message]) => message);
    expect(refusals.filter((said) => /packagesUrl/.test(said ?? ''))).toHaveLength(2);
    expect(main.text).toContain("var notHttps = withCode && (!startsWith(packagesUrl, 'https://') ||");
    expect(main.text).toContain("  : withCode && hosting == 'basic'\n");
    // What was not checked is given to nothing.
    for (const { name, text } of [...blocks(main, 'module'), ...blocks(main, 'resource')]) {
      expect(text, name).not.toContain('packagesUrl');
    }
  });

  test('lets the enroll app sign with the key that the admin app will make, and no other', () => {
    expect(module('signingRight')).toContain('if (withCode)');
    expect(module('signingRight')).toContain(`issuingKey: '${VAULT_NAMES.issuing}'\n`);
    expect(module('signingRight')).toContain('principalId: identities[enroll].outputs.principalId\n');
    expect(module('signingRight')).toContain('signerRole: roles.outputs.signer\n');
  });

  test('has the authority made by the timer, which is then watched; not with azd, and not where an own root is wanted', () => {
    expect(main.text).toContain("var firstAuthority = withCode && deviceRoot == 'lanyard' ? 'timer' : 'call'\n");
    expect(module('adminApp')).toContain('LANYARD_FIRST_CA: firstAuthority\n');
    expect(module('alerts')).toContain("firstAuthorityByTimer: firstAuthority == 'timer'\n");
    const filtered = /timer => firstAuthorityByTimer \|\| timer\.name != '([^']+)'/.exec(
      readText('infra/modules/alerts.bicep'),
    );
    const door = readText('functions/timers/first-certificate-authority.ts');
    expect(/app\.timer\('([^']+)'/.exec(door)?.[1]).toBe(filtered?.[1]);
    expect(door).toContain("if (process.env['LANYARD_FIRST_CA']?.trim() === 'timer') {");
  });
});

describe('a deployment that is repeated', () => {
  test('leaves the budget as it is: Azure refuses another start, which the first of another month would be', () => {
    expect(template('infra/modules/budget.bicep').text).toMatch(/@onlyIfNotExists\(\)\nresource budget /);
  });

  test('never takes the rule off that cuts query strings out of the logs', () => {
    expect(template('infra/modules/logs.bicep').text).toMatch(/@onlyIfNotExists\(\)\nresource workspace /);
    const { text } = template('infra/modules/workspace.bicep');
    expect(text).toContain('param transformationRuleId string\n');
    expect(text).toContain('defaultDataCollectionRuleResourceId: transformationRuleId\n');
  });

  test('switches the sign-in of administrators off again where keys are wanted', () => {
    expect(main.text).toContain("module signIn 'modules/sign-in.bicep' = {\n");
    expect(main.text).toContain("on: adminAuth == 'entra'\n");
    const { text } = template('infra/modules/sign-in.bicep');
    expect(text).toContain('      enabled: on\n');
    expect(text).toContain('      requireAuthentication: on\n');
  });
});

describe('what template and code both say', () => {
  test('tables and containers are those of the code', () => {
    const names = template('infra/modules/names.bicep');
    expect(wordsOf(names, 'tables')).toEqual([...TABLE_NAMES]);
    expect(wordsOf(names, 'containers')).toEqual(expect.arrayContaining([...CONTAINERS]));
  });

  test('uploaded logs are deleted after as many days as they are listed, by the names of their containers', () => {
    const rule = /name: 'old-logs'[\s\S]*?prefixMatch: \[\s+'([^']+)'[\s\S]*?GreaterThan: (\d+)/.exec(
      readText('infra/modules/data-storage.bicep'),
    );
    expect(logContainer(newGuid(), newGuid()).startsWith(rule?.[1] ?? '?')).toBe(true);
    expect(Number(rule?.[2])).toBe(KEPT_DAYS);
    for (const name of CONTAINERS) expect(name.startsWith(rule?.[1] ?? '')).toBe(false);
  });

  test('the timers that are watched are the timers of the admin app', () => {
    const watched = [...template('infra/modules/alerts.bicep').text.matchAll(/name: '([\w-]+)'\n {4}hours: (\d+)/g)];
    const timers = readdirSync(join(ROOT, 'functions/timers')).flatMap((file) =>
      [...readText(`functions/timers/${file}`).matchAll(/app\.timer\('([^']+)'/g)].map(([, name]) => name),
    );
    expect(watched.map(([, name]) => name).toSorted()).toEqual(timers.toSorted());
    const schedules = new Map(
      readdirSync(join(ROOT, 'functions/timers')).flatMap((file) =>
        [...readText(`functions/timers/${file}`).matchAll(/app\.timer\('([^']+)', \{\s+schedule: '([^']+)'/g)].map(
          ([, name = '', schedule = '']) => [name, schedule] as const,
        ),
      ),
    );
    // Every hour or more often: overdue after three. Every day: after 26 hours, and a rule looks back two days at most.
    for (const [, name = '', hours] of watched) {
      expect(Number(hours), name).toBe(/^0 \S+ \* \* \* \*$/.test(schedules.get(name) ?? '') ? 3 : 26);
    }
  });

  test('a timer that fails has not run, and is a failure: its status is 0 or nothing', () => {
    const { text } = template('infra/modules/alerts.bicep');
    expect(text).toContain('where AppRoleName =~ "{0}" and Success | summarize last');
    expect(text).toContain('(isempty(ResultCode) or ResultCode == "0") and Success == false');
  });

  test('an alert that looks once a day is sent each time, since it would never be taken for over', () => {
    const rules = template('infra/modules/alerts.bicep').text.matchAll(/every: '(\w+)'[^}]*once: (\w+)/g);
    const sent = [...rules].map(([, every, once]) => `${every} ${once}`);
    expect(sent).toEqual(['P1D false', 'PT1H true', 'PT15M true', 'PT1H true']);
    expect(template('infra/modules/alerts.bicep').text).toContain('autoMitigate: each.once\n');
  });

  test('the lines that the certificate alert waits for are those that the code writes', () => {
    const { text } = template('infra/modules/alerts.bicep');
    const event = /Message contains '"event":"([^"]+)"'/.exec(text)?.[1];
    const timer = readText('functions/timers/certificate-authority.ts');
    expect(/const EVENT = '([^']+)'/.exec(timer)?.[1]).toBe(event);
    expect(timer).toContain('{ event: EVENT,');
    expect(logLine('x', { event })).toContain(`"event":"${event}"`);
    const line = /Message startswith "([^"]+)"/.exec(text)?.[1];
    expect(readText('shared/devices/expiring.ts')).toContain(`log.warn('${line}`);
  });

  test('the failure alert knows every cause of a refused enrollment that is our own, but for a busy moment', () => {
    const { text } = template('infra/modules/alerts.bicep');
    const causes = /'"cause":"\(([\w|]+)\)"'/.exec(text)?.[1]?.split('|') ?? [];
    const answer = readText('shared/enrollment/answer-token-request.ts');
    const own = [...(/OWN_FAILURES[^[]*\[([^\]]*)\]/.exec(answer)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(
      ([, cause]) => cause,
    );
    expect(own.length).toBeGreaterThan(1);
    expect(causes).toEqual(own.filter((cause) => cause !== 'busy'));
    expect(logLine('x', { cause: 'failed' })).toContain('"cause":"failed"');
  });

  test('the addresses that it prints are those that the apps answer', () => {
    const outputs = outputsOf(main);
    expect(outputs.get('LANYARD_DISCOVERY_URL')).toBe(`'\${enrollAddress}${DISCOVERY_PATH}'`);
    expect(outputs.get('LANYARD_ENTRA_DISCOVERY_URL')).toBe(`'\${enrollAddress}${ENTRA_DISCOVERY_PATH}'`);
    expect(outputs.get('LANYARD_ENTRA_TERMS_URL')).toBe(`'\${enrollAddress}${TERMS_OF_USE_PATH}'`);
    expect(outputs.get('LANYARD_ENTRA_REDIRECT_URL')).toBe(`'\${enrollAddress}${ENTRA_CALLBACK_PATH}'`);
  });

  test('large results outlive the commands that point to them', () => {
    expect(main.text).toContain(`@minValue(${FINISHED_KEPT_DAYS + 1})\n@maxValue(3650)\nparam resultDays int`);
    expect(Number(defaultOf(main, 'resultDays'))).toBeGreaterThan(FINISHED_KEPT_DAYS);
  });

  test('the header with a client certificate is believed where the platform requires one, and nowhere else', () => {
    const [enroll, manage, admin] = ['enrollApp', 'manageApp', 'adminApp'].map(
      (app) => blocks(main, 'module').find(({ name }) => name === app)?.text ?? '',
    );
    expect(manage).toContain('clientCertificates: manageAsksForCertificates\n');
    expect(manage).toContain("LANYARD_CLIENT_CERT: manageAsksForCertificates ? 'platform' : 'none'\n");
    expect(main.text).toContain("var manageAsksForCertificates = deviceAuth == 'certificate'\n");
    expect(defaultOf(main, 'deviceAuth')).toBe("'certificate'");
    for (const other of [enroll, admin]) {
      expect(other).toContain('clientCertificates: false\n');
      expect(other).toContain("LANYARD_CLIENT_CERT: 'none'\n");
    }
  });

  test('logs get no query strings', () => {
    const { text } = template('infra/modules/logs.bicep');
    expect(text).toMatch(/'Microsoft-Table-AppRequests'[\s\S]*?split\(Url, "\?"\)\[0\]/);
    expect(text).toMatch(/'Microsoft-Table-AppServiceHTTPLogs'[\s\S]*?CsUriQuery = ""/);
  });
});
