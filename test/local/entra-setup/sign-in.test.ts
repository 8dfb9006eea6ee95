import { beforeEach, describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { Directory, MICROSOFT_GRAPH, TENANT_ID } from '../../graph/directory.ts';
import { AdministratorsMachine } from '../../graph/run-entra.ts';

const PRINCIPAL = '5d7f0c7e-0000-4000-8000-00000000000a';
const REDIRECT = 'https://mdm.contoso.example/EnrollmentServer/SignIn/Callback';
const ISSUER = `https://login.microsoftonline.com/${TENANT_ID}/v2.0`;
const OTHER_REDIRECT = 'https://portal.contoso.example/back';

let directory: Directory;
let machine: AdministratorsMachine;
let graphId: string;

beforeEach(() => {
  directory = new Directory();
  graphId = directory.addPrincipal({ appId: MICROSOFT_GRAPH, displayName: 'Microsoft Graph' }).id;
  machine = new AdministratorsMachine(directory);
  machine.azd = {
    AZURE_ENV_NAME: 'contoso',
    LANYARD_URL: 'https://admin.contoso.example',
    LANYARD_ENROLL_URL: 'https://mdm.contoso.example/',
    LANYARD_ENROLL_PRINCIPAL: PRINCIPAL.toUpperCase(),
  };
  machine.env = { LANYARD_KEY: 'good key' };
  machine.settings = policySchema.parse({
    organisation: 'Contoso',
    ways: ['Federated'],
    signIn: { colour: '#123456' },
  });
});

const setUp = (...more: string[]) => machine.type('sign-in', '--yes', ...more);
const takeAway = (...more: string[]) => machine.type('sign-in', '--remove', '--yes', ...more);
const application = () => directory.applications[0]!;
const principal = () => directory.servicePrincipals.find(({ appId }) => appId === application().appId)!;

/** What openid-connect.ts relies on. */
function expectWhole() {
  expect(directory.applications).toHaveLength(1);
  const { web, optionalClaims, federated, signInAudience, passwordCredentials } = application();
  expect(signInAudience).toBe('AzureADMyOrg');
  expect(web.redirectUris).toContain(REDIRECT);
  expect(optionalClaims?.idToken).toEqual(expect.arrayContaining([{ name: 'upn' }, { name: 'acct' }]));
  const trust = { issuer: ISSUER, subject: PRINCIPAL, audiences: ['api://AzureADTokenExchange'] };
  expect(federated).toContainEqual(expect.objectContaining(trust));
  expect(passwordCredentials).toEqual([]);
  const [grant] = directory.grants.filter(({ clientId }) => clientId === principal().id);
  expect(grant).toMatchObject({ consentType: 'AllPrincipals', resourceId: graphId });
  expect(grant!.scope.split(' ')).toEqual(expect.arrayContaining(['openid', 'profile']));
}

describe('sign-in', () => {
  test('makes the registration, trusts the identity of the enroll app, and writes the settings', async () => {
    const { code, text } = await setUp();
    expect(code).toBe(0);
    expectWhole();
    expect(principal().appRoleAssignmentRequired).toBe(false);
    expect(machine.settings).toEqual(
      policySchema.parse({
        organisation: 'Contoso',
        ways: ['Federated'],
        signIn: { colour: '#123456', entra: { tenantId: TENANT_ID, clientId: application().appId } },
      }),
    );
    expect(text).not.toContain('Left to do');
    expect(text).not.toContain('good key');
  });

  test('changes nothing the second time', async () => {
    await setUp();
    directory.calls = [];
    machine.adminCalls = [];
    expect((await setUp()).text).toContain('Nothing to change.');
    expect(directory.writes).toEqual([]);
    expect(machine.adminCalls.filter((call) => call.startsWith('PUT'))).toEqual([]);
  });

  test('is completed by the next run, wherever it broke off', async () => {
    await setUp();
    const inAll = directory.writes.length;
    for (let end = 1; end < inAll; end += 1) {
      directory = new Directory();
      graphId = directory.addPrincipal({ appId: MICROSOFT_GRAPH }).id;
      const again = new AdministratorsMachine(directory);
      Object.assign(again, { azd: machine.azd, env: machine.env });
      const { fetch } = again;
      again.fetch = async (...call) => {
        if (directory.writes.length >= end && call[1]?.method !== 'GET') throw new TypeError('fetch failed');
        return fetch(...call);
      };
      expect((await again.type('sign-in', '--yes')).code).toBe(1);
      again.fetch = fetch;
      expect((await again.type('sign-in', '--yes')).code, `broken off after ${end} changes`).toBe(0);
      expectWhole();
    }
  });

  test('waits for what it has just made', async () => {
    directory.unknownFor = 2;
    expect((await setUp()).code).toBe(0);
    expectWhole();
  });

  test('prints what to put into the settings where it cannot write them', async () => {
    machine.env = {};
    const { code, text } = await setUp();
    expect(code).toBe(0);
    expect(text).toContain(`"clientId": "${application().appId}"`);
    expect(text).toContain(`"tenantId": "${TENANT_ID}"`);
    expect(machine.adminCalls).toEqual([]);
    expect((await setUp()).text).toContain('Nothing to change.');
  });

  test('says that the page needs Federated, and takes a token in place of a key', async () => {
    machine.env = { LANYARD_TOKEN: 'good token' };
    machine.settings = policySchema.parse({ ways: ['OnPremise'] });
    expect((await setUp()).text).toContain('Add "Federated" to "ways"');
    expect(machine.adminCalls[0]).toBe('GET https://admin.contoso.example/api/settings {"token":"good token"}');
  });

  test('changes nothing when the admin API does not let it in', async () => {
    machine.env = { LANYARD_KEY: 'bad' };
    expect(await setUp()).toMatchObject({ code: 1, text: expect.stringContaining('admin API of Lanyard refused') });
    expect(directory.writes).toEqual([]);
  });

  test('lets in only people who are assigned where that is wanted, and never loosens it', async () => {
    await setUp('--assigned-only');
    expect(principal().appRoleAssignmentRequired).toBe(true);
    expect((await setUp()).text).toContain('Assign the people who may sign in');
    expect(principal().appRoleAssignmentRequired).toBe(true);
  });

  test('keeps what others added, and points its credential to an identity that was made anew', async () => {
    await setUp();
    application().web.redirectUris.push(OTHER_REDIRECT);
    const other = { id: 'f', name: 'pipeline', issuer: 'https://ci.example', subject: 'main', audiences: ['x'] };
    application().federated.push(other);
    directory.grants[0]!.scope = 'User.Read';
    application().federated[0]!.subject = 'an-identity-that-is-gone';
    await setUp();
    expectWhole();
    expect(application().web.redirectUris).toEqual([REDIRECT, OTHER_REDIRECT]);
    expect(application().federated).toHaveLength(2);
    expect(application().federated).toContainEqual(other);
    expect(directory.grants[0]!.scope).toBe('User.Read openid profile');
  });

  test('mends a credential of its identity that is for something else', async () => {
    const made = directory.addApplication({ displayName: 'By hand', signInAudience: 'AzureADMyOrg' });
    const wrong = {
      id: '11111111-0000-4000-8000-000000000000',
      name: 'mine',
      issuer: ISSUER,
      subject: PRINCIPAL,
      audiences: ['x'],
    };
    made.federated.push(wrong);
    await setUp('--client-id', made.appId);
    expectWhole();
    expect(made.federated).toHaveLength(1);
  });

  test('names the client that it replaces in the settings', async () => {
    const old = '0c4bcf60-6e8c-4d0a-a7b5-2f4fd5a6f7b1';
    machine.settings = policySchema.parse({ signIn: { entra: { tenantId: TENANT_ID, clientId: old } } });
    expect((await setUp()).text).toContain(`in place of the client ${old}`);
    expect(machine.settings.signIn.entra.clientId).toBe(application().appId);
  });

  test('completes the registration that the settings name', async () => {
    const made = directory.addApplication({ displayName: 'By hand', web: { redirectUris: [REDIRECT] } });
    made.signInAudience = 'AzureADMyOrg';
    machine.settings = policySchema.parse({ signIn: { entra: { tenantId: TENANT_ID, clientId: made.appId } } });
    await setUp();
    expectWhole();
    expect(application()).toBe(made);
  });

  test.each(['LANYARD_ENROLL_URL', 'LANYARD_ENROLL_PRINCIPAL', 'AZURE_ENV_NAME'])('needs %s', async (name) => {
    delete machine.azd![name];
    expect(await setUp()).toMatchObject({ code: 2, text: expect.stringContaining(`${name} is needed: give --en`) });
    expect(directory.writes).toEqual([]);
  });
});

describe('sign-in by a registration that bears the tag', () => {
  const forgotten = async () => {
    await setUp();
    machine.settings = policySchema.parse({ ways: ['Federated'] });
    directory.calls = [];
  };

  test('takes the own one again', async () => {
    await forgotten();
    expect((await setUp()).code).toBe(0);
    expect(directory.applications).toHaveLength(1);
    expect(machine.settings.signIn.entra.clientId).toBe(application().appId);
  });

  test.each<[string, () => void, RegExp]>([
    ['an owner', () => directory.own(application().id, directory.person('Lee', 'lee@contoso.example').id), /owner Lee/],
    ['a secret', () => application().passwordCredentials.push({ hint: 'abc' }), /client secrets \(1\)/],
    [
      'another redirect URI',
      () => application().web.redirectUris.push(OTHER_REDIRECT),
      /redirect URI https:\/\/portal/,
    ],
    [
      'a foreign federated credential',
      () => application().federated.push({ id: 'f', name: 'pipeline', issuer: ISSUER, subject: 'x', audiences: ['a'] }),
      /federated credential pipeline/,
    ],
  ])('is not begun with %s beside what is ours, unless it is named', async (_, change, words) => {
    await forgotten();
    change();
    const { code, text } = await setUp();
    expect([code, text]).toEqual([2, expect.stringMatching(words)]);
    expect(directory.writes).toEqual([]);
    expect(machine.settings.signIn.entra.clientId).toBe('');
    const named = await setUp('--client-id', application().appId);
    expect([named.code, named.text]).toEqual([0, expect.stringMatching(words)]);
  });
});

describe('the consent for everybody', () => {
  test('is given where one person alone has consented', async () => {
    await setUp();
    directory.grants = [];
    const own = { consentType: 'Principal', principalId: directory.me!.id, clientId: principal().id };
    directory.grants.push({ id: 'own', resourceId: graphId, scope: 'openid profile', ...own });
    const { text } = await setUp();
    expect(text).toContain('Consent for everybody to openid and profile');
    expect(directory.grants.map(({ consentType, scope }) => [consentType, scope])).toEqual([
      ['Principal', 'openid profile'],
      ['AllPrincipals', 'openid profile'],
    ]);
  });
});

describe('sign-in --remove', () => {
  test('deletes what it made and empties the settings', async () => {
    await setUp();
    expect((await takeAway()).code).toBe(0);
    expect(directory.applications).toEqual([]);
    expect(directory.grants).toEqual([]);
    expect(machine.settings).toEqual(
      policySchema.parse({ organisation: 'Contoso', ways: ['Federated'], signIn: { colour: '#123456' } }),
    );
    expect((await takeAway()).text).toContain('Nothing to change.');
  });

  test('takes only ours out of a registration that others use too', async () => {
    await setUp();
    const lee = directory.person('Lee', 'lee@contoso.example');
    const held = {
      id: 'x',
      principalId: lee.id,
      resourceId: principal().id,
      appRoleId: '0',
      principalDisplayName: 'Lee',
    };
    directory.assignments.push(held);
    application().web.redirectUris.push(OTHER_REDIRECT);
    const { text } = await takeAway();
    expect(text).toContain(`the redirect URI ${OTHER_REDIRECT}, the assignment of Lee`);
    expect(application()).toMatchObject({ web: { redirectUris: [OTHER_REDIRECT] }, federated: [] });
    expect(directory.grants).toEqual([]);
    expect(directory.assignments).toEqual([held]);
    expect(machine.settings.signIn.entra).toEqual({ tenantId: '', clientId: '' });
  });

  test('leaves settings that name another client, and says where they cannot be reached', async () => {
    await setUp();
    const other = { tenantId: TENANT_ID, clientId: '0c4bcf60-6e8c-4d0a-a7b5-2f4fd5a6f7b1' };
    machine.settings.signIn.entra = other;
    await takeAway();
    expect(directory.applications).toEqual([]);
    expect(machine.settings.signIn.entra).toEqual(other);
    await setUp();
    machine.env = {};
    expect((await takeAway()).text).toContain('Take signIn.entra out of the settings');
  });
});
