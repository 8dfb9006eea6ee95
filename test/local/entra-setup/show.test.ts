import { beforeEach, expect, test } from 'vitest';
import { Directory, MICROSOFT_GRAPH } from '../../graph/directory.ts';
import { AdministratorsMachine } from '../../graph/run-entra.ts';

const PRINCIPAL = '5d7f0c7e-0000-4000-8000-00000000000a';

let directory: Directory;
let machine: AdministratorsMachine;

beforeEach(() => {
  directory = new Directory();
  directory.addPrincipal({ appId: MICROSOFT_GRAPH, displayName: 'Microsoft Graph' });
  machine = new AdministratorsMachine(directory);
  machine.azd = {
    AZURE_ENV_NAME: 'contoso',
    LANYARD_ENROLL_URL: 'https://mdm.contoso.example',
    LANYARD_ENROLL_PRINCIPAL: PRINCIPAL,
  };
});

test('shows each part, what is missing of it and what is not known, and changes nothing', async () => {
  await machine.type('administrators', '--yes');
  directory.servicePrincipals.find(
    ({ appId }) => appId === directory.applications[0]!.appId,
  )!.appRoleAssignmentRequired = false;
  directory.calls = [];
  const { code, text } = await machine.type('show');
  expect(code).toBe(0);
  const [administrators, signIn, enrollment, rights] = text.split('\n\n');
  expect(administrators).toContain('Roles: Reader, Operator, Approver');
  expect(administrators).toContain('Not done: Set assignment required.');
  expect(signIn).toContain('There is no app registration of ours.');
  expect(enrollment).toContain('There is no MDM application that this command knows.');
  expect(rights).toContain('LANYARD_ADMIN_PRINCIPAL is needed');
  expect(directory.writes).toEqual([]);
});

test('what a directory says cannot speak to the terminal', async () => {
  await machine.type('administrators', '--yes');
  directory.applications[0]!.displayName = 'Lanyard\u001b[2J\nNothing is missing.';
  const { text } = await machine.type('show');
  expect(text).not.toContain('\u001b');
  expect(text).toContain('"Lanyard\uFFFD[2J\uFFFDNothing is missing."');
});
