import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSettings, SettingsError, VARIABLES } from '../../../shared/platform/settings.ts';

const KEY = 'c2VjcmV0LXZhbHVlLXRoYXQtbXVzdC1ub3QtYmUtc2hvd24=';
const CONNECTION = `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${KEY};EndpointSuffix=core.windows.net`;

const local = {
  LANYARD_APP: 'all',
  LANYARD_ENROLL_URL: 'https://enroll.contoso.com',
  LANYARD_MANAGE_URL: 'https://manage.contoso.com:7444',
  LANYARD_TABLES: 'UseDevelopmentStorage=true',
  LANYARD_BLOBS: CONNECTION,
  LANYARD_CA: 'files:.lanyard/ca',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
};

const azure = {
  WEBSITE_SITE_NAME: 'contoso-enroll',
  LANYARD_APP: 'enroll',
  LANYARD_ENROLL_URL: 'https://enroll.contoso.com',
  LANYARD_MANAGE_URL: 'https://manage.contoso.com',
  LANYARD_TABLES: 'https://data.table.core.windows.net/',
  LANYARD_BLOBS: 'https://data.blob.core.windows.net/',
  LANYARD_CA: 'https://contoso.vault.azure.net/',
  AzureWebJobsStorage__blobServiceUri: 'https://host.blob.core.windows.net',
};

function wrong(env: NodeJS.ProcessEnv): SettingsError {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error('these settings were taken');
}

describe('settings that are taken', () => {
  test('locally: connection strings, files for the CA, defaults for the rest', () => {
    expect(readSettings(local)).toEqual({
      app: 'all',
      enrollUrl: 'https://enroll.contoso.com',
      manageUrl: 'https://manage.contoso.com:7444',
      tables: 'UseDevelopmentStorage=true',
      blobs: CONNECTION,
      ca: 'files:.lanyard/ca',
      firstCa: 'call',
      deviceAuth: 'certificate',
      clientCert: 'none',
      adminAuth: 'keys',
      providerId: 'Lanyard',
      hostStorage: { blobs: 'UseDevelopmentStorage=true' },
    });
  });

  test('in Azure: service URLs and managed identity', () => {
    const read = readSettings({ ...azure, AzureWebJobsStorage__clientId: 'f00d' });
    expect(read.hostStorage).toEqual({ blobs: 'https://host.blob.core.windows.net', clientId: 'f00d' });
    expect(read.tables).toBe('https://data.table.core.windows.net/');
  });

  test('a variable that is empty or blank counts as absent', () => {
    const env = {
      ...local,
      LANYARD_PROVIDER_ID: '',
      LANYARD_DEVICE_AUTH: '  ',
      AzureWebJobsStorage__blobServiceUri: '',
    };
    expect(readSettings(env)).toMatchObject({ providerId: 'Lanyard', deviceAuth: 'certificate' });
  });

  test('white space around a value does not matter', () => {
    expect(readSettings({ ...local, LANYARD_APP: ' manage\r\n' }).app).toBe('manage');
  });

  test('an app that has no right to the CA needs not name it', () => {
    expect(readSettings({ ...azure, LANYARD_APP: 'manage', LANYARD_CA: undefined }).ca).toBe('');
    expect(wrong({ ...azure, LANYARD_CA: undefined }).message).toContain('LANYARD_CA');
  });

  test('devices with certificates behind a platform that asks for them, or digest without', () => {
    expect(readSettings({ ...local, LANYARD_CLIENT_CERT: 'platform' }).clientCert).toBe('platform');
    expect(readSettings({ ...local, LANYARD_DEVICE_AUTH: 'digest' })).toMatchObject({
      deviceAuth: 'digest',
      clientCert: 'none',
    });
  });

  test('the sample for Core Tools is complete', () => {
    const sample = JSON.parse(readFileSync('local.settings.sample.json', 'utf8'));
    expect(readSettings(sample.Values).app).toBe('all');
    expect(sample.Values.FUNCTIONS_WORKER_RUNTIME).toBe('node');
    const alternatives = VARIABLES.filter((name) => name.startsWith('AzureWebJobsStorage__'));
    expect(Object.keys(sample.Values)).toEqual(
      expect.arrayContaining(VARIABLES.filter((name) => !alternatives.includes(name))),
    );
    const unknown = Object.keys(sample.Values).filter(
      (name) => name.startsWith('LANYARD_') && !VARIABLES.includes(name),
    );
    expect(unknown).toEqual([]);
  });
});

describe('settings that are refused', () => {
  test('every variable that is missing is named, each once', () => {
    const variables = wrong({}).variables.map((v) => v.variable);
    expect(variables.toSorted()).toEqual([
      'AzureWebJobsStorage',
      'LANYARD_APP',
      'LANYARD_BLOBS',
      'LANYARD_CA',
      'LANYARD_ENROLL_URL',
      'LANYARD_MANAGE_URL',
      'LANYARD_TABLES',
    ]);
  });

  test.each<[string, NodeJS.ProcessEnv, string, RegExp]>([
    ['an unknown app', { LANYARD_APP: 'everything' }, 'LANYARD_APP', /enroll, manage, admin or all/],
    ['http', { LANYARD_ENROLL_URL: 'http://enroll.contoso.com' }, 'LANYARD_ENROLL_URL', /https/],
    ['a trailing slash', { LANYARD_MANAGE_URL: 'https://m.contoso.com/' }, 'LANYARD_MANAGE_URL', /trailing slash/],
    ['a path', { LANYARD_MANAGE_URL: 'https://m.contoso.com/ManagementServer/MDM.svc' }, 'LANYARD_MANAGE_URL', /path/],
    ['a query', { LANYARD_MANAGE_URL: 'https://m.contoso.com?a=b' }, 'LANYARD_MANAGE_URL', /query/],
    ['a user in a URL', { LANYARD_MANAGE_URL: 'https://me@m.contoso.com' }, 'LANYARD_MANAGE_URL', /host alone/],
    ['no URL at all', { LANYARD_ENROLL_URL: 'enroll.contoso.com' }, 'LANYARD_ENROLL_URL', /https/],
    ['half a connection string', { LANYARD_TABLES: 'AccountName=x' }, 'LANYARD_TABLES', /connection string/],
    [
      'a SAS in a service URL',
      { LANYARD_BLOBS: 'https://x.blob.core.windows.net/?sv=1&sig=abc' },
      'LANYARD_BLOBS',
      /query/,
    ],
    ['a CA that is neither', { LANYARD_CA: '/etc/ca' }, 'LANYARD_CA', /files:<folder>/],
    ['files without a folder', { LANYARD_CA: 'files:' }, 'LANYARD_CA', /files:<folder>/],
    [
      'an unknown way to authenticate',
      { LANYARD_DEVICE_AUTH: 'basic' },
      'LANYARD_DEVICE_AUTH',
      /certificate or digest/,
    ],
    [
      'digest and certificates',
      { LANYARD_DEVICE_AUTH: 'digest', LANYARD_CLIENT_CERT: 'platform' },
      'LANYARD_CLIENT_CERT',
      /digest/,
    ],
    ['another sign-in', { LANYARD_ADMIN_AUTH: 'password' }, 'LANYARD_ADMIN_AUTH', /keys/],
    ['a provider id with a space', { LANYARD_PROVIDER_ID: 'My MDM' }, 'LANYARD_PROVIDER_ID', /letters and digits/],
    ['a provider id of 33', { LANYARD_PROVIDER_ID: 'x'.repeat(33) }, 'LANYARD_PROVIDER_ID', /1 to 32/],
    [
      'two host storages',
      { AzureWebJobsStorage__blobServiceUri: 'https://h.blob.core.windows.net' },
      'AzureWebJobsStorage',
      /not both/,
    ],
  ])('%s', (_, change, variable, expected) => {
    expect(wrong({ ...local, ...change }).variables).toEqual([{ variable, expected: expect.stringMatching(expected) }]);
  });

  test.each<[string, NodeJS.ProcessEnv, string]>([
    ['the three apps in one', { LANYARD_APP: 'all' }, 'LANYARD_APP'],
    ['a connection string for tables', { LANYARD_TABLES: CONNECTION }, 'LANYARD_TABLES'],
    ['a connection string for blobs', { LANYARD_BLOBS: CONNECTION }, 'LANYARD_BLOBS'],
    ['the emulator', { LANYARD_TABLES: 'UseDevelopmentStorage=true' }, 'LANYARD_TABLES'],
    ['a CA in files', { LANYARD_CA: 'files:ca' }, 'LANYARD_CA'],
    [
      'a key for the host storage',
      { AzureWebJobsStorage: CONNECTION, AzureWebJobsStorage__blobServiceUri: undefined },
      'AzureWebJobsStorage',
    ],
    ['no host storage', { AzureWebJobsStorage__blobServiceUri: undefined }, 'AzureWebJobsStorage__blobServiceUri'],
  ])('in Azure: %s', (_, change, variable) => {
    expect(wrong({ ...azure, ...change }).variables.map((v) => v.variable)).toEqual([variable]);
  });

  test('no value is in the error, as one may be a secret in the wrong place', () => {
    const env = Object.fromEntries(VARIABLES.map((name) => [name, `wrong value ${KEY}`]));
    const error = wrong({ ...env, WEBSITE_SITE_NAME: 'x' });
    expect(error.variables.length).toBeGreaterThan(8);
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(KEY);
    expect(wrong({ ...azure, LANYARD_BLOBS: CONNECTION }).message).not.toContain(KEY);
  });
});
