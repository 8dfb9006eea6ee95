import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The commands of the README as a newcomer types them: processes of their own, a folder that lasts. */

const TSX = join(import.meta.dirname, '../../node_modules/tsx/dist/cli.mjs');
const ROOT = join(import.meta.dirname, '../..');
const LOCAL = join(ROOT, 'local');

let folder = '';
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'lanyard-start-')), 'data');
});
afterAll(() => rm(join(folder, '..'), { recursive: true, force: true }));

interface Ended {
  code: number | null;
  output: string;
}

type Running = { process: ChildProcess; ended: Promise<Ended>; output: () => string };

function run(script: string, args: string[]): Running {
  return runNode([TSX, join(LOCAL, script), ...args]);
}

function runNode(args: string[], env = process.env): Running {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: ROOT, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, output })));
  return { process: child, ended, output: () => output };
}

async function start(...args: string[]) {
  const running = run('start.ts', [
    '--folder',
    folder,
    '--port',
    '0',
    '--manage-port',
    '0',
    '--bare-port',
    '0',
    ...args,
  ]);
  const up = new Promise<void>((resolve, reject) => {
    running.process.stdout?.on('data', () => running.output().includes('Up until Ctrl-C') && resolve());
    running.ended.then(({ output }) => reject(new Error(output)));
  });
  await up;
  const port = /enroll and admin\s+https:\/\/localhost:(\d+)/.exec(running.output())?.[1] ?? '';
  const managePort = /manage\s+https:\/\/localhost:(\d+)\n/.exec(running.output())?.[1] ?? '';
  const url = `https://localhost:${port}`;
  const stop = async () => {
    running.process.kill('SIGINT');
    return running.ended;
  };
  return { url, port, managePort, output: running.output, stop };
}

/** `node lanyard …` as it is typed in the folder of the project. */
const lanyard = (...args: string[]) => runNode(['lanyard', ...args, '--folder', folder]).ended;

describe('npm start', () => {
  test('serves, lets the command line do the main job, and finds the same CA and devices when it starts again', async () => {
    const first = await start();
    expect(first.output()).toMatch(/✓ unenrolled/);
    expect(first.output()).toContain((await readFile(join(folder, 'admin-key'), 'utf8')).trim());
    for (const file of [
      'admin-key',
      'host-keys.json',
      'ca/issuing-ca.key.pem',
      'ca/device-root.key.pem',
      'tls-root.key',
    ]) {
      expect([file, (await stat(join(folder, file))).mode & 0o777]).toEqual([file, 0o600]);
    }
    const invited = JSON.parse((await lanyard('invite', 'kim@example.org', '--json')).output);
    const enrolled = await lanyard(
      'device',
      'enroll',
      '--server',
      first.url,
      '--user',
      invited.user,
      '--secret',
      invited.secret,
      '--name',
      'PC-2',
    );
    expect(enrolled).toMatchObject({ code: 0, output: expect.stringContaining('Enrolled as') });
    const issuing = await readFile(join(folder, 'ca/issuing-ca.pem'), 'utf8');
    const stopped = await first.stop();
    expect(stopped.code).toBe(0);

    // A device keeps the address that it enrolled with, so the second start has the ports of the first.
    const second = await start('--no-device', '--port', first.port, '--manage-port', first.managePort);
    expect(second.output()).not.toMatch(/unenrolled/);
    expect(await readFile(join(folder, 'ca/issuing-ca.pem'), 'utf8')).toBe(issuing);
    const { items } = JSON.parse(`{"items":${(await lanyard('devices', '--json')).output}}`);
    expect(items.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).sort()).toEqual([
      'DESKTOP-LANYARD unenrolled',
      'PC-2 enrolled',
    ]);
    const sent = JSON.parse((await lanyard('send', 'PC-2', 'Get', './DevDetail/SwV', '--json')).output);
    const cancelled = await lanyard('cancel', 'PC-2', sent.items[0].id);
    expect(cancelled).toMatchObject({ code: 0, output: expect.stringMatching(/\.\/DevDetail\/SwV\s+cancelled/) });
    expect(await lanyard('show', 'PC-2')).toMatchObject({ code: 0, output: expect.stringMatching(/state\s+enrolled/) });
    // There is nobody to ask, so it shows what would happen and does nothing.
    expect(await lanyard('unenroll', 'pc-2')).toMatchObject({ code: 2, output: expect.stringContaining('--yes') });
    expect(await lanyard('unenroll', 'pc-2', '--yes')).toMatchObject({
      code: 0,
      output: expect.stringContaining('PC-2: waiting.'),
    });
    expect(await lanyard('send', 'PC-9', 'Get', './DevDetail/SwV')).toMatchObject({
      code: 2,
      output: expect.stringContaining('No device is called PC-9'),
    });
    const left = await lanyard('device', 'sync', '--name', 'PC-2');
    expect(left).toMatchObject({ code: 0, output: expect.stringContaining('The device has left the management.') });
    await second.stop();
  }, 120_000);

  test('says which port is taken and ends with 1', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { code, output } = await run('start.ts', ['--once', '--port', String(port)]).ended;
    server.close();
    expect([code, output]).toEqual([1, expect.stringContaining(String(port))]);
  });

  test.each([
    [['--prot', '7'], '--prot'],
    [['--port', 'abc'], 'abc is not a port number'],
    [['--auth', 'none'], '--auth is certificate or digest'],
  ])('refuses %j in one line', async (args, message) => {
    const { code, output } = await run('start.ts', args).ended;
    expect([code, output]).toEqual([1, expect.stringContaining(message)]);
  });
});

describe('the command line', () => {
  test.each([
    [['--help'], 0, 'device enroll'],
    [['fly'], 2, 'There is no verb'],
    [['invite'], 2, 'USER@DOMAIN'],
    [['device', 'sync', '--name', 'NOT-THERE'], 2, 'There is no device NOT-THERE'],
    [['devices', '--url', 'https://localhost:1', '--key', 'k'], 1, 'npm start'],
    [['device', 'enroll', '--server', 'https://localhost:1', '--user', 'a@b.c'], 2, '--secret is needed'],
  ])('answers %j with exit code %i and says what to do', async (args, code, message) => {
    const ended =
      args[0] === '--help' || args[0] === 'fly' ? await run('cli/lanyard.ts', args).ended : await lanyard(...args);
    expect(ended).toEqual({ code, output: expect.stringContaining(message) });
  });

  test('does nothing when npm kept an option for itself, as it does in PowerShell', async () => {
    const env = { ...process.env, npm_lifecycle_event: 'lanyard', npm_config_root: 'own' };
    const { code, output } = await runNode(['lanyard', 'authority', 'roll-over', '--yes', '--folder', folder], env)
      .ended;
    expect([code, output]).toEqual([2, expect.stringContaining('npm kept --root for itself. Type: node lanyard')]);
  });

  test.each([
    ['entra', 'Microsoft Entra'],
    ['start', '--host-name'],
  ])('has %s', async (program, says) => {
    const { code, output } = await runNode(['lanyard', program, '--help']).ended;
    expect([code, output]).toEqual([0, expect.stringContaining(says)]);
  });
});
