import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from './client-certificate.ts';
import { send } from './raw-http.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const command = path.join(root, 'local/host/command.ts');
const source = (flavour: string): string => `
app.http('hello', {
  authLevel: 'anonymous',
  handler: (request) => {
    const certificate = request.headers.get('x-arr-clientcert') ?? 'none';
    return { body: ['${flavour}', process.env.GREETING, certificate].join(' ') };
  },
});
app.timer('tick', { schedule: '0 0 3 * * *', handler: () => {} });
`;

let folder: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'command-'));
  await writeApp('esm', 'dist/*.app.js', {
    'dist/a.app.js': `import { app } from '@azure/functions';${source('esm')}`,
  });
  await writeApp('cjs', 'main.cjs', { 'main.cjs': `const { app } = require('@azure/functions');${source('cjs')}` });
  await writeApp('broken', 'main.js', { 'main.js': 'throw new Error("no tables");' });
  await writeApp('bundle', 'main.js', {});
  await build({
    stdin: { contents: `import { app } from '@azure/functions';${source('bundle')}`, resolveDir: root },
    outfile: path.join(folder, 'bundle/main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@azure/functions-core'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  });
  await rm(path.join(folder, 'bundle/node_modules'));
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
  }
});

afterAll(() => rm(folder, { recursive: true }));

async function writeApp(name: string, main: string, files: Record<string, string>): Promise<void> {
  const app = path.join(folder, name);
  await mkdir(path.join(app, 'dist'), { recursive: true });
  await symlink(path.join(root, 'node_modules'), path.join(app, 'node_modules'));
  const described = {
    'package.json': JSON.stringify({ type: 'module', main }),
    'host.json': JSON.stringify({ version: '2.0', extensions: { http: { routePrefix: '' } } }),
    'local.settings.json': JSON.stringify({ Values: { GREETING: 'hi' } }),
    ...files,
  };
  for (const [file, text] of Object.entries(described)) await writeFile(path.join(app, file), text);
}

interface Running {
  child: ChildProcess;
  url: string;
  output: () => string;
}

/** Starts the command as a process of its own and waits until it listens; rejects with what it wrote when it ends before. */
function run(app: string, ...args: string[]): Promise<Running> {
  const folderOfApp = path.join(folder, app);
  const settings = ['--settings', path.join(folderOfApp, 'local.settings.json')];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', command, '--app', folderOfApp, ...settings, '--port', '0', ...args],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  started.push(child);
  let text = '';
  return new Promise((resolve, reject) => {
    const take = (data: Buffer): void => {
      text += data.toString();
      const url = /Listening on (\S+)/.exec(text)?.[1];
      if (url) resolve({ child, url, output: () => text });
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${text}`)));
  });
}

describe('the command serves the built app of a folder', () => {
  test.each(['esm', 'cjs', 'bundle'])('%s', async (flavour) => {
    const { url, output } = await run(flavour);
    expect(url).toMatch(/^http:/);
    expect((await send(`${url}/hello`)).body).toBe(`${flavour} hi none`);
    expect(output()).toContain('hello: GET,POST /hello');
    expect(output()).toContain('tick: 0 0 3 * * *');
  });
});

test('its keys open what they should', async () => {
  const file = path.join(folder, 'keys.json');
  await writeFile(file, JSON.stringify({ master: 'the-master', host: 'the-host' }));
  const { url } = await run('esm', '--keys', file);
  const fire = (key: string) =>
    send(`${url}/admin/functions/tick`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', 'x-functions-key': key },
    });
  expect((await fire('the-master')).status).toBe(202);
  expect((await fire('the-host')).status).toBe(401);
});

test('with --tls required it asks for a client certificate, and curl trusts its root', async () => {
  const tls = path.join(folder, 'tls');
  const { url } = await run('esm', '--tls', 'required', '--tls-root', tls, '--host-name', 'mdm.test');
  const device = selfSigned('device');
  await writeFile(path.join(folder, 'device.key'), device.key);
  await writeFile(path.join(folder, 'device.pem'), device.cert);
  const { port } = new URL(url);
  const curl = (...args: string[]): string =>
    execFileSync('curl', [
      ...['-s', '-w', ' %{http_code}', '--cacert', path.join(tls, 'tls-root.pem')],
      ...['--resolve', `mdm.test:${port}:127.0.0.1`, `https://mdm.test:${port}/hello`, ...args],
    ]).toString();
  expect(curl('--cert', path.join(folder, 'device.pem'), '--key', path.join(folder, 'device.key'))).toBe(
    `esm hi ${device.base64} 200`,
  );
  expect(curl()).toBe(' 403');
});

test('with --tls off it listens with TLS and asks for none', async () => {
  const tls = path.join(folder, 'tls-off');
  const { url } = await run('esm', '--tls', 'off', '--tls-root', tls);
  const { port } = new URL(url);
  const reply = execFileSync('curl', [
    '-s',
    '--cacert',
    path.join(tls, 'tls-root.pem'),
    `https://127.0.0.1:${port}/hello`,
  ]);
  expect(reply.toString()).toBe('esm hi none');
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it with code 0', async (signal) => {
  const { child } = await run('esm');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  expect(await ended).toBe(0);
});

describe('what is wrong is said in one line, and the exit code is 1', () => {
  test.each([
    ['an app that throws', 'broken', [], /exit 1: no tables\n$/],
    ['a folder without an app', 'nowhere', [], /exit 1: .*cannot be read.*\n$/],
    ['a port that is none', 'esm', ['--port', 'x'], /exit 1: --port x is not a port\.\n$/],
    ['an unknown TLS mode', 'esm', ['--tls', 'on'], /exit 1: --tls on must be off or required\.\n$/],
    ['an unknown argument', 'esm', ['--nope'], /exit 1: Unknown option '--nope'/],
  ])('%s', async (_, app, args, message) => {
    await expect(run(app, ...args)).rejects.toThrow(message);
  });
});
