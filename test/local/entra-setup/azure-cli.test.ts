import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ToolError } from '../../../local/azure/run-tool.ts';
import { TOPICS } from '../../../local/entra-setup/arguments.ts';
import { readValues } from '../../../local/entra-setup/azure-cli.ts';
import { Directory, TENANT_ID } from '../../graph/directory.ts';
import { AdministratorsMachine } from '../../graph/run-entra.ts';

const SUBSCRIPTION = '0f0e0d0c-0000-4000-8000-000000000001';

let machine: AdministratorsMachine;

beforeEach(() => {
  machine = new AdministratorsMachine(new Directory());
});

test('the values of azd are read as it writes them', () => {
  const text =
    'AZURE_ENV_NAME="contoso"\r\nLANYARD_URL="https://a.example"\nODD="say \\"hi\\" \\\\ x=1"\nBARE=1\n\nnoise\n';
  expect(readValues(text)).toEqual({
    AZURE_ENV_NAME: 'contoso',
    LANYARD_URL: 'https://a.example',
    ODD: 'say "hi" \\ x=1',
    BARE: '1',
  });
});

describe('what is missing is said with what to do', () => {
  test.each([
    [new ToolError('az is not installed, or not in the path', true), /Azure CLI \(az\) is needed/],
    [
      new ToolError("Please run 'az login' to setup account.", false),
      /gives no token.*'az login' to setup.*\nSign in: az login/,
    ],
  ])('%s', async (failure, words) => {
    machine.azFailure = failure;
    const { code, text } = await machine.type('administrators', '--yes');
    expect(code).toBe(2);
    expect(text).toMatch(words);
    expect(machine.directory.calls).toEqual([]);
  });

  test('no name of the deployment', async () => {
    machine.azd = {};
    expect(await machine.type('administrators')).toMatchObject({
      code: 2,
      text: expect.stringMatching(/AZURE_ENV_NAME is needed: give --environment.*deploy first/),
    });
    machine.azd = undefined;
    expect((await machine.type('administrators')).text).toContain('azd says: azd is not installed');
  });

  test('a token that is not good any more', async () => {
    machine.directory.tokens.clear();
    expect(await machine.type('administrators', '--yes')).toMatchObject({
      code: 1,
      text: expect.stringMatching(/401 InvalidAuthenticationToken.*\nThe token is not good/),
    });
  });

  test('a role of Entra', async () => {
    machine.directory.mayWrite = false;
    const { code, text } = await machine.type('administrators', '--yes');
    expect(code).toBe(1);
    expect(text).toMatch(/403 Authorization_RequestDenied, request-id .*Insufficient privileges/);
    expect(text).toContain('Cloud Application Administrator');
    expect(text).toContain('az login again');
  });

  test('a variable that is not what it should be', async () => {
    machine.azd = { AZURE_ENV_NAME: 'contoso', LANYARD_ENTRA_CLIENT_ID: "x')/owners" };
    const { code, text } = await machine.type('administrators', '--yes');
    expect(code).toBe(2);
    expect(text).toContain('LANYARD_ENTRA_CLIENT_ID takes the client id');
    expect(machine.directory.calls.join()).not.toContain('owners');
  });
});

describe('the tenant is', () => {
  test.each([
    [[], {}, 'az account get-access-token --resource-type ms-graph --output json'],
    [[], { AZURE_SUBSCRIPTION_ID: SUBSCRIPTION }, `ms-graph --subscription ${SUBSCRIPTION} --output json`],
    [
      ['--tenant', 'contoso.example'],
      { AZURE_SUBSCRIPTION_ID: SUBSCRIPTION },
      'ms-graph --tenant contoso.example --output',
    ],
  ])('%j with %j', async (args, values, typed) => {
    Object.assign(machine.azd!, values);
    expect((await machine.type('administrators', ...args)).code).toBe(0);
    expect(machine.ran.find((call) => call.startsWith('az '))).toContain(typed);
  });

  const OTHER = '11111111-2222-4333-8444-555555555555';

  test.each([['administrators'], ['sign-in']])(
    'that of the subscription, for what %s sets up: people of another one would be locked out',
    async (topic) => {
      Object.assign(machine.azd!, {
        AZURE_SUBSCRIPTION_ID: SUBSCRIPTION,
        LANYARD_ENROLL_URL: 'https://mdm.contoso.example',
        LANYARD_ENROLL_PRINCIPAL: SUBSCRIPTION,
      });
      machine.subscription = { tenantId: OTHER };
      const { code, text } = await machine.type(topic, '--tenant', 'contoso.example', '--yes');
      expect(code).toBe(2);
      expect(text).toContain(`The subscription belongs to the tenant ${OTHER}, and this is ${TENANT_ID}`);
      expect(machine.ran).toContain(`az account show --subscription ${SUBSCRIPTION} --output json`);
      expect(machine.directory.writes).toEqual([]);
      expect((await machine.type(topic, '--remove')).code).toBe(0);
    },
  );

  test('that to which a subscription belongs, and not that from which it is managed', async () => {
    machine.subscription = { tenantId: TENANT_ID, homeTenantId: OTHER };
    expect(await machine.type('administrators')).toMatchObject({ code: 2, text: expect.stringContaining(OTHER) });
    machine.subscription = { tenantId: OTHER, homeTenantId: TENANT_ID.toUpperCase() };
    expect(await machine.type('administrators')).toMatchObject({ code: 0, text: expect.not.stringContaining('Note:') });
  });

  test('to be compared by the person where the account sees no subscription', async () => {
    machine.subscription = undefined;
    const { code, text } = await machine.type('administrators');
    expect(code).toBe(0);
    expect(text).toMatch(/Note: Your account does not see the subscription/);
  });
});

describe('without azd the values come from a deployment by its name', () => {
  beforeEach(() => {
    machine.azd = undefined;
    machine.deployments['Microsoft.Template-20261121'] = {
      lanyarD_ENVIRONMENT: { value: 'fabrikam' },
      lanyarD_DEPLOYED_ENTRA_CLIENT_ID: { value: '' },
      lanyarD_ENROLL_URL: { value: 'https://mdm.contoso.example' },
      lanyarD_ENROLL_PRINCIPAL: { value: SUBSCRIPTION },
    };
  });
  const named = ['--deployment', 'Microsoft.Template-20261121'];

  test('for each topic', async () => {
    expect((await machine.type('administrators', ...named)).text).toContain('Lanyard administrators (fabrikam)');
    expect((await machine.type('sign-in', ...named)).text).toContain('https://mdm.contoso.example/EnrollmentServer');
    expect((await machine.type('enrollment', ...named)).code).toBe(0);
    expect(machine.ran.filter((call) => call.startsWith('azd'))).toEqual([]);
  });

  test('of the subscription that is named, and before those of an azd environment, which stays as it is', async () => {
    machine.azd = { AZURE_ENV_NAME: 'contoso' };
    const { text } = await machine.type('administrators', '--yes', ...named, '--subscription', SUBSCRIPTION);
    expect(text).toContain('Lanyard administrators (fabrikam)');
    expect(text).toContain('the fields Entra Client Id and Admin Auth');
    expect(machine.azd).toEqual({ AZURE_ENV_NAME: 'contoso' });
    expect(machine.ran[0]).toContain(`--name Microsoft.Template-20261121 --query properties.outputs`);
    expect(machine.ran[0]).toContain(`--subscription ${SUBSCRIPTION}`);
  });

  test('with the registration that it was deployed with', async () => {
    const made = machine.directory.addApplication({ displayName: 'By hand' });
    machine.deployments['lanyard'] = {
      LANYARD_ENVIRONMENT: { value: 'contoso' },
      LANYARD_DEPLOYED_ENTRA_CLIENT_ID: { value: made.appId },
    };
    expect((await machine.type('administrators', '--deployment', 'lanyard')).text).toContain('"By hand"');
  });

  test('or it is said what is wrong', async () => {
    expect(await machine.type('administrators', '--deployment', 'other')).toMatchObject({
      code: 1,
      text: expect.stringContaining('DeploymentNotFound'),
    });
    machine.deployments['broken'] = {};
    expect(await machine.type('administrators', '--deployment', 'broken')).toMatchObject({
      code: 2,
      text: expect.stringContaining('The deployment broken has no outputs'),
    });
    expect((await machine.type('directory-rights', ...named)).text).toContain('does not have it either');
    expect((await machine.type('administrators')).text).toContain('Without azd: --deployment NAME');
  });
});

test.each([
  [[], 0, 'node lanyard entra WHAT'],
  [['--help'], 0, '--remove'],
  [['administration'], 2, 'Say one of administrators'],
  [['administrators', 'sign-in'], 2, 'Say one of'],
  [['administrators', '--force'], 2, "Unknown option '--force'"],
  [['administrators', '--client-id', 'Lanyard'], 2, '--client-id takes the client id'],
  [['sign-in', '--enroll-url', 'http://mdm.contoso.example'], 2, '--enroll-url takes an address such as https'],
  [['administrators', '--graph', 'http://graph.contoso.example'], 2, '--graph takes an https address'],
  [['directory-rights', '--remove', '--read-only'], 2, '--remove takes everything of ours away'],
  [['enrollment', '--scope', 'some'], 2, '--scope takes all or none'],
  [['enrollment', '--scope', 'all', '--group', SUBSCRIPTION], 2, 'not both'],
  [['enrollment', '--group', 'Staff'], 2, '--group takes the object id'],
])('%j ends with %i', async (args, code, words) => {
  const { code: got, text } = await machine.type(...args);
  expect(text).toContain(words);
  expect(got).toBe(code);
  expect(machine.directory.calls).toEqual([]);
});

test('the page on Entra and the help have each part', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/entra.md'), 'utf8');
  const { text } = await machine.type('--help');
  for (const topic of TOPICS) {
    expect(page).toMatch(new RegExp(`^\\| \`${topic}\` \\|`, 'm'));
    expect(text).toMatch(new RegExp(`^ {2}${topic} `, 'm'));
  }
});
