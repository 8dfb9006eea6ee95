import { expect, test } from 'vitest';
import { block, defaultOf, template, valuesBelow, valuesOf, variable } from './bicep.ts';

/** Settings of which one other word would open a door or lose data, as they have to be written. */

const MAIN = 'infra/main.bicep';
const main = template(MAIN);
const paramsOf = (module: string) => valuesBelow(block(MAIN, 'module', module), 'params');

test('the sign-in of administrators lets nobody in without a token of this tenant that is for this registration', () => {
  const file = 'infra/modules/sign-in.bicep';
  expect(valuesBelow(block(file, 'resource', 'authentication'), 'properties')).toEqual({
    platform: '{',
    'platform.enabled': 'on',
    'platform.runtimeVersion': "'~1'",
    globalValidation: '{',
    'globalValidation.requireAuthentication': 'on',
    'globalValidation.unauthenticatedClientAction': "on ? 'Return401' : 'AllowAnonymous'",
    identityProviders: 'on ? { azureActiveDirectory: registration } : {}',
    login: '{',
    'login.tokenStore': '{',
    'login.tokenStore.enabled': 'false',
    httpSettings: '{',
    'httpSettings.requireHttps': 'true',
  });
  expect(valuesOf(variable(file, 'registration'))).toEqual({
    enabled: 'true',
    registration: '{',
    'registration.clientId': 'clientId',
    'registration.openIdIssuer': `'\${environment().authentication.loginEndpoint}\${tenant().tenantId}/v2.0'`,
    validation: '{',
    'validation.allowedAudiences': '[',
    'validation.allowedAudiences.0': 'clientId',
    'validation.allowedAudiences.1': `'api://\${clientId}'`,
  });
  expect(paramsOf('signIn')).toEqual({
    app: 'appNames[admin]',
    on: "adminAuth == 'entra'",
    clientId: 'entraClientId',
  });
  expect(defaultOf(main, 'adminAuth')).toBe("'keys'");
});

test('a deleted vault is kept, against everybody unless somebody decided otherwise, and another generation is another vault', () => {
  const vault = valuesBelow(block('infra/modules/vault.bicep', 'resource', 'vault'), 'properties');
  expect(vault).toMatchObject({
    enableRbacAuthorization: 'true',
    enableSoftDelete: 'true',
    softDeleteRetentionInDays: '90',
    enablePurgeProtection: 'purgeProtection ? true : null',
  });
  expect(paramsOf('vault')).toMatchObject({ name: 'vaultName', purgeProtection: 'purgeProtection' });
  expect(defaultOf(main, 'purgeProtection')).toBe('true');
  expect(main.text).toContain(`var vaultName = 'kv-\${token}-\${vaultGeneration}'\n`);
  expect(valuesOf(block('infra/modules/vault.bicep', 'resource', 'useOfKeys'))).toMatchObject({
    scope: 'vault',
    'properties.workspaceId': 'workspaceId',
    'properties.logs.0.category': "'AuditEvent'",
    'properties.logs.0.enabled': 'true',
  });
});

test('logs cost no more a day than was said, and are written with an identity alone', () => {
  const workspace = valuesBelow(block('infra/modules/workspace.bicep', 'resource', 'workspace'), 'properties');
  expect(workspace).toMatchObject({
    retentionInDays: 'retentionDays',
    'workspaceCapping.dailyQuotaGb': 'json(dailyCapGb)',
    'features.disableLocalAuth': 'true',
  });
  const logs = 'infra/modules/logs.bicep';
  const passedOn = { retentionDays: 'retentionDays', dailyCapGb: 'dailyCapGb' };
  expect(valuesBelow(block(logs, 'module', 'workspaceWithRule'), 'params')).toMatchObject(passedOn);
  expect(valuesOf(block(logs, 'resource', 'insights'))['properties.DisableLocalAuth']).toBe('true');
  expect(paramsOf('logs')).toMatchObject({ retentionDays: 'logRetentionDays', dailyCapGb: 'logDailyCapGb' });
  expect(defaultOf(main, 'logDailyCapGb')).toBe("'0.16'");
});

test('a domain has TLS as soon as there is a certificate for it', () => {
  const binding = block('infra/modules/domain-binding.bicep', 'resource', 'binding');
  expect(valuesBelow(binding, 'properties')).toMatchObject({
    sslState: "empty(thumbprint) ? 'Disabled' : 'SniEnabled'",
    thumbprint: 'empty(thumbprint) ? null : thumbprint',
  });
  const domain = 'infra/domain.bicep';
  expect(template(domain).text).toContain(
    "module bare 'modules/domain-binding.bicep' = if (hosting == 'basic' && firstRun) {",
  );
  expect(valuesOf(block(domain, 'module', 'bare'))['params.thumbprint']).toBe("''");
  expect(valuesOf(block(domain, 'module', 'binding'))['params.thumbprint']).toBe(
    "hosting == 'flex' ? ownCertificate!.properties.thumbprint : planCertificate!.properties.thumbprint",
  );
});

test('what is deleted by its age is what was meant, as old as was said', () => {
  const rules = valuesBelow(
    block('infra/modules/data-storage.bicep', 'resource', 'lifecycle'),
    'properties.policy.rules',
  );
  const deleted = [0, 1, 2].map((place) => {
    const rule = Object.entries(rules).filter(([path]) => path.startsWith(`${place}.definition.`));
    const of = (end: string) => rule.filter(([path]) => path.includes(end)).map(([, value]) => value);
    return [of('prefixMatch.'), of('daysAfterModificationGreaterThan')];
  });
  expect(deleted).toEqual([
    [["'results/'"], ['resultDays']],
    [["'traces/'"], ['8']],
    [["'logs-'"], ['30']],
  ]);
  expect(rules['3']).toBeUndefined();
  const others = Object.keys(rules).filter((path) => /actions\.(?!baseBlob(\.delete(\.days\w+)?)?$)/.test(path));
  expect(others).toEqual([]);
  expect(paramsOf('data')['resultDays']).toBe('resultDays');
});

test('what is deleted by mistake in an account can be got back for a week', () => {
  const blobs = valuesOf(block('infra/modules/data-storage.bicep', 'resource', 'blobService'));
  expect(blobs).toMatchObject({
    'properties.deleteRetentionPolicy.enabled': 'true',
    'properties.deleteRetentionPolicy.days': '7',
    'properties.containerDeleteRetentionPolicy.enabled': 'true',
    'properties.containerDeleteRetentionPolicy.days': '7',
  });
});
