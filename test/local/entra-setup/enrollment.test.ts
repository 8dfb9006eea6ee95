import { beforeEach, describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { CLI_SCOPES, Directory, type MobilityPolicy, TENANT_ID } from '../../graph/directory.ts';
import { AdministratorsMachine } from '../../graph/run-entra.ts';

const URL = 'https://mdm.contoso.example';
const DISCOVERY = `${URL}/entra/EnrollmentServer/Discovery.svc`;
const TERMS = `${URL}/entra/TermsOfUse`;
const GROUP = '9b7f0c7e-0000-4000-8000-00000000000a';
const INTUNE = '0000000a-0000-0000-c000-000000000000';

let directory: Directory;
let machine: AdministratorsMachine;

beforeEach(() => {
  directory = new Directory();
  machine = new AdministratorsMachine(directory);
  machine.azd = { LANYARD_URL: 'https://admin.contoso.example', LANYARD_ENROLL_URL: URL };
  machine.env = { LANYARD_KEY: 'good key' };
  machine.settings = policySchema.parse({ organisation: 'Contoso', ways: ['Federated'] });
});

function policy(id: string, more: Partial<MobilityPolicy> = {}): MobilityPolicy {
  const empty = { discoveryUrl: null, termsOfUseUrl: null, complianceUrl: null, includedGroups: [] };
  const made: MobilityPolicy = { id, displayName: 'Lanyard', appliesTo: 'none', isValid: true, ...empty, ...more };
  directory.policies.push(made);
  return made;
}

/** What an administrator makes in the portal: an application, its service principal and an MDM policy. */
function addedByHand(idOf: 'id' | 'appId' | 'principal' = 'appId') {
  const application = directory.addApplication({ displayName: 'Lanyard' });
  const principal = directory.addPrincipal({ appId: application.appId });
  return { application, policy: policy(idOf === 'principal' ? principal.id : application[idOf]) };
}

const withPolicyToken = () => {
  directory.tokens.set('policy-token', ['Policy.ReadWrite.MobilityManagement']);
  machine.env['LANYARD_GRAPH_TOKEN'] = 'policy-token';
};
const setUp = (...more: string[]) => machine.type('enrollment', '--yes', ...more);

test('without an MDM application it says how to add one, since Graph cannot, and changes nothing', async () => {
  const { code, text } = await setUp();
  expect(code).toBe(0);
  expect(text).toContain('Mobility (MDM and WIP), Add application, On-premises MDM application');
  expect(text).toContain('node lanyard entra enrollment --client-id THE-CLIENT-ID');
  expect(directory.writes).toEqual([]);
  expect(machine.settings.entra).toEqual({ tenantId: '', audiences: [] });
});

describe('with the token of the Azure CLI, which may not touch MDM policies', () => {
  test('it does its part, and the rest is a list with the values to enter', async () => {
    const { application, policy: mobility } = addedByHand();
    const before = structuredClone(mobility);
    const { code, text } = await setUp('--client-id', application.appId);
    expect(code).toBe(0);
    expect(application.identifierUris).toEqual([URL]);
    expect(machine.settings).toEqual(
      policySchema.parse({
        organisation: 'Contoso',
        ways: ['Federated'],
        entra: { tenantId: TENANT_ID, audiences: [application.appId, URL] },
      }),
    );
    expect(text).toContain('The token of the Azure CLI may not read or write MDM policies');
    expect(text).toMatch(new RegExp(`MDM terms of use URL +${TERMS}\n.*MDM discovery URL +${DISCOVERY}\n`));
    expect(mobility).toEqual(before);
  });

  test('it finds the application again by itself', async () => {
    const { application } = addedByHand();
    await setUp('--client-id', application.appId);
    directory.calls = [];
    expect((await setUp()).text).toContain('Nothing to change.');
    machine.env = {};
    const { text } = await setUp();
    expect(text).toContain('Nothing to change.');
    expect(text).toContain(`"${application.appId}"`);
    expect(directory.writes).toEqual([]);
  });

  test('an application with the address that somebody else owns is taken only when it is named', async () => {
    const made = directory.addApplication({ displayName: 'Trap', identifierUris: [URL] });
    directory.own(made.id, directory.person('Lee', 'lee@contoso.example').id);
    expect(await setUp()).toMatchObject({ code: 2, text: expect.stringContaining('owner Lee') });
    expect(machine.settings.entra).toEqual({ tenantId: '', audiences: [] });
    expect((await setUp('--client-id', made.appId)).text).toMatch(/Note: .*owner Lee/);
    expect(machine.settings.entra.audiences).toEqual([made.appId, URL]);
  });

  test('a host that the tenant has not verified stops nothing else', async () => {
    machine.azd!['LANYARD_ENROLL_URL'] = 'https://lanyard-enroll-x.azurewebsites.net';
    const { application } = addedByHand();
    const { code, text } = await setUp('--client-id', application.appId);
    expect(code).toBe(0);
    expect(text).toMatch(/NOT DONE 1\. Add the Application ID URI .*no verified domain of the tenant/);
    expect(application.identifierUris).toEqual([]);
    expect(machine.settings.entra.audiences).toContain(application.appId);
  });

  test('an Application ID URI that another application has is an error in words', async () => {
    const other = directory.addApplication({ displayName: 'Other', identifierUris: [URL] });
    const { application } = addedByHand();
    const { code, text } = await setUp('--client-id', application.appId);
    expect(code).toBe(1);
    expect(text).toContain('Another object with the same value for property identifierUris already exists');
    expect(other.identifierUris).toEqual([URL]);
  });
});

describe('with a token that may write MDM policies', () => {
  beforeEach(withPolicyToken);

  test.each(['id', 'appId', 'principal'] as const)(
    'it sets the addresses of the policy whose id is the %s',
    async (idOf) => {
      const { application, policy: mobility } = addedByHand(idOf);
      mobility.complianceUrl = 'https://portal.contoso.example';
      const { text } = await setUp('--client-id', application.appId);
      expect(mobility).toMatchObject({ discoveryUrl: DISCOVERY, termsOfUseUrl: TERMS, appliesTo: 'none' });
      expect(mobility.complianceUrl).toBe('https://portal.contoso.example');
      expect(text).not.toContain('Left to do');
      directory.calls = [];
      expect((await setUp()).text).toContain('Nothing to change.');
      expect(directory.writes).toEqual([]);
    },
  );

  test('the token goes to the policies alone', async () => {
    const { application } = addedByHand();
    const seen: string[] = [];
    const { fetch } = machine;
    machine.fetch = async (...call) => {
      seen.push(`${new Headers(call[1]?.headers).get('authorization')} ${String(call[0])}`);
      return fetch(...call);
    };
    await setUp('--client-id', application.appId, '--scope', 'all');
    expect(seen.filter((call) => call.includes('policy-token')).every((call) => call.includes('/beta/policies/'))).toBe(
      true,
    );
    expect(seen.filter((call) => call.includes('/beta/')).every((call) => call.includes('policy-token'))).toBe(true);
  });

  test('the scope of users changes only when it is asked for', async () => {
    const { application, policy: mobility } = addedByHand();
    await setUp('--client-id', application.appId, '--group', GROUP.toUpperCase());
    expect(mobility).toMatchObject({ appliesTo: 'selected', includedGroups: [{ id: GROUP }] });
    expect((await setUp('--group', GROUP)).text).toContain('Nothing to change.');
    await setUp();
    expect(mobility.appliesTo).toBe('selected');
    await setUp('--scope', 'all');
    expect(mobility.appliesTo).toBe('all');
  });

  test('it says which other MDM application has users, and touches none of it', async () => {
    const intune = policy(INTUNE, { displayName: 'Microsoft Intune', appliesTo: 'all' });
    policy('d4ebce55-015a-49b5-a083-c84d1797ae8c', { displayName: 'Microsoft Intune Enrollment' });
    const { application } = addedByHand();
    const before = structuredClone(intune);
    const { text } = await setUp('--client-id', application.appId);
    expect(text).toContain('Others have one: Microsoft Intune (user scope all).');
    expect(intune).toEqual(before);
  });

  test('an MDM policy that is not valid is left as it is', async () => {
    const { application, policy: mobility } = addedByHand();
    mobility.isValid = false;
    const { text } = await setUp('--client-id', application.appId);
    expect(text).toContain('takes no changes of it');
    expect(text).toContain('The MDM application is not among those that can be changed by Graph.');
    expect(mobility.discoveryUrl).toBeNull();
  });

  test('a token that may not is an error, with the role that is needed', async () => {
    directory.tokens.set('policy-token', CLI_SCOPES);
    const { application } = addedByHand();
    const { code, text } = await setUp('--client-id', application.appId);
    expect(code).toBe(1);
    expect(text).toMatch(/403 AccessDenied.*required scopes are missing.*\n.*Cloud Device Administrator/);
    expect(directory.writes).toEqual([]);
  });
});

describe('the settings', () => {
  test('keep audiences of the same tenant, and lose those of another one', async () => {
    const { application } = addedByHand();
    machine.settings.entra = { tenantId: TENANT_ID, audiences: ['api://other'] };
    await setUp('--client-id', application.appId);
    expect(machine.settings.entra.audiences).toEqual(['api://other', application.appId, URL]);
    machine.settings.entra = { tenantId: GROUP, audiences: ['api://other'] };
    const { text } = await setUp('--client-id', application.appId);
    expect(text).toContain(`in place of the tenant ${GROUP}`);
    expect(machine.settings.entra).toEqual({ tenantId: TENANT_ID, audiences: [application.appId, URL] });
  });
});

describe('enrollment --remove', () => {
  test('takes users, settings and address away, and leaves the application to the person who added it', async () => {
    withPolicyToken();
    const { application, policy: mobility } = addedByHand();
    application.identifierUris = ['api://kept'];
    await setUp('--client-id', application.appId, '--scope', 'all');
    machine.settings.entra.audiences.push('api://other');
    const { code, text } = await machine.type('enrollment', '--remove', '--yes');
    expect(code).toBe(0);
    expect(text).toContain('Delete the MDM application under Mobility');
    expect(mobility.appliesTo).toBe('none');
    expect(application.identifierUris).toEqual(['api://kept']);
    expect(machine.settings.entra).toEqual({ tenantId: TENANT_ID, audiences: ['api://other'] });
    expect(directory.applications).toEqual([application]);
  });

  test('leaves the users of a policy that points elsewhere', async () => {
    withPolicyToken();
    const { application, policy: mobility } = addedByHand();
    Object.assign(mobility, { appliesTo: 'all', discoveryUrl: 'https://other.example/Discovery.svc' });
    await machine.type('enrollment', '--remove', '--yes', '--client-id', application.appId);
    expect(mobility.appliesTo).toBe('all');
  });

  test('says what is left where it can reach neither policies nor settings', async () => {
    const { application } = addedByHand();
    await setUp('--client-id', application.appId);
    machine.env = {};
    const { text } = await machine.type('enrollment', '--remove', '--yes', '--client-id', application.appId);
    expect(text).toContain('Set the MDM user scope to None');
    expect(text).toContain('Take entra out of the settings');
  });
});
