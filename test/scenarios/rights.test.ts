import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AdminClient } from '../../local/admin-client.ts';
import { APPS, type AppName } from '../../local/build-apps.ts';
import { WindowsDevice } from '../../local/device/windows-device.ts';
import { openTlsRoot } from '../../local/host/tls-root.ts';
import { packageApps } from '../../local/package-apps.ts';
import { freePorts, openPackagedHost, type PackagedHost, type RunningApp } from '../../local/packaged-host.ts';
import { type Rights, type RightsProxy, rightsFromTemplate, startRightsProxy } from '../support/rights-proxy.ts';
import { send } from '../support/wire.ts';

/** The three packages with the rights in storage that the templates give them, and no others. */

const CLIENT_IDS: Record<AppName, string> = {
  enroll: '11111111-0000-4000-8000-000000000000',
  manage: '22222222-0000-4000-8000-000000000000',
  admin: '33333333-0000-4000-8000-000000000000',
};
const rights: Record<string, Rights> = Object.fromEntries(
  APPS.map((app) => [CLIENT_IDS[app], rightsFromTemplate(`${app}Rights`)]),
);

const LARGE = './Device/Vendor/MSFT/Policy/Config/Experience/Large';

let folder = '';
let host: PackagedHost;
let proxies: RightsProxy[] = [];
let running: RunningApp[] = [];
let admin: AdminClient;
const url = {} as Record<AppName, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanyard-rights-'));
  await packageApps(join(folder, 'out'));
  host = await openPackagedHost(join(folder, 'host'));
  const root = await openTlsRoot(join(folder, 'host', 'tls'));
  const tls = { ...(await root.serverCertificate(['127.0.0.1'])), ca: root.pem };
  const service = (name: string) => host.settings[name] ?? '';
  proxies = await Promise.all(
    ['LANYARD_TABLES', 'LANYARD_BLOBS'].map((name) => startRightsProxy(service(name), tls, rights)),
  );
  const ports = await freePorts(APPS.length);
  for (const [index, app] of APPS.entries()) url[app] = `https://localhost:${ports[index]}`;
  for (const [index, app] of APPS.entries()) {
    const tlsMode = app === 'manage' ? 'required' : 'off';
    running.push(
      await host.start({
        folder: join(folder, 'out', app),
        port: ports[index] ?? 0,
        tls: tlsMode,
        settings: settingsOf(app),
      }),
    );
  }
  admin = new AdminClient({ url: url.admin, key: host.keys.host, trust: [host.tlsRoot], actor: 'kim' });
}, 180_000);

/** The host's own storage account is another one in Azure, where the app may do everything. */
function settingsOf(app: AppName): Record<string, string> {
  return {
    ...host.settings,
    LANYARD_TABLES: proxies[0]?.url ?? '',
    LANYARD_BLOBS: proxies[1]?.url ?? '',
    LANYARD_APP: app,
    LANYARD_ENROLL_URL: url.enroll,
    LANYARD_MANAGE_URL: url.manage,
    LANYARD_CLIENT_CERT: app === 'manage' ? 'platform' : 'none',
    AzureWebJobsStorage__clientId: CLIENT_IDS[app],
    AZURE_CLIENT_ID: CLIENT_IDS[app],
    ...(app === 'manage' ? {} : { LANYARD_CA: `files:${join(folder, 'ca')}` }),
  };
}

afterAll(async () => {
  await Promise.all(running.map((app) => app.stop()));
  running = [];
  for (const proxy of proxies) proxy.stop();
  await host?.stop();
  await rm(folder, { recursive: true, force: true });
});

const refused = () => proxies.flatMap((proxy) => proxy.refused);
const named = (line: string) => APPS.reduce((text, app) => text.replace(CLIENT_IDS[app], app), line);

async function newPc(name: string): Promise<{ device: WindowsDevice; id: string }> {
  const { user, secret } = await admin.call<{ user: string; secret: string }>('POST', '/api/invitations', {
    user: 'kim@example.org',
  });
  const device = await WindowsDevice.create({ name, folder: join(folder, name), trust: [host.tlsRoot] });
  const { enrollmentId } = await device.enroll({ server: url.enroll, user, secret });
  return { device, id: enrollmentId };
}

test('the life of a PC needs no right that the templates do not give', async () => {
  await admin.call('POST', '/api/certificate-authority', {}, { 'x-functions-key': host.keys.master });
  await admin.call('PUT', '/api/settings', { organisation: 'Contoso' });
  const { device, id } = await newPc('PC-1');
  await device.sync();
  await admin.call('POST', `/api/devices/${id}/commands`, [
    { verb: 'Get', target: './DevDetail/SwV' },
    { verb: 'Replace', target: './Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana', data: '0', format: 'int' },
  ]);
  await admin.call('POST', `/api/devices/${id}/commands`, [
    { verb: 'Replace', target: './Device/Vendor/MSFT/Policy/Config/Experience/Hidden', data: 'x1y2', secret: true },
    { verb: 'Replace', target: LARGE, data: 'a'.repeat(20_000) },
    { verb: 'Get', target: LARGE },
  ]);
  await device.sync();
  expect(await admin.call('GET', `/api/devices/${id}/commands/000000000001`)).toMatchObject({ state: 'done' });
  expect(await admin.call('GET', `/api/devices/${id}/commands/000000000005`)).toMatchObject({ state: 'done' });
  // Too early by ten months: that is found out by reading the device, as a renewal that is granted does.
  await expect(device.renew()).rejects.toThrow(/NotEligibleToRenew/);
  // A wrong secret, and then the same PC set up anew: its old enrollment gives way, with a command that still waits.
  const machine = { ...device.machine };
  await admin.call('POST', `/api/devices/${id}/commands`, { verb: 'Get', target: './DevDetail/SwV' });
  const wrong = { server: url.enroll, user: 'kim@example.org', secret: 'AAAA-AAAA-AAAA-AAAA' };
  const fresh = await WindowsDevice.create({
    name: 'PC-1',
    folder: join(folder, 'new'),
    trust: [host.tlsRoot],
    machine,
  });
  await expect(fresh.enroll(wrong)).rejects.toThrow();
  const again = await admin.call<{ user: string; secret: string }>('POST', '/api/invitations', {
    user: 'kim@example.org',
  });
  const { enrollmentId } = await fresh.enroll({ server: url.enroll, user: again.user, secret: again.secret });
  expect(await admin.call('GET', `/api/devices/${id}`)).toMatchObject({ state: 'superseded' });
  await fresh.sync();
  await admin.call('POST', `/api/devices/${enrollmentId}/unenroll`, {});
  await fresh.sync();
  for (const timer of ['retention', 'silent-devices', 'expired-commands', 'expiring-certificates']) {
    const headers = { 'x-functions-key': host.keys.master, 'content-type': 'application/json' };
    const reply = await send(`${url.admin}/admin/functions/${timer}`, { body: '{}', headers, ca: host.tlsRoot });
    expect(reply.status).toBe(202);
  }
  await admin.call('GET', '/api/devices');
  expect(refused().map(named)).toEqual([]);
});

test('the proxy has seen all three apps, and what each of them does', () => {
  const seen = new Set(proxies.flatMap((proxy) => [...proxy.allowed]).map(named));
  expect(seen).toContain('enroll add devices');
  expect(seen).toContain('enroll read catalogue');
  expect(seen).toContain('enroll delete devicelist');
  expect(seen).toContain('manage update devices');
  expect(seen).toContain('manage delete devices');
  expect(seen).toContain('manage update results');
  expect(seen).toContain('manage read keys');
  expect(seen).toContain('admin update catalogue');
});

test('one right less is noticed', async () => {
  const { device, id } = await newPc('PC-2');
  await device.sync();
  const devices = rights[CLIENT_IDS.manage]?.['devices'] ?? new Set();
  rights[CLIENT_IDS.manage] = {
    ...rights[CLIENT_IDS.manage],
    devices: new Set([...devices].filter((verb) => verb !== 'delete')),
  };
  await admin.call('POST', `/api/devices/${id}/commands`, { verb: 'Get', target: './DevDetail/SwV' });
  await expect(device.sync()).rejects.toThrow();
  // By now the timers of the first test have run, too.
  expect(new Set(refused().map(named))).toEqual(new Set(['manage delete devices']));
});
