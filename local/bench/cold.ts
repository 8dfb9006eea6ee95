import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { build } from 'esbuild';
import { AdminClient } from '../admin-client.ts';
import { DISCOVERY_PATH, discoverRequest } from '../device/discovery.ts';
import { WindowsDevice } from '../device/windows-device.ts';
import { freePorts } from '../free-ports.ts';
import { openPackagedHost, type PackagedHost, type RunOptions } from '../packaged-host.ts';
import type { AppName } from '../packages/build-apps.ts';
import { type AppPackage, packageApps } from '../packages/package-apps.ts';
import { checkIn } from './check-in.ts';
import { send } from './cold-request.ts';

/**
 * `npm run bench -- cold`: how long the first answer of each package takes from the start of its process, beside an app of
 * one empty function in the same host in the same run, and what the difference consists of.
 */

const ROUNDS = 15;
/** The management door refuses this at once. */
const WBXML = { 'content-type': 'application/vnd.syncml.dm+wbxml' };

interface Kind {
  name: string;
  run: RunOptions;
  /** Sends the first message. @throws Error unless it is answered as it should be */
  first(): Promise<void>;
}

interface Times {
  /** Milliseconds from the start of the process: until it listens, until the first and the second message are answered. */
  listening: number[];
  first: number[];
  second: number[];
}

/** Builds the packages, lets a PC enroll with them, and prints the figures. */
export async function measureColdStarts(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lanyard-cold-'));
  const packages = await packageApps(join(folder, 'out'));
  const host = await openPackagedHost(join(folder, 'host'));
  try {
    const kinds = await prepare(folder, host);
    const times = new Map(kinds.map(({ name }): [string, Times] => [name, { listening: [], first: [], second: [] }]));
    // Round by round and not kind by kind, so that what else the machine does meets all alike.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const kind of kinds) await measure(host, kind, times.get(kind.name) as Times);
    }
    printPackages(packages);
    printTimes(times);
    printParts(times);
  } finally {
    await host.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(host: PackagedHost, { run, first }: Kind, times: Times): Promise<void> {
  const app = await host.start(run);
  try {
    times.listening.push(performance.now() - app.startedAt);
    await first();
    times.first.push(performance.now() - app.startedAt);
    const begin = performance.now();
    await first();
    times.second.push(performance.now() - begin);
  } finally {
    await app.stop();
  }
}

/** An app of one function, bundled as ours are, and our three with what their first message needs. */
async function prepare(folder: string, host: PackagedHost): Promise<Kind[]> {
  const ports = await freePorts(4);
  const url = (index: number) => `https://localhost:${ports[index]}`;
  const [bare = 0, enroll = 0, manage = 0, admin = 0] = ports;
  const settings = (app: AppName): Record<string, string> => ({
    ...host.settings,
    LANYARD_APP: app,
    LANYARD_ENROLL_URL: url(1),
    LANYARD_MANAGE_URL: url(2),
    LANYARD_CLIENT_CERT: app === 'manage' ? 'platform' : 'none',
    ...(app === 'manage' ? {} : { LANYARD_CA: `files:${join(folder, 'ca')}` }),
  });
  const runOf = (app: AppName, port: number): RunOptions => {
    return {
      folder: join(folder, 'out', app),
      port,
      tls: app === 'manage' ? 'required' : 'off',
      settings: settings(app),
    };
  };
  const runs = { enroll: runOf('enroll', enroll), manage: runOf('manage', manage), admin: runOf('admin', admin) };
  const pc = await enrollPc(folder, host, runs, { admin: url(3), enroll: url(1) });
  const plain = new Agent({ ca: host.tlsRoot });
  const asPc = new Agent({ ca: host.tlsRoot, key: pc.key, cert: pc.cert });
  const management = `${url(2)}/ManagementServer/MDM.svc`;
  const discovery = `${url(1)}${DISCOVERY_PATH}`;
  const discover = {
    method: 'POST',
    body: discoverRequest(pc.device.machine, 'bench@example.org', discovery),
    headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
  };
  const key = { 'x-functions-key': host.keys.host };
  let session = 500;
  const message = () => {
    session += 1;
    return { method: 'POST', body: checkIn(pc.device.machine, session, management) };
  };
  const bareRun: RunOptions = { folder: await bareApp(folder), port: bare, tls: 'off', settings: host.settings };
  const anyBody = { method: 'POST', body: Buffer.from('x') };
  return [
    {
      name: 'bare',
      run: { ...bareRun, tls: 'required' },
      first: () => send(asPc, `${url(0)}/bench/empty`, 200, anyBody),
    },
    {
      name: 'enroll',
      run: runs.enroll,
      first: () => send(plain, discovery, 200, discover),
    },
    { name: 'manage', run: runs.manage, first: () => send(asPc, management, 200, message()) },
    {
      name: 'admin',
      run: runs.admin,
      first: () => send(plain, `${url(3)}/api/devices`, 200, { method: 'GET', headers: key }),
    },
    // The same code, and nothing of settings and storage: what is left out is what these cost.
    {
      name: 'manage, type refused',
      run: runs.manage,
      first: () => send(asPc, management, 415, { ...message(), headers: WBXML }),
    },
  ];
}

async function enrollPc(
  folder: string,
  host: PackagedHost,
  runs: Record<'enroll' | 'manage' | 'admin', RunOptions>,
  url: { admin: string; enroll: string },
) {
  const running = [await host.start(runs.admin), await host.start(runs.enroll), await host.start(runs.manage)];
  try {
    const admin = new AdminClient({ url: url.admin, key: host.keys.host, trust: [host.tlsRoot], actor: 'bench' });
    await admin.call('POST', '/api/certificate-authority', {}, { 'x-functions-key': host.keys.master });
    const { user, secret } = await admin.call<{ user: string; secret: string }>('POST', '/api/invitations', {
      user: 'bench@example.org',
    });
    const home = join(folder, 'pc');
    const device = await WindowsDevice.create({ name: 'BENCH-PC', folder: home, trust: [host.tlsRoot] });
    await device.enroll({ server: url.enroll, user, secret });
    // Facts are asked in the first session of a day; what is measured is the ordinary one after it.
    await device.sync();
    const [key, cert] = await Promise.all(
      ['client-key.pem', 'client-certificate.pem'].map((name) => readFile(join(home, name), 'utf8')),
    );
    return { device, key, cert };
  } finally {
    for (const app of running) await app.stop();
  }
}

async function bareApp(folder: string): Promise<string> {
  const out = join(folder, 'bare');
  await mkdir(out);
  await build({
    entryPoints: [join(import.meta.dirname, 'empty-function.ts')],
    outfile: join(out, 'bare.app.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minifySyntax: true,
    minifyWhitespace: true,
    external: ['@azure/functions-core'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  await writeFile(join(out, 'package.json'), JSON.stringify({ type: 'module', main: 'bare.app.js' }));
  await writeFile(join(out, 'host.json'), await readFile(new URL('../../host.json', import.meta.url)));
  return out;
}

/** The fastest of all rounds: whatever else the machine does only adds to it. */
function fastest(values: readonly number[]): number {
  return Math.min(...values);
}

const ms = (value: number) => value.toFixed(0).padStart(7);

function printPackages(packages: AppPackage[]): void {
  console.log(`\n${'package'.padEnd(26)} zip KB   files`);
  for (const { app, bytes, files } of packages) {
    console.log(`${app.padEnd(26)} ${(bytes / 1024).toFixed(0).padStart(6)} ${String(files).padStart(7)}`);
  }
}

function printTimes(times: Map<string, Times>): void {
  const bare = fastest(times.get('bare')?.first ?? []);
  console.log(`\n${`fastest of ${ROUNDS}, ms`.padEnd(26)} listens   first  second   first / bare`);
  for (const [name, { listening, first, second }] of times) {
    const ratio = (fastest(first) / bare).toFixed(2).padStart(14);
    console.log(`${name.padEnd(26)} ${ms(fastest(listening))} ${ms(fastest(first))} ${ms(fastest(second))} ${ratio}`);
  }
}

/** The first message of the manage app, part by part; each part is the difference of two times above. */
function printParts(times: Map<string, Times>): void {
  const at = (name: string) => times.get(name) ?? { listening: [], first: [], second: [] };
  const bare = fastest(at('bare').first);
  const refused = fastest(at('manage, type refused').first);
  const whole = fastest(at('manage').first);
  const listening = fastest(at('manage').listening) - fastest(at('bare').listening);
  const warm = fastest(at('manage').second) - fastest(at('manage, type refused').second);
  const parts: [string, number][] = [
    ['process, host, TLS, an empty function', bare],
    ['loading the code of the app', listening],
    ['the first call into it', refused - bare - listening],
    ['what a warm message takes', warm],
    ['settings, first token, storage clients', whole - refused - warm],
  ];
  console.log(`\nthe first message of manage, ${whole.toFixed(0)} ms:`);
  for (const [name, value] of parts) {
    console.log(`  ${name.padEnd(40)} ${ms(value)} ms ${`${Math.round((100 * value) / whole)} %`.padStart(6)}`);
  }
}
