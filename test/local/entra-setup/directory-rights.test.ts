import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { GRAPH_RIGHTS } from '../../../local/entra-setup/graph-rights.ts';
import { Directory, MICROSOFT_GRAPH } from '../../graph/directory.ts';
import { AdministratorsMachine } from '../../graph/run-entra.ts';

const FOREIGN = 'Mail.Send';
const ALL = GRAPH_RIGHTS.map(({ value }) => value);
const READING = GRAPH_RIGHTS.filter(({ access }) => access === 'read').map(({ value }) => value);

let directory: Directory;
let machine: AdministratorsMachine;
let identity: string;
let graphId: string;

beforeEach(() => {
  directory = new Directory();
  const appRoles = [...ALL, FOREIGN].map((value) => ({
    id: randomUUID(),
    value,
    displayName: value,
    description: value,
    allowedMemberTypes: ['Application'],
    isEnabled: true,
  }));
  graphId = directory.addPrincipal({ appId: MICROSOFT_GRAPH, displayName: 'Microsoft Graph', appRoles }).id;
  const properties = { displayName: 'id-lanyard-admin-x', servicePrincipalType: 'ManagedIdentity' };
  identity = directory.addPrincipal(properties).id;
  machine = new AdministratorsMachine(directory);
  machine.azd = { LANYARD_ADMIN_PRINCIPAL: identity };
});

const grant = (...more: string[]) => machine.type('directory-rights', '--yes', ...more);

function held(): string[] {
  const roles = directory.servicePrincipals.find(({ id }) => id === graphId)!.appRoles;
  const ours = directory.assignments.filter(({ principalId }) => principalId === identity);
  return ours.map(({ appRoleId }) => roles.find(({ id }) => id === appRoleId)!.value!);
}

function holdForeign() {
  const role = directory.servicePrincipals
    .find(({ id }) => id === graphId)!
    .appRoles.find(({ value }) => value === FOREIGN)!;
  directory.assignments.push({ id: 'foreign', principalId: identity, resourceId: graphId, appRoleId: role.id });
}

describe('the rights', () => {
  test('none of them reads a recovery key, a password or mail, nor changes users, groups, applications or policies', () => {
    const kinds =
      /^(Device|DeviceManagement(ManagedDevices|ServiceConfig)|BitlockerKey|DeviceLocalCredential|AuditLog)\./;
    for (const value of ALL) expect(value).toMatch(kinds);
    expect(ALL.filter((value) => /^(BitlockerKey|DeviceLocalCredential)\./.test(value))).toEqual([
      'BitlockerKey.ReadBasic.All',
      'DeviceLocalCredential.ReadBasic.All',
    ]);
  });

  test('those that read are named so', () => {
    for (const { value, access, reason } of GRAPH_RIGHTS) {
      expect(/\.Read(Basic)?\.All$/.test(value), value).toBe(access === 'read');
      expect(reason.length, value).toBeGreaterThan(20);
    }
  });
});

test('the page on Entra has each right with its reason and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/entra.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Za-z.]+\.All)` \| (reads|changes) \| (.+) \|$/gm)];
  expect(rows.map(([, value, access, reason]) => [value, access, reason])).toEqual(
    GRAPH_RIGHTS.map(({ value, access, reason }) => [value, access === 'read' ? 'reads' : 'changes', reason]),
  );
});

describe('directory-rights', () => {
  test('shows each right with its reason, and that nothing uses it yet', async () => {
    const { text } = await machine.type('directory-rights');
    for (const { value, reason } of GRAPH_RIGHTS) expect(text).toContain(`Grant ${value}: ${reason}`);
    expect(text).toContain('Nothing in Lanyard uses these rights yet');
    expect(directory.writes).toEqual([]);
  });

  test('grants all of them, and nothing the second time', async () => {
    expect((await grant()).code).toBe(0);
    expect(held().toSorted()).toEqual(ALL.toSorted());
    directory.calls = [];
    expect((await grant()).text).toContain('Nothing to change.');
    expect(directory.writes).toEqual([]);
  });

  test('--read-only grants those that read, and takes the others of ours away', async () => {
    holdForeign();
    await grant();
    expect((await grant('--read-only')).code).toBe(0);
    expect(held().toSorted()).toEqual([...READING, FOREIGN].toSorted());
  });

  test('--remove takes all of ours away and no other', async () => {
    await grant();
    holdForeign();
    const { text } = await machine.type('directory-rights', '--remove', '--yes');
    expect(text).toContain('Others, which stay: Mail.Send');
    expect(held()).toEqual([FOREIGN]);
    expect((await machine.type('directory-rights', '--remove', '--yes')).text).toContain('Nothing to change.');
  });

  test('goes on where it broke off', async () => {
    const { fetch } = machine;
    let posts = 0;
    machine.fetch = async (...call) => {
      if (call[1]?.method === 'POST') posts += 1;
      if (posts > 3) throw new TypeError('fetch failed');
      return fetch(...call);
    };
    expect((await grant()).code).toBe(1);
    expect(held()).toHaveLength(3);
    machine.fetch = fetch;
    expect((await grant()).code).toBe(0);
    expect(held()).toHaveLength(ALL.length);
  });

  test('waits for an identity that was just made', async () => {
    directory.unknownFor = 4;
    directory.isNew(identity);
    expect(await grant()).toMatchObject({ code: 2, text: expect.stringContaining('There is no identity') });
    expect((await grant()).code).toBe(2);
    directory.unknownFor = 0;
    directory.isNew(identity);
    expect((await grant()).code).toBe(0);
  });

  test('grants nothing to what is no managed identity, and says which role is needed', async () => {
    directory.servicePrincipals.find(({ id }) => id === identity)!.servicePrincipalType = 'Application';
    expect(await grant()).toMatchObject({ code: 2, text: expect.stringContaining('is no managed identity') });
    directory.servicePrincipals.find(({ id }) => id === identity)!.servicePrincipalType = 'ManagedIdentity';
    directory.mayWrite = false;
    expect((await grant()).text).toContain('Privileged Role Administrator');
    expect(directory.assignments).toEqual([]);
  });

  test('says which right a cloud does not know, and can still take the others away', async () => {
    await grant();
    const resource = directory.servicePrincipals.find(({ id }) => id === graphId)!;
    const gone = resource.appRoles.find(({ value }) => value === 'AuditLog.Read.All')!;
    directory.assignments = directory.assignments.filter(({ appRoleId }) => appRoleId !== gone.id);
    resource.appRoles = resource.appRoles.filter((role) => role !== gone);
    expect(await grant()).toMatchObject({ code: 2, text: expect.stringContaining('permission AuditLog.Read.All') });
    expect((await machine.type('directory-rights', '--remove', '--yes')).code).toBe(0);
    expect(held()).toEqual([]);
  });
});
