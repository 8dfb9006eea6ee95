import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AdminClient } from '../../local/admin-client.ts';
import { APPS, type AppName, buildApps } from '../../local/build-apps.ts';
import { WindowsDevice } from '../../local/device/windows-device.ts';
import { packageApps } from '../../local/package-apps.ts';
import { freePorts, openPackagedHost, type PackagedHost, type RunningApp } from '../../local/packaged-host.ts';
import { send } from '../support/wire.ts';

/**
 * The three zips, unpacked far from the sources and their packages, each in a process of its own, with an identity of its own
 * in place of keys: as they run in Azure, but for the certificate authority in files.
 */

let folder = '';
let host: PackagedHost;
let running: RunningApp[] = [];
const url = {} as Record<AppName, string>;
const CLIENT_IDS: Record<AppName, string> = {
  enroll: '11111111-0000-4000-8000-000000000000',
  manage: '22222222-0000-4000-8000-000000000000',
  admin: '33333333-0000-4000-8000-000000000000',
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanyard-build-'));
  const [packages, opened, ports] = await Promise.all([
    packageApps(join(folder, 'out')),
    openPackagedHost(join(folder, 'host')),
    freePorts(APPS.length),
  ]);
  host = opened;
  APPS.forEach((app, index) => {
    url[app] = `https://localhost:${ports[index]}`;
  });
  for (const [index, app] of APPS.entries()) {
    const unpacked = join(folder, app);
    await mkdir(unpacked);
    const files = unzipSync(await readFile(packages.find((each) => each.app === app)?.zip ?? ''));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(unpacked, name), bytes);
    const tls = app === 'manage' ? 'required' : 'off';
    running.push(await host.start({ folder: unpacked, port: ports[index] ?? 0, tls, settings: settingsOf(app) }));
  }
}, 180_000);

function settingsOf(app: AppName): Record<string, string> {
  return {
    ...host.settings,
    LANYARD_APP: app,
    LANYARD_ENROLL_URL: url.enroll,
    LANYARD_MANAGE_URL: url.manage,
    LANYARD_CLIENT_CERT: app === 'manage' ? 'platform' : 'none',
    AzureWebJobsStorage__clientId: CLIENT_IDS[app],
    AZURE_CLIENT_ID: CLIENT_IDS[app],
    // The manage app has no right to it, and is not told where it is.
    ...(app === 'manage' ? {} : { LANYARD_CA: `files:${join(folder, 'ca')}` }),
  };
}

afterAll(async () => {
  await Promise.all(running.map((app) => app.stop()));
  running = [];
  await host?.stop();
  await rm(folder, { recursive: true, force: true });
});

const trusted = () => ({ ca: host.tlsRoot });

test('a PC enrolls with one, is managed by another, and leaves; a third is for the administrator', async () => {
  const admin = new AdminClient({ url: url.admin, key: host.keys.host, trust: [host.tlsRoot], actor: 'kim' });
  await admin.call('POST', '/api/certificate-authority', {}, { 'x-functions-key': host.keys.master });
  const { user, secret } = await admin.call<{ user: string; secret: string }>('POST', '/api/invitations', {
    user: 'kim@example.org',
  });
  const device = await WindowsDevice.create({ name: 'PC-1', folder: join(folder, 'pc'), trust: [host.tlsRoot] });
  const { enrollmentId, remarks } = await device.enroll({ server: url.enroll, user, secret });
  expect(remarks).toEqual([]);
  await device.sync();
  await admin.call('POST', `/api/devices/${enrollmentId}/commands`, { verb: 'Get', target: './DevDetail/SwV' });
  await device.sync();
  expect(await admin.call('GET', `/api/devices/${enrollmentId}/commands/000000000001`)).toMatchObject({
    state: 'done',
    status: 200,
  });
  await admin.call('POST', `/api/devices/${enrollmentId}/unenroll`, {});
  expect(await device.sync()).toMatchObject({ unenrolled: true });
  expect(await admin.call('GET', `/api/devices/${enrollmentId}`)).toMatchObject({ state: 'unenrolled' });
});

test('each opens storage with its own identity', () => {
  expect(new Set(host.askedFor.filter(Boolean))).toEqual(new Set(Object.values(CLIENT_IDS)));
});

describe('an app answers its own addresses alone', () => {
  const paths: Record<AppName, [string, string]> = {
    enroll: ['GET', '/EnrollmentServer/Discovery.svc'],
    manage: ['POST', '/ManagementServer/MDM.svc'],
    admin: ['GET', '/api/devices'],
  };
  const answers: Record<AppName, number> = { enroll: 200, manage: 403, admin: 401 };

  test.each(APPS.flatMap((app) => APPS.map((other) => [app, other] as const)))(
    '%s asked for %s',
    async (app, other) => {
      const [method, path] = paths[other];
      const reply = await send(`${url[app]}${path}`, { method, ...trusted() });
      // Without a client certificate the platform refuses everything at the manage app.
      expect(reply.status).toBe(app === 'manage' ? 403 : app === other ? answers[app] : 404);
    },
  );
});

test('all three in one folder, as Core Tools run them on a developer`s machine, register every function', async () => {
  const all = join(folder, 'all');
  await buildApps(join(all, 'dist'));
  const list = `
    const { openAppFolder } = await import(${JSON.stringify(new URL('../../local/host/app-folder.ts', import.meta.url).href)});
    const { startHost } = await import(${JSON.stringify(new URL('../../local/host/start-host.ts', import.meta.url).href)});
    const app = await openAppFolder(process.argv[1]);
    const host = await startHost({ apps: [{ name: 'app', ...app }], keys: { master: 'm', host: 'h', functions: {} }, listeners: [] });
    console.log(host.functions.map((f) => f.name).join(' '));
    await host.close();`;
  for (const file of ['package.json', 'host.json']) {
    await writeFile(join(all, file), await readFile(new URL(`../../${file}`, import.meta.url)));
  }
  const args = ['--import', 'tsx', '--input-type=module', '-e', list, all];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(import.meta.dirname, '../..') });
  expect(stdout.trim().split(' ')).toEqual(
    expect.arrayContaining(['discovery', 'enrollment', 'management', 'devices', 'certificate-authority', 'retention']),
  );
});
