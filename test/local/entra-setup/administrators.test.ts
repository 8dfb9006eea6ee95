import { beforeEach, describe, expect, test } from 'vitest';
import { Directory, TENANT_ID } from '../../graph/directory.ts';
import { AdministratorsMachine } from '../../graph/run-entra.ts';

const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const FOREIGN_ROLE = {
  id: 'b0c1b7a4-0000-4000-8000-000000000001',
  value: 'Auditor',
  displayName: 'Auditor',
  description: 'Looks at the audit',
  allowedMemberTypes: ['User'],
  isEnabled: true,
};

let directory: Directory;
let machine: AdministratorsMachine;

beforeEach(() => {
  directory = new Directory();
  machine = new AdministratorsMachine(directory);
});

const setUp = (...more: string[]) => machine.type('administrators', '--yes', ...more);
const takeAway = () => machine.type('administrators', '--remove', '--yes');
const application = () => directory.applications[0]!;

/** What somebody who signs in with the Azure CLI would find. */
function expectWhole() {
  const [app] = directory.applications;
  const [principal] = directory.servicePrincipals;
  expect(directory.applications).toHaveLength(1);
  expect(app).toMatchObject({ signInAudience: 'AzureADMyOrg', identifierUris: [`api://${app!.appId}`] });
  expect(app!.appRoles.filter(({ isEnabled }) => isEnabled).map(({ value }) => value)).toEqual(
    expect.arrayContaining(['Reader', 'Operator', 'Approver']),
  );
  const scope = app!.api.oauth2PermissionScopes.find(({ value }) => value === 'user_impersonation');
  expect(scope?.isEnabled).toBe(true);
  const client = app!.api.preAuthorizedApplications.find(({ appId }) => appId === AZURE_CLI);
  expect(client?.delegatedPermissionIds).toContain(scope!.id);
  expect(app!.api.requestedAccessTokenVersion).toBe(2);
  expect(app!.optionalClaims?.accessToken).toContainEqual({ name: 'upn' });
  expect(principal).toMatchObject({ appId: app!.appId, appRoleAssignmentRequired: true });
  const approver = app!.appRoles.find(({ value }) => value === 'Approver')!.id;
  expect(directory.assignments).toContainEqual(
    expect.objectContaining({ principalId: directory.me!.id, resourceId: principal!.id, appRoleId: approver }),
  );
}

describe('administrators', () => {
  test('shows its plan and changes nothing where nobody says yes', async () => {
    const { code, text } = await machine.type('administrators');
    expect(code).toBe(0);
    expect(text).toContain(`Tenant ${TENANT_ID}`);
    expect(text).toContain('1. Make the app registration "Lanyard administrators (contoso)"');
    expect(text).toContain('Assign kim@contoso.example the role Approver');
    expect(text).toContain('To do it, add --yes');
    machine.answer = false;
    expect((await machine.type('administrators')).text).toContain('Nothing was changed.');
    expect(directory.writes).toEqual([]);
    expect(machine.azd).toEqual({ AZURE_ENV_NAME: 'contoso' });
  });

  test('makes the registration that the deployment asks for, and tells azd', async () => {
    machine.answer = true;
    const { code, text } = await machine.type('administrators');
    expect(code).toBe(0);
    expectWhole();
    const { appId } = application();
    expect(machine.azd).toMatchObject({ LANYARD_ENTRA_CLIENT_ID: appId, LANYARD_ADMIN_AUTH: 'entra' });
    const token = `az account get-access-token --resource api://${appId} --query accessToken -o tsv --tenant ${TENANT_ID}`;
    expect(text).toContain(`export LANYARD_TOKEN=$(${token})`);
    machine.platform = 'win32';
    const inPowerShell = (await machine.type('administrators')).text;
    expect(inPowerShell).toContain(`$env:LANYARD_TOKEN = ${token}\n`.trim());
    expect(inPowerShell).not.toContain('export ');
    expect(text).not.toContain('cli-token');
  });

  test('changes nothing the second time', async () => {
    await setUp();
    const before = structuredClone({ ...directory, calls: [] });
    directory.calls = [];
    const { code, text } = await machine.type('administrators');
    expect(code).toBe(0);
    expect(text).toContain('Nothing to change.');
    expect(directory.writes).toEqual([]);
    expect(structuredClone({ ...directory, calls: [] })).toEqual(before);
  });

  test('is completed by the next run, wherever it broke off', async () => {
    await setUp();
    const inAll = directory.writes.length;
    expect(inAll).toBeGreaterThan(5);
    for (let end = 1; end < inAll; end += 1) {
      directory = new Directory();
      machine = new AdministratorsMachine(directory);
      const { fetch } = machine;
      machine.fetch = async (...call) => {
        if (directory.writes.length >= end && call[1]?.method !== 'GET') throw new TypeError('fetch failed');
        return fetch(...call);
      };
      const broken = await setUp();
      expect(broken).toMatchObject({ code: 1, text: expect.stringContaining('Run the command again') });
      machine.fetch = fetch;
      expect((await setUp()).code, `broken off after ${end} changes`).toBe(0);
      expectWhole();
    }
  });

  test('finds its registration without azd by the tag, and prints what to set', async () => {
    await setUp();
    machine.azd = undefined;
    const { code, text } = await setUp('--environment', 'contoso');
    expect(code).toBe(0);
    expect(text).toContain('Nothing to change.');
    expect(text).toContain(`azd env set LANYARD_ENTRA_CLIENT_ID ${application().appId}`);
    expect(directory.applications).toHaveLength(1);
  });

  test('keeps apart two deployments of one tenant', async () => {
    await setUp();
    machine.azd = { AZURE_ENV_NAME: 'fabrikam' };
    await setUp();
    expect(directory.applications.map(({ displayName }) => displayName)).toEqual([
      'Lanyard administrators (contoso)',
      'Lanyard administrators (fabrikam)',
    ]);
  });

  test('completes a registration that was made by hand, and keeps what it holds', async () => {
    const reader = { ...FOREIGN_ROLE, value: 'Reader', id: 'b0c1b7a4-0000-4000-8000-000000000002', isEnabled: false };
    const made = directory.addApplication({
      displayName: 'By hand',
      signInAudience: 'AzureADMultipleOrgs',
      appRoles: [FOREIGN_ROLE, reader],
      web: { redirectUris: ['https://portal.contoso.example/back'] },
      identifierUris: ['https://admin.contoso.example'],
    });
    const principal = directory.addPrincipal({ appId: made.appId });
    const { text } = await machine.type('administrators', '--client-id', made.appId);
    expect(text).toContain('for accounts of other tenants too (AzureADMultipleOrgs)');
    const colleague = directory.person('Lee', 'lee@contoso.example');
    const held = { id: 'x', principalId: colleague.id, resourceId: principal.id, appRoleId: FOREIGN_ROLE.id };
    directory.assignments.push(held);
    machine.azd = { AZURE_ENV_NAME: 'contoso', LANYARD_ENTRA_CLIENT_ID: made.appId };
    expect((await setUp()).code).toBe(0);
    expect(made.appRoles.map(({ value, id }) => [value, id])).toEqual([
      ['Auditor', FOREIGN_ROLE.id],
      ['Reader', reader.id],
      ['Operator', expect.any(String)],
      ['Approver', expect.any(String)],
    ]);
    expect(made.web.redirectUris).toEqual(['https://portal.contoso.example/back']);
    expect(made.identifierUris).toEqual(['https://admin.contoso.example', `api://${made.appId}`]);
    expect(directory.assignments).toContainEqual(held);
    expect(made.displayName).toBe('By hand');
  });

  test('enables a role and a scope that were disabled', async () => {
    await setUp();
    for (const role of application().appRoles) role.isEnabled = role.value === 'Reader';
    application().api.oauth2PermissionScopes[0]!.isEnabled = false;
    expect((await setUp()).code).toBe(0);
    expectWhole();
    expect(application().appRoles.map(({ value, isEnabled }) => [value, isEnabled])).toEqual([
      ['Reader', true],
      ['Operator', true],
      ['Approver', true],
    ]);
  });

  test('assigns whom --approver names, and nobody where an application is signed in', async () => {
    const lee = directory.person('Lee', 'lee@contoso.example');
    directory.me = undefined;
    const { text } = await setUp();
    expect(text).toContain('Name somebody with --approver');
    expect(directory.assignments).toEqual([]);
    await setUp('--approver', lee.id.toUpperCase());
    expect(directory.assignments).toMatchObject([{ principalId: lee.id }]);
  });
});

describe('a registration that bears the tag, which every member of a tenant may write', () => {
  const ours = async () => {
    await setUp();
    machine.azd = { AZURE_ENV_NAME: 'contoso' };
    directory.calls = [];
  };
  const lee = () => directory.person('Lee', 'lee@contoso.example');
  const servicePrincipal = () => directory.servicePrincipals[0]!;

  test.each<[string, () => void, RegExp]>([
    ['is owned by somebody else', () => directory.own(application().id, lee().id), /owner Lee/],
    [
      'has owners on a second page',
      () => ['a', 'b'].map((id) => directory.own(application().id, `${id}-owner`)),
      /owner a-owner, owner b-owner/,
    ],
    [
      'has a service principal that somebody else owns',
      () => directory.own(servicePrincipal().id, lee().id),
      /owner Lee/,
    ],
    ['has a secret', () => application().passwordCredentials.push({ hint: 'abc' }), /client secrets \(1\)/],
    ['has a certificate', () => application().keyCredentials.push({ keyId: 'k' }), /certificates \(1\)/],
    [
      'has a service principal with a secret',
      () => Object.assign(servicePrincipal(), { passwordCredentials: [{ hint: 'abc' }], keyCredentials: [{}, {}] }),
      /client secrets of the service principal \(1\), certificates of the service principal \(2\)/,
    ],
    [
      "trusts others' tokens",
      () => application().federated.push({ id: 'f', name: 'pipeline', issuer: 'i', subject: 's', audiences: ['a'] }),
      /federated credential pipeline/,
    ],
    [
      'lets another client ask for tokens',
      () => application().api.preAuthorizedApplications.push({ appId: 'another-client', delegatedPermissionIds: [] }),
      /authorized client another-client/,
    ],
    [
      'gave a role to somebody else',
      () => {
        const { id } = application().appRoles.find(({ value }) => value === 'Approver')!;
        const held = { id: 'x', principalId: lee().id, resourceId: servicePrincipal().id, appRoleId: id };
        directory.assignments.push({ ...held, principalDisplayName: 'Lee' });
      },
      /role of Lee/,
    ],
  ])('%s: it is taken only when it is named', async (_, change, words) => {
    await ours();
    change();
    const { code, text } = await setUp();
    expect(code).toBe(2);
    expect(text).toMatch(words);
    expect(text).toContain(`--client-id ${application().appId}`);
    expect(directory.writes).toEqual([]);
    expect(machine.azd).toEqual({ AZURE_ENV_NAME: 'contoso' });
    const named = await setUp('--client-id', application().appId);
    expect(named.code).toBe(0);
    expect(named.text).toMatch(new RegExp(`Note: .*${words.source}`));
    expect(machine.azd).toMatchObject({ LANYARD_ENTRA_CLIENT_ID: application().appId });
  });

  test('made beforehand by somebody who waits for it to be taken', async () => {
    const made = directory.addApplication({ displayName: 'Trap', tags: ['lanyard-administrators:contoso'] });
    directory.own(made.id, lee().id);
    expect(await setUp()).toMatchObject({ code: 2, text: expect.stringContaining('owner Lee') });
    expect((await machine.type('show')).text).toContain('owner Lee');
    expect(directory.writes).toEqual([]);
  });

  test('is taken without a question where it is the own one', async () => {
    await ours();
    expect(await setUp()).toMatchObject({ code: 0, text: expect.not.stringContaining('Note:') });
  });

  test('is shown with what others put there also where azd names it', async () => {
    await setUp();
    directory.own(application().id, lee().id);
    const { code, text } = await setUp();
    expect(code).toBe(0);
    expect(text).toMatch(/Note: .*owner Lee/);
  });

  test('can be taken away whoever put something there', async () => {
    await ours();
    application().passwordCredentials.push({ hint: 'abc' });
    expect((await takeAway()).text).toContain('client secrets (1)');
    expect(application().appRoles).toEqual([]);
  });
});

describe('administrators, where Entra is slow', () => {
  test('waits for what it has just made to be known', async () => {
    directory.unknownFor = 3;
    expect((await setUp()).code).toBe(0);
    expectWhole();
    expect(machine.waited.length).toBeGreaterThanOrEqual(6);
  });

  test('gives up after two minutes and says that the next run goes on', async () => {
    directory.unknownFor = 1_000;
    const { code, text } = await setUp();
    expect(code).toBe(1);
    expect(text).toMatch(/request-id [0-9a-f-]{36}\): Resource .* does not exist or one of its queried/);
    expect(text).toContain('Run the command again');
    const waited = machine.waited.reduce((sum, ms) => sum + ms, 0);
    expect(waited).toBeGreaterThan(110_000);
    expect(waited).toBeLessThan(140_000);
  });

  test('waits as long as it is told where it is busy, and no longer than five minutes in all', async () => {
    directory.busy = { calls: 2, retryAfter: '17' };
    expect((await setUp()).code).toBe(0);
    expect(machine.waited).toEqual([17_000, 17_000]);
    directory.busy = { calls: 1, retryAfter: '3600' };
    const { code, text } = await setUp();
    expect(code).toBe(1);
    expect(text).toContain('asks to wait 3600 seconds more');
  });

  test('waits a little where it is not told how long', async () => {
    directory.busy = { calls: 3, retryAfter: undefined };
    expect((await setUp()).code).toBe(0);
    expect(machine.waited).toEqual([2_000, 4_000, 8_000]);
  });
});

describe('administrators, run again at once', () => {
  test('makes nothing twice that it does not see yet', async () => {
    await setUp();
    directory.unknownFor = 1;
    directory.isNew(directory.servicePrincipals[0]!.id);
    const { code, text } = await setUp();
    expect(text).toContain('There is no service principal.');
    expect(code).toBe(0);
    expectWhole();
    expect(directory.servicePrincipals).toHaveLength(1);
    expect(directory.assignments).toHaveLength(1);
  });

  test('waits for a change to arrive where the registration is not known yet', async () => {
    await setUp();
    application().api.preAuthorizedApplications = [];
    const { fetch } = machine;
    machine.fetch = async (...call) => {
      if (call[1]?.method === 'PATCH' && machine.waited.length < 2) {
        directory.unknownFor = 1;
        directory.isNew(application().id);
      }
      return fetch(...call);
    };
    expect((await setUp()).code).toBe(0);
    expect(machine.waited).toEqual([2_000, 4_000]);
    expectWhole();
  });

  test('takes away what somebody else takes away at the same moment', async () => {
    await setUp();
    const { fetch } = machine;
    machine.fetch = async (...call) => {
      if (call[1]?.method === 'DELETE') directory.applications = [];
      return fetch(...call);
    };
    expect((await takeAway()).code).toBe(0);
  });
});

describe('administrators --remove', () => {
  test('deletes what it made, and lets keys open the API again', async () => {
    await setUp();
    const { code, text } = await takeAway();
    expect(code).toBe(0);
    expect(text).toContain('For 30 days it can be restored');
    expect([directory.applications, directory.servicePrincipals, directory.assignments]).toEqual([[], [], []]);
    expect(machine.azd).toMatchObject({ LANYARD_ADMIN_AUTH: 'keys' });
  });

  test('has nothing to do where there is nothing', async () => {
    expect(await takeAway()).toMatchObject({ code: 0, text: expect.stringContaining('Nothing to change.') });
    expect(directory.writes).toEqual([]);
  });

  test('can be set up again', async () => {
    await setUp();
    await takeAway();
    expect((await setUp()).code).toBe(0);
    expectWhole();
  });

  test('leaves a registration whose roles others hold, but for the own one', async () => {
    await setUp();
    const lee = directory.person('Lee', 'lee@contoso.example');
    await setUp('--approver', lee.id);
    const { text } = await takeAway();
    expect(text).toContain('The registration stays, since others hold roles of it (assigned: Lee)');
    expect(directory.assignments).toMatchObject([{ principalId: lee.id }]);
    expect(application().appRoles).toHaveLength(3);
  });

  test('takes only ours out of a registration that holds more', async () => {
    await setUp();
    application().appRoles.push(FOREIGN_ROLE);
    application().web.redirectUris.push('https://portal.contoso.example/back');
    application().passwordCredentials.push({ hint: 'abc' });
    const { code, text } = await takeAway();
    expect(code).toBe(0);
    expect(text).toContain(
      'client secrets (1), the role Auditor, the redirect URI https://portal.contoso.example/back',
    );
    expect(application().appRoles).toEqual([FOREIGN_ROLE]);
    expect(application().api).toMatchObject({ oauth2PermissionScopes: [], preAuthorizedApplications: [] });
    expect(application().identifierUris).toEqual([]);
    expect(application().web.redirectUris).toEqual(['https://portal.contoso.example/back']);
    expect(directory.assignments).toEqual([]);
    await setUp();
    expectWhole();
  });

  test('never deletes a registration that it did not make', async () => {
    const made = directory.addApplication({ displayName: 'By hand' });
    await setUp('--client-id', made.appId);
    await machine.type('administrators', '--remove', '--yes', '--client-id', made.appId);
    expect(directory.applications).toEqual([made]);
    expect(made.appRoles).toEqual([]);
  });
});
