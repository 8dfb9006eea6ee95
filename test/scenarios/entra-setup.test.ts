import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Directory, MICROSOFT_GRAPH, TENANT_ID } from '../graph/directory.ts';
import { GraphServer } from '../graph/graph-server.ts';
import { useLanyard } from '../support/lanyard.ts';

/**
 * `node lanyard entra` as an administrator types it: a process of its own, which calls `az` and `azd` from the path, a Microsoft
 * Graph over HTTP, and the admin API of a Lanyard that runs.
 */
const lanyard = useLanyard();
const TSX = join(import.meta.dirname, '../../node_modules/tsx/dist/cli.mjs');
const ENTRA = join(import.meta.dirname, '../../local/entra.ts');
const PRINCIPAL = '5d7f0c7e-0000-4000-8000-00000000000a';

let directory: Directory;
let graph: GraphServer;
let folder: string;
let values: string;

beforeAll(async () => {
  graph = await GraphServer.start(() => directory);
  folder = await mkdtemp(join(tmpdir(), 'lanyard-entra-'));
  values = join(folder, 'azd-values');
  // The command line finds the root of the local front in the folder .lanyard.
  await symlink(lanyard().folder, join(folder, '.lanyard'));
  const account = `echo '{"tenantId": "${TENANT_ID}"}'`;
  const token = `echo '{"accessToken": "cli-token", "tenant": "${TENANT_ID}"}'`;
  await tool('az', `if [ "$2" = show ]; then ${account}; else ${token}; fi`);
  const set = `grep -v "^$3=" "${values}" > "${values}.new"; echo "$3=\\"$4\\"" >> "${values}.new"; mv "${values}.new" "${values}"`;
  await tool('azd', `if [ "$2" = set ]; then ${set}; else cat "${values}"; fi`);
});

beforeEach(async () => {
  directory = new Directory();
  directory.addPrincipal({ appId: MICROSOFT_GRAPH, displayName: 'Microsoft Graph' });
  const lines = [`AZURE_ENV_NAME="contoso"`, `LANYARD_ENROLL_PRINCIPAL="${PRINCIPAL}"`];
  await writeFile(values, `${lines.join('\n')}\n`);
});

afterAll(async () => {
  await graph?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function tool(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
}

function type(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { enrollUrl, adminKey } = lanyard().local;
  const own = { LANYARD_URL: enrollUrl, LANYARD_ENROLL_URL: enrollUrl, LANYARD_KEY: adminKey };
  const env = { ...process.env, ...own, PATH: `${folder}${delimiter}${process.env['PATH']}` };
  const child = spawn(process.execPath, [TSX, ENTRA, ...args, '--graph', graph.address], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

describe('an administrator who sets up Entra', () => {
  test('sees the plan first, then has administrators sign in with it, and takes that back', async () => {
    const plan = await type('administrators');
    expect(plan).toMatchObject({
      code: 0,
      output: expect.stringContaining('Nothing was changed. To do it, add --yes.'),
    });
    expect(directory.writes).toEqual([]);
    expect((await type('administrators', '--yes')).code).toBe(0);
    const { appId } = directory.applications[0]!;
    const set = await readFile(values, 'utf8');
    expect(set).toContain(`LANYARD_ENTRA_CLIENT_ID="${appId}"`);
    expect(set).toContain('LANYARD_ADMIN_AUTH="entra"');
    expect((await type('administrators')).output).toContain('Nothing to change.');
    expect((await type('administrators', '--remove', '--yes')).code).toBe(0);
    expect(directory.applications).toEqual([]);
    expect(await readFile(values, 'utf8')).toContain('LANYARD_ADMIN_AUTH="keys"');
  });

  test('lets people sign in on the enrollment page, which offers it from then on, until it is taken away', async () => {
    const { admin, enrollUrl } = lanyard().local;
    await admin.call('PUT', '/api/settings', { organisation: 'Contoso', ways: ['Federated'] });
    expect((await type('sign-in', '--yes')).code).toBe(0);
    const { appId, web } = directory.applications[0]!;
    expect(web.redirectUris).toEqual([`${enrollUrl}/EnrollmentServer/SignIn/Callback`]);
    const settings = await admin.call('GET', '/api/settings');
    expect(settings).toMatchObject({
      organisation: 'Contoso',
      signIn: { entra: { tenantId: TENANT_ID, clientId: appId } },
    });
    const page = await admin.send('GET', '/EnrollmentServer/SignIn?appru=ms-app://windows.immersivecontrolpanel');
    expect(page.body).toContain('Sign in with Microsoft');
    expect((await type('sign-in', '--yes')).output).toContain('Nothing to change.');
    expect((await type('sign-in', '--remove', '--yes')).code).toBe(0);
    expect(await admin.call('GET', '/api/settings')).toMatchObject({
      signIn: { entra: { tenantId: '', clientId: '' } },
    });
  });

  test('is told what Graph refused and what to do, with exit code 1', async () => {
    directory.mayWrite = false;
    const { code, output } = await type('administrators', '--yes');
    expect(code).toBe(1);
    expect(output).toMatch(
      /Authorization_RequestDenied, request-id [0-9a-f-]{36}.*\n.*Cloud Application Administrator/,
    );
    expect(output).not.toContain('cli-token');
  });

  test('is told of the Azure CLI where nobody is signed in, with exit code 2', async () => {
    await tool('az', `echo "ERROR: Please run 'az login' to setup account." >&2; exit 1`);
    const { code, output } = await type('show');
    expect(code).toBe(2);
    expect(output).toMatch(/Please run 'az login'.*\nSign in: az login/);
    await tool('az', `echo '{"accessToken": "cli-token", "tenant": "${TENANT_ID}"}'`);
  });
});
