import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { startAzurite } from './azurite.ts';
import { openTlsRoot } from './host/tls-root.ts';
import { startIdentityEndpoint } from './identity-endpoint.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where packages run: the Functions host as one file, tables and blobs that are opened with managed identities. */
export interface PackagedHost {
  folder: string;
  /** PEM of the root above all TLS certificates. */
  tlsRoot: string;
  keys: { master: string; host: string };
  /** `LANYARD_TABLES`, `LANYARD_BLOBS` and the storage of the host, as URLs. */
  settings: Record<string, string>;
  /** Client ids whose tokens were asked for. */
  askedFor: string[];
  start(app: RunOptions): Promise<RunningApp>;
  stop(): Promise<void>;
}

export interface RunOptions {
  /** the unpacked package */
  folder: string;
  port: number;
  tls: 'off' | 'required';
  settings: Record<string, string>;
  /** what its process finds in its environment besides: how to reach a service that this machine plays */
  env?: Record<string, string>;
}

export interface RunningApp {
  /** `performance.now()` when the process was started */
  startedAt: number;
  /** everything that it and the host have logged so far */
  output(): string;
  stop(): Promise<void>;
}

/**
 * Prepares to run packages as Azure does: one app a process, nothing but the package, identities in place of keys.
 * @param folder an empty folder, for keys, certificates and the host
 */
export async function openPackagedHost(folder: string): Promise<PackagedHost> {
  const tls = join(folder, 'tls');
  await mkdir(tls, { recursive: true });
  const root = await openTlsRoot(tls);
  const server = await root.serverCertificate(['127.0.0.1']);
  const [cert, key] = [join(tls, 'storage.pem'), join(tls, 'storage.key')];
  await writeFile(cert, server.cert);
  await writeFile(key, server.key, { mode: 0o600 });
  const keys = { master: randomBytes(32).toString('base64url'), host: randomBytes(32).toString('base64url') };
  await writeFile(join(folder, 'keys.json'), JSON.stringify(keys), { mode: 0o600 });
  await bundleHost(folder);
  const azurite = await startAzurite({ inMemory: true, tls: { cert, key } });
  const identity = await startIdentityEndpoint();
  const env = { ...identity.env, NODE_EXTRA_CA_CERTS: join(tls, 'tls-root.pem') };
  await makeTables(azurite.urls, env);
  return {
    folder,
    tlsRoot: root.pem,
    keys,
    settings: {
      LANYARD_TABLES: azurite.urls.table,
      LANYARD_BLOBS: azurite.urls.blob,
      AzureWebJobsStorage__blobServiceUri: azurite.urls.blob,
    },
    askedFor: identity.asked,
    start: (options) => startApp(folder, env, options),
    async stop() {
      identity.stop();
      await azurite.stop();
    },
  };
}

/** The local Functions host in one file, so that a start measures the app and not the host's sources. */
async function bundleHost(folder: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, 'local/host/command.ts')],
    outfile: join(folder, 'host.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
}

/** In Azure the template does this. In a process of its own, since a process reads which roots it trusts when it starts. */
async function makeTables(urls: { table: string; blob: string }, env: Record<string, string>): Promise<void> {
  const script = `
    const { createTables, openStorage } = await import('./shared/storage/storage.ts');
    await createTables(openStorage(${JSON.stringify({ tables: urls.table, blobs: urls.blob })}));`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env } });
}

async function startApp(home: string, env: Record<string, string>, options: RunOptions): Promise<RunningApp> {
  const settings = join(home, `settings-${options.port}.json`);
  await writeFile(settings, JSON.stringify({ IsEncrypted: false, Values: options.settings }));
  const args = [
    ...[join(home, 'host.mjs'), '--app', options.folder, '--settings', settings, '--port', `${options.port}`],
    ...['--tls', options.tls, '--tls-root', join(home, 'tls'), '--keys', join(home, 'keys.json')],
  ];
  const startedAt = performance.now();
  // Far from the repository, so that nothing of it can be found by accident.
  const child = spawn(process.execPath, args, {
    cwd: home,
    env: { PATH: process.env['PATH'], ...env, ...options.env },
  });
  const output = await listening(child);
  return { startedAt, output, stop: () => end(child) };
}

/** @returns what gives all that the process has said. @throws Error with that, when it ends before it listens */
async function listening(child: ChildProcess): Promise<() => string> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (/^Listening on /m.test(output)) resolve();
      });
    }
    child.once('error', reject);
    child.once('close', () => reject(new Error(`The app ended before it listened:\n${output}`)));
  });
  return () => output;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGINT');
  await closed;
}
