import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite } from '../../local/azurite.ts';
import { buildApps } from '../../local/build-apps.ts';
import { createTables, openStorage } from '../../shared/storage/storage.ts';
import { send } from '../support/wire.ts';

/** The build that Azure and Core Tools run, in a process of its own, far from the sources and their packages. */

const ROOT = join(import.meta.dirname, '../..');
let folder = '';
let url = '';
let key = '';
let stop = async () => {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanyard-build-'));
  await buildApps(join(folder, 'dist'));
  for (const file of ['package.json', 'host.json']) await cp(join(ROOT, file), join(folder, file));
  const azurite = await startAzurite({ inMemory: true });
  await createTables(openStorage({ tables: azurite.connectionString, blobs: azurite.connectionString }));
  const settings = JSON.parse(await readFile(join(ROOT, 'local.settings.sample.json'), 'utf8'));
  const storage = {
    LANYARD_TABLES: azurite.connectionString,
    LANYARD_BLOBS: azurite.connectionString,
    AzureWebJobsStorage: azurite.connectionString,
  };
  Object.assign(settings.Values, storage, { LANYARD_CA: `files:${join(folder, 'ca')}` });
  await writeFile(join(folder, 'local.settings.json'), JSON.stringify(settings));
  const args = [join(ROOT, 'node_modules/tsx/dist/cli.mjs'), join(ROOT, 'local/host/command.ts')];
  const child = spawn(process.execPath, [
    ...args,
    '--app',
    folder,
    '--settings',
    join(folder, 'local.settings.json'),
    '--port',
    '0',
  ]);
  let output = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (/Listening on \S+\n/.test(output)) resolve();
      });
    }
    child.on('close', () => reject(new Error(output)));
  });
  url = /Listening on (\S+)/.exec(output)?.[1] ?? '';
  key = /Master key: (\S+)/.exec(output)?.[1] ?? '';
  stop = async () => {
    child.removeAllListeners('close');
    const closed = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGINT');
    await closed;
    await azurite.stop();
  };
});

afterAll(async () => {
  await stop();
  await rm(folder, { recursive: true, force: true });
});

test('answers devices and administrators as the sources do', async () => {
  expect((await send(`${url}/EnrollmentServer/Discovery.svc`, { method: 'GET' })).status).toBe(200);
  const policies = await send(`${url}/EnrollmentServer/Policy.svc`, { body: '<a/>' });
  expect([policies.status, policies.body]).toEqual([500, expect.stringContaining('MessageFormat')]);
  expect((await send(`${url}/ManagementServer/MDM.svc`, { body: 'x' })).status).toBe(403);
  const headers = { 'x-functions-key': key, 'content-type': 'application/json' };
  expect((await send(`${url}/api/certificate-authority`, { body: '{}', headers })).status).toBe(200);
  const invited = await send(`${url}/api/invitations`, { body: JSON.stringify({ user: 'kim@example.org' }), headers });
  expect(JSON.parse(invited.body)).toMatchObject({ user: 'kim@example.org', secret: expect.any(String) });
});
