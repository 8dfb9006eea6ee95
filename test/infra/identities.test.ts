import { describe, expect, test } from 'vitest';
import {
  type Block,
  block,
  blocks,
  outputsOf,
  resources,
  template,
  templates,
  valuesBelow,
  valuesOf,
  wordsOf,
} from './bicep.ts';
import { BUILT_IN_ROLES } from './rules.ts';

/** Which identity is given what, and runs what: with the rights of another app the table of rights would say nothing. */

const MAIN = 'infra/main.bicep';
const main = template(MAIN);
const principal = (app: string) => `identities[${app}].outputs.principalId`;
const params = (module: string) => valuesBelow(block(MAIN, 'module', module), 'params');
const dependsOn = (module: string) => Object.values(valuesBelow(block(MAIN, 'module', module), 'dependsOn'));

describe('the identities', () => {
  test('are one for each app, in the order in which everything else names them', () => {
    expect(wordsOf(main, 'apps')).toEqual(['enroll', 'manage', 'admin']);
    const places = ['enroll', 'manage', 'admin'].map((app) => new RegExp(`^var ${app} = (\\d+)$`, 'm').exec(main.text));
    expect(places.map((found) => found?.[1])).toEqual(['0', '1', '2']);
    expect(main.text).toContain(`var appNames = map(apps, app => 'lanyard-\${app}-\${token}')\n`);
    expect(valuesOf(block(MAIN, 'module', 'identities'))).toMatchObject({
      for: 'for app in apps: {',
      name: `'identity-\${app}'`,
      'params.name': `'id-lanyard-\${app}-\${token}'`,
    });
  });

  test('say their own ids', () => {
    expect(template('infra/modules/identity.bicep').text.match(/^output .*$/gm)).toEqual([
      'output id string = identity.id',
      'output principalId string = identity.properties.principalId',
      'output clientId string = identity.properties.clientId',
    ]);
  });
});

describe('each right', () => {
  test('is given to the identity of the app that it is for', () => {
    const given = blocks(main, 'module').flatMap((module) =>
      Object.entries(valuesBelow(module, 'params'))
        .filter(([, value]) => value.includes('principalId'))
        .map(([name, value]) => [`${module.name} ${name}`, value]),
    );
    expect(Object.fromEntries(given)).toEqual({
      'hostStorage principalId': principal('index'),
      'enrollRights principalId': principal('enroll'),
      'manageRights principalId': principal('manage'),
      'adminRights principalId': principal('admin'),
      'uploadRights principalId': principal('admin'),
      'logs writers': `[for (app, index) in apps: ${principal('index')}]`,
      'vault adminPrincipalId': principal('admin'),
      'signingRight principalId': principal('enroll'),
    });
    expect(valuesOf(block(MAIN, 'module', 'hostStorage'))).toMatchObject({
      for: 'for (app, index) in apps: {',
      'params.name': `'st\${token}\${app}'`,
    });
  });

  test.each(['enrollRights', 'manageRights', 'adminRights', 'uploadRights'])(
    '%s: in the account of the data',
    (name) => {
      expect(params(name)['account']).toBe('dataAccount');
      expect(params('data')['name']).toBe('dataAccount');
      expect(dependsOn(name)).toEqual(['data']);
    },
  );

  test('holds for one place, and is the role that its module was told', () => {
    const principals = { properties: '{', 'properties.principalType': "'ServicePrincipal'" };
    const right = (scope: string, id: string, to: string, role: string, loop?: string) => ({
      ...principals,
      ...(loop && { for: loop }),
      name: `guid(${id}, ${to}, ${role})`,
      scope,
      'properties.principalId': to,
      'properties.roleDefinitionId': role,
    });
    const table = 'storage::tableService::table[index]';
    const container = 'storage::blobService::container[index]';
    const key = 'keys::issuing';
    const all = resources('Microsoft.Authorization/roleAssignments');
    expect(Object.fromEntries(all.map((each) => [placeOf(each), valuesOf(each)]))).toEqual({
      'data-rights tableRight': right(
        table,
        `${table}.id`,
        'principalId',
        'right.role',
        'for (right, index) in tables: {',
      ),
      'data-rights containerRight': right(
        container,
        `${container}.id`,
        'principalId',
        'right.role',
        'for (right, index) in containers: {',
      ),
      'host-storage owner': right('account', 'account.id', 'principalId', 'blobDataOwner'),
      'logs writer': right(
        'insights',
        'insights.id',
        'principalId',
        'monitoringMetricsPublisher',
        'for principalId in writers: {',
      ),
      // For containers that are not there yet, of which none can be named.
      'upload-rights right': {
        ...right('storage', 'storage.id', 'principalId', 'role'),
        for: 'for role in [',
        0: 'blobDelegator',
        1: 'containersRole',
        2: 'blobsRole',
      },
      'vault adminMakes': right('vault', 'vault.id', 'adminPrincipalId', 'authorityRole'),
      'signing-right right': right(key, `${key}.id`, 'principalId', 'signerRole'),
    });
  });

  test('is in the place that its module was told by name', () => {
    const existing = (file: string) =>
      [
        ...template(file).text.matchAll(
          /^( *)resource \w+ '([^'@]+)(?:@[^']*)?' existing = (?:\{\n|\[\n.*\n) +(name: .*)$/gm,
        ),
      ].map(([, , type, name]) => `${type} ${name}`);
    const account = 'Microsoft.Storage/storageAccounts name: account';
    expect(existing('infra/modules/data-rights.bicep')).toEqual([
      account,
      "tableServices name: 'default'",
      'tables name: right.table',
      "blobServices name: 'default'",
      'containers name: right.container',
    ]);
    expect(existing('infra/modules/upload-rights.bicep')).toEqual([account]);
    expect(existing('infra/signing-right.bicep')).toEqual([
      'Microsoft.KeyVault/vaults name: vault',
      'keys name: issuingKey',
    ]);
  });

  test('is of the role whose name it has', () => {
    const builtIn = (file: string) =>
      [...template(file).text.matchAll(/^var (\w+) = subscriptionResourceId\(\n +'(\S+)',\n +'(\S+)'\n\)/gm)].map(
        ([, name = '', type, id = '']) => [name, `${type} ${BUILT_IN_ROLES[id]?.split(/[,:]/)[0]}`],
      );
    const definition = (name: string) => `Microsoft.Authorization/roleDefinitions ${name}`;
    expect(Object.fromEntries(['main', ...modules()].flatMap((name) => builtIn(`infra/${name}.bicep`)))).toEqual({
      tableReader: definition('Storage Table Data Reader'),
      blobReader: definition('Storage Blob Data Reader'),
      blobDataOwner: definition('Storage Blob Data Owner'),
      monitoringMetricsPublisher: definition('Monitoring Metrics Publisher'),
      blobDelegator: definition('Storage Blob Delegator'),
    });
    const ownRoles = resources('Microsoft.Authorization/roleDefinitions').map(({ name }) => name);
    const outputs = outputsOf(template('infra/modules/roles.bicep'));
    expect(Object.fromEntries(outputs)).toEqual(Object.fromEntries(ownRoles.map((name) => [name, `${name}.id`])));
    expect(params('vault')['authorityRole']).toBe('roles.outputs.authority');
  });

  test('of a role of our own can be given in this resource group alone', () => {
    for (const role of resources('Microsoft.Authorization/roleDefinitions')) {
      expect(valuesBelow(role, 'properties.assignableScopes'), role.name).toEqual({ 0: 'resourceGroup().id' });
    }
  });
});

describe('each app', () => {
  test.each([
    ['enrollApp', 'enroll', 'false'],
    ['manageApp', 'manage', 'manageAsksForCertificates'],
    ['adminApp', 'admin', 'false'],
  ])('%s: runs with its own identity, in its own host account, after its own rights', (module, app, certificates) => {
    expect(params(module)).toMatchObject({
      name: `appNames[${app}]`,
      tags: `union(tags, { 'azd-service-name': '${app}' })`,
      planId: `plans[hosting == 'flex' ? ${app} : 0].outputs.id`,
      identityId: `identities[${app}].outputs.id`,
      clientId: `identities[${app}].outputs.clientId`,
      clientCertificates: certificates,
      hostAccount: `hostStorage[${app}].outputs.name`,
      hostBlobUrl: `hostStorage[${app}].outputs.blobUrl`,
      packageUrl: `hostStorage[${app}].outputs.packageUrl`,
      settings: 'union(commonSettings, {',
      'settings.LANYARD_APP': `'${app}'`,
    });
    expect(dependsOn(module)).toEqual([`${app}Rights`]);
  });

  test('uses that identity, and no other, for all that it does', () => {
    const app = valuesOf(block('infra/modules/function-app.bicep', 'resource', 'app'));
    const ofIdentity = Object.entries(app).filter(([path, value]) => /identity/i.test(path) || /identity/i.test(value));
    const storage = 'properties.functionAppConfig.0.deployment.storage.authentication';
    expect(Object.fromEntries(ofIdentity)).toEqual({
      identity: '{',
      'identity.type': "'UserAssigned'",
      'identity.userAssignedIdentities': '{',
      [`identity.userAssignedIdentities.'\${identityId}'`]: '{}',
      'properties.keyVaultReferenceIdentity': 'identityId',
      [`${storage}.type`]: "'UserAssignedIdentity'",
      [`${storage}.userAssignedIdentityResourceId`]: 'identityId',
    });
    expect(app['properties.functionAppConfig.0.deployment.storage.value']).toBe('packageUrl');
  });

  test('is asked for client certificates as its parameter says, which main sets together with the setting', () => {
    const app = valuesOf(block('infra/modules/function-app.bicep', 'resource', 'app'));
    expect(app['properties.clientCertEnabled']).toBe('clientCertificates');
    expect(app['properties.clientCertMode']).toBe("'Required'");
  });
});

/** `modules/roles` and the others. */
function modules(): string[] {
  return templates()
    .filter(({ file }) => file.startsWith('infra/modules/'))
    .map(({ file }) => file.replace(/^infra\/|\.bicep$/g, ''));
}

/** `host-storage owner`: the template and the symbolic name. */
function placeOf({ file, name }: Block): string {
  return `${file.replace(/^.*\/|\.bicep$/g, '')} ${name}`;
}
