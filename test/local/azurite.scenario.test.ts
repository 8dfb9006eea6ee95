import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { startAzurite } from '../../local/azurite.ts';
import { createTables, openStorage } from '../../shared/storage/storage.ts';

const open = (connectionString: string) => openStorage({ tables: connectionString, blobs: connectionString });

test('what was written is there again after a stop and a start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lanyard-azurite-'));
  try {
    const first = await startAzurite({ folder });
    await createTables(open(first.connectionString));
    await open(first.connectionString)
      .table('devices')
      .write('p', [{ kind: 'insert', rowKey: 'r', value: { n: 1 } }]);
    await open(first.connectionString).blobs('results').write('b', Buffer.from('x'));
    await first.stop();
    await first.stop();
    const second = await startAzurite({ folder });
    expect((await open(second.connectionString).table('devices').get('p', 'r'))?.value).toEqual({ n: 1 });
    expect(String(await open(second.connectionString).blobs('results').read('b'))).toBe('x');
    await second.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('two run side by side and share nothing', async () => {
  const [a, b] = await Promise.all([startAzurite({ inMemory: true }), startAzurite({ inMemory: true })]);
  await createTables(open(a.connectionString));
  await expect(open(b.connectionString).table('devices').get('p', 'r')).rejects.toThrow(/TableNotFound/);
  await Promise.all([a.stop(), b.stop()]);
  expect(isAlive(a.pid)).toBe(false);
});

test('a port that is taken is named in the error', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(startAzurite({ inMemory: true, ports: { table: port } })).rejects.toThrow(
    new RegExp(`EADDRINUSE.*${port}`, 's'),
  );
  taken.close();
});

test.each(['SIGKILL', 'SIGTERM', 'its own exit'])('it ends with its parent, also by %s', async (how) => {
  const script = `
    const { startAzurite } = await import('./local/azurite.ts');
    const { pid } = await startAzurite({ inMemory: true });
    console.log(pid);
    ${how === 'its own exit' ? '' : 'setInterval(() => {}, 1000);'}
  `;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  const ended = once(parent, 'exit');
  if (how !== 'its own exit') {
    expect(isAlive(pid)).toBe(true);
    parent.kill(how as NodeJS.Signals);
  }
  await ended;
  await expect.poll(() => isAlive(pid), { timeout: 10_000, interval: 50 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
