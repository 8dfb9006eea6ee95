import { describe, expect, test } from 'vitest';
import { readSettings, VARIABLES } from '../../shared/platform/settings.ts';
import { blocks, readText, template } from './bicep.ts';

/** The app settings of the templates, held against the code that reads them. */

const main = template('infra/main.bicep');
const functionApp = template('infra/modules/function-app.bicep');

/** Read by the platform or by a package, and not by our own settings. */
const READ_BY_OTHERS = [
  'AzureWebJobsStorage__accountName',
  'AzureWebJobsStorage__credential',
  'AzureWebJobsDisableHomepage',
  'AZURE_CLIENT_ID',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'FUNCTIONS_EXTENSION_VERSION',
  'FUNCTIONS_WORKER_RUNTIME',
  'WEBSITE_RUN_FROM_PACKAGE',
];
/** A connection string has no place in Azure. */
const LOCAL_ONLY = ['AzureWebJobsStorage'];

/** Lines `NAME: value` of a piece of a template. */
function assignments(text: string): Map<string, string> {
  const lines = text.matchAll(
    /^\s+((?:LANYARD|AzureWebJobs|AZURE|APPLICATIONINSIGHTS|FUNCTIONS|WEBSITE)_?\w*): (.+)$/gm,
  );
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]));
}

const variable = ({ text }: typeof main, name: string) =>
  assignments(new RegExp(`^var ${name} = \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text)?.[1] ?? '');

const common = variable(main, 'commonSettings');
const platform = variable(functionApp, 'platformSettings');
const basic = variable(functionApp, 'basicSettings');
const own = (app: string) => assignments(blocks(main, 'module').find(({ name }) => name === `${app}App`)?.text ?? '');

/** What the apps would find in their environment, with plausible values for what Azure fills in. */
const VALUES: Record<string, string> = {
  enrollAddress: 'https://lanyard-enroll-x.azurewebsites.net',
  manageAddress: 'https://lanyard-manage-x.azurewebsites.net',
  'data.outputs.tableUrl': 'https://stxdata.table.core.windows.net/',
  'data.outputs.blobUrl': 'https://stxdata.blob.core.windows.net/',
  'vault.outputs.url': 'https://kv-x-1.vault.azure.net/',
  hostBlobUrl: 'https://stxenroll.blob.core.windows.net/',
  clientId: '11111111-2222-3333-4444-555555555555',
  telemetryAddress: 'InstrumentationKey=x',
  deviceAuth: 'certificate',
  administratorsSignIn: 'keys',
  providerId: 'Lanyard',
  firstAuthority: 'timer',
  "manageAsksForCertificates ? 'platform' : 'none'": 'platform',
};

function environment(app: string, changes: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { WEBSITE_SITE_NAME: `lanyard-${app}-x` };
  for (const [name, value] of [...platform, ...common, ...own(app)]) {
    const literal = /^'([^'$]*)'$/.exec(value)?.[1];
    env[name] = changes[value] ?? VALUES[value] ?? literal ?? value;
  }
  return env;
}

describe.each(['enroll', 'manage', 'admin'])('the %s app', (app) => {
  test('gets a set of settings with which it starts in Azure', () => {
    const settings = readSettings(environment(app));
    expect(settings).toMatchObject({
      app,
      enrollUrl: 'https://lanyard-enroll-x.azurewebsites.net',
      manageUrl: 'https://lanyard-manage-x.azurewebsites.net',
      clientCert: app === 'manage' ? 'platform' : 'none',
      ca: app === 'manage' ? '' : 'https://kv-x-1.vault.azure.net/',
      firstCa: app === 'admin' ? 'timer' : 'call',
      hostStorage: { blobs: 'https://stxenroll.blob.core.windows.net/', clientId: VALUES['clientId'] },
    });
  });

  test('starts in digest mode too', () => {
    const digest = { deviceAuth: 'digest', "manageAsksForCertificates ? 'platform' : 'none'": 'none' };
    expect(readSettings(environment(app, digest))).toMatchObject({ deviceAuth: 'digest', clientCert: 'none' });
  });

  test('gets every setting that the code reads, and none that nobody reads', () => {
    const given = [...platform.keys(), ...basic.keys(), ...common.keys(), ...own(app).keys()];
    const notForIt = { enroll: ['LANYARD_FIRST_CA'], manage: ['LANYARD_CA', 'LANYARD_FIRST_CA'], admin: [] }[app] ?? [];
    expect(given.filter((name) => !VARIABLES.includes(name)).toSorted()).toEqual(READ_BY_OTHERS.toSorted());
    expect(VARIABLES.filter((name) => !given.includes(name))).toEqual([...notForIt, ...LOCAL_ONLY]);
    expect(given).toEqual([...new Set(given)]);
  });
});

test('a set with one setting less does not start', () => {
  const env = environment('enroll');
  delete env['LANYARD_TABLES'];
  expect(() => readSettings(env)).toThrow(/LANYARD_TABLES/);
});

test('the sample for a developer`s machine names settings that are read, and is a set with which the apps start', () => {
  const { Values: values } = JSON.parse(readText('local.settings.sample.json')) as { Values: Record<string, string> };
  const known = [...VARIABLES, ...READ_BY_OTHERS];
  expect(Object.keys(values).filter((name) => !known.includes(name))).toEqual([]);
  expect(readSettings(values)).toMatchObject({ app: 'all', ca: 'files:.lanyard/ca' });
  const inAzureAlone = (name: string) => /^AzureWebJobsStorage_/.test(name);
  expect(VARIABLES.filter((name) => !(name in values) && !inAzureAlone(name))).toEqual([]);
});
