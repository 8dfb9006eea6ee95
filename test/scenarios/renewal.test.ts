import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type DeviceError, type DeviceOptions, WindowsDevice } from '../../local/device/windows-device.ts';
import type { Device } from '../../shared/devices/device.ts';
import { useLanyard } from '../support/lanyard.ts';
import { send, tokenRequest } from '../support/wire.ts';

const lanyard = useLanyard();

const RENEW_NOW = './Device/Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RenewNow';
const NOT_ELIGIBLE = '0x80180016';

async function record(id: string): Promise<Device> {
  return (await lanyard().storage.table('devices').get<Device>(id, '0device'))!.value;
}

/** Changes what no API changes. */
async function change(id: string, part: Partial<Device>): Promise<void> {
  const table = lanyard().storage.table('devices');
  const row = (await table.get<Device>(id, '0device'))!;
  await table.write(id, [{ kind: 'replace', rowKey: '0device', value: { ...row.value, ...part }, etag: row.etag }]);
}

/** What the journal has of an attempt. */
async function journalled(traceId: string): Promise<{ outcome: string; cause?: string } | undefined> {
  const day = traceId.slice(0, 8);
  const { rows } = await lanyard().storage.table('journal').page<{ traceId: string; outcome: string }>(day);
  return rows.map(({ value }) => value).find((entry) => entry.traceId === traceId);
}

/** The device tries to renew and is refused. @returns the cause that the journal has */
async function causeOf(device: WindowsDevice): Promise<string | undefined> {
  const error = await device.renew().then(
    () => expect.fail('it was renewed'),
    (refused: DeviceError) => refused,
  );
  expect(error).toMatchObject({ hresult: NOT_ELIGIBLE });
  const entry = await journalled(error.traceId!);
  expect(entry?.outcome).toBe('refused');
  return entry?.cause;
}

interface Enrolled {
  device: WindowsDevice;
  id: string;
}

/** Each enrolls from an address of its own: refused attempts of one address are kept up to a number. */
async function enrolled(name: string, options: Partial<DeviceOptions> = {}): Promise<Enrolled> {
  addresses += 1;
  return lanyard().enrolledDevice({ name, localAddress: `127.41.0.${addresses}`, ...options });
}
let addresses = 0;

describe('RenewNow', () => {
  test('sent by the administrator renews a certificate that has long to go, once', async () => {
    const { device, id } = await enrolled('PC-NOW');
    expect(await causeOf(device)).toBe('renewalTooEarly');

    lanyard().pass({ minutes: 1 });
    const command = await lanyard().queue(id, 'Exec', RENEW_NOW);
    expect((await device.sync()).renewal).toMatchObject({ renewed: true });
    await device.sync();
    expect(await lanyard().get(`/api/devices/${id}/commands/${command}`)).toMatchObject({ state: 'done' });
    expect(device.valueOf('./Vendor/MSFT/CertificateStore/My/WSTEP/Renew/Status')).toBe('2');
    expect((await lanyard().get(`/api/devices/${id}`)).renewals).toHaveLength(1);

    lanyard().pass({ hours: 1 });
    expect(await causeOf(device)).toBe('renewalTooEarly');
    expect(device.valueOf('./Vendor/MSFT/CertificateStore/My/WSTEP/Renew/Status')).toBe('3');
  });
});

/** A year in one go: the certificate authority of a test lives five. */
describe('fifty days before the end of its certificate', () => {
  const network = { requests: 0, loseReplyOf: [] as number[], powerCutAfter: [] as number[] };
  const pcs: Record<string, Enrolled> = {};

  beforeAll(async () => {
    for (const name of ['PC-SELF', 'PC-LEAVES', 'PC-STATE', 'PC-NONE', 'PC-FULL', 'PC-NAT', 'PC-LATE']) {
      pcs[name] = await enrolled(name);
    }
    pcs['PC-LOST'] = await enrolled('PC-LOST', { network });
    pcs['PC-CUT'] = await enrolled('PC-CUT', { network });
    await pcs['PC-SELF']?.device.sync();
    lanyard().pass({ days: 315 });
  });

  test('a device renews by itself when it calls, and the new one opens the next sessions', async () => {
    const { device, id } = pcs['PC-SELF']!;
    const before = await lanyard().get(`/api/devices/${id}`);
    const report = await device.sync();
    expect(report.renewal).toMatchObject({ renewed: true });
    expect(report.exchanged.map(({ step }) => step).slice(0, 3)).toEqual(['discover', 'policies', 'token']);

    const shown = await lanyard().get(`/api/devices/${id}`);
    expect(Date.parse(shown.certificateEnd)).toBeGreaterThan(Date.parse(before.certificateEnd) + 300 * 86_400_000);
    expect(shown.certificates).toHaveLength(2);
    expect(shown.certificates[0]).toEqual(before.certificates[0]);
    const { thumbprint } = shown.certificates[1];
    expect(shown.renewals).toMatchObject([{ at: lanyard().now().toISOString(), thumbprint }]);
    expect(await journalled(shown.renewals[0].traceId)).toMatchObject({ outcome: 'renewed', enrollmentId: id });
    const { items } = await lanyard().get('/api/devices?limit=1000');
    expect(items.find((item: { id: string }) => item.id === id).certificateEnd).toBe(shown.certificateEnd);
    const { certificates } = await record(id);
    const subjects = certificates.map(({ der }) => new X509Certificate(Buffer.from(der, 'base64')).subject);
    expect(subjects).toEqual([`CN=${id}`, `CN=${id}`]);
  });

  test('a device that is to leave can renew, for it must be able to call', async () => {
    const { device, id } = pcs['PC-LEAVES']!;
    await change(id, { state: 'unenrolling' });
    await expect(device.renew()).resolves.toMatchObject({ renewed: true });
  });

  test('a lost reply is repeated with the same certificate', async () => {
    const { device, id } = pcs['PC-LOST']!;
    Object.assign(network, { requests: 0, loseReplyOf: [3] });
    await device.renew();
    expect(network.requests).toBe(4);
    expect((await record(id)).certificates).toHaveLength(2);
    expect((await record(id)).renewals).toHaveLength(1);
    await device.sync();
  });

  test('a reply that never comes loses nothing: the old certificate is good, and the next try makes another', async () => {
    const { device, id } = pcs['PC-CUT']!;
    Object.assign(network, { requests: 0, loseReplyOf: [], powerCutAfter: [3] });
    await expect(device.renew()).rejects.toThrow('power was cut');
    network.powerCutAfter = [];
    expect((await record(id)).certificates).toHaveLength(2);

    expect((await device.sync()).renewal).toMatchObject({ renewed: true });
    const { certificates } = await record(id);
    expect(new Set(certificates.map(({ publicKeyHash }) => publicKeyHash)).size).toBe(3);
  });

  test.each([
    ['blocked', 'renewalBlocked'],
    ['unenrolled', 'renewalLeft'],
    ['superseded', 'renewalLeft'],
    ['wiped', 'renewalLeft'],
  ] as const)('a device that is %s is refused', async (state, cause) => {
    const { device, id } = pcs['PC-STATE']!;
    await change(id, { state });
    expect(await causeOf(device)).toBe(cause);
    expect((await record(id)).certificates).toHaveLength(1);
  });

  test('a certificate that is none of its enrollment any more is refused', async () => {
    const { device, id } = pcs['PC-NONE']!;
    await change(id, { certificates: [] });
    expect(await causeOf(device)).toBe('renewalForeign');
  });

  test('wrong secrets from the address of a device do not keep it from renewing', async () => {
    const localAddress = '127.41.1.1';
    const { enrollUrl, tlsRoot } = lanyard().local;
    const body = tokenRequest({ user: 'kim@example.org', secret: 'AAAA-AAAA-AAAA-AAAA' });
    const guess = () => send(`${enrollUrl}/EnrollmentServer/Enrollment.svc`, { body, ca: tlsRoot, localAddress });
    for (let n = 0; n < 20; n += 1) await guess();
    expect((await guess()).status).toBe(429);
    const own = pcs['PC-NAT']!;
    const folder = join(lanyard().folder, 'devices');
    const name = (await readdir(folder)).find((entry) => entry.endsWith('-PC-NAT'))!;
    const trust = [lanyard().local.tlsRoot];
    const options = { folder: join(folder, name), trust, now: () => lanyard().now(), localAddress };
    const moved = await WindowsDevice.open(options);
    await expect(moved.renew()).resolves.toMatchObject({ renewed: true });
    expect((await record(own.id)).renewals).toHaveLength(1);
  });

  test('a device that cannot renew holds its sessions all the same and tries again after four days', async () => {
    const { device, id } = pcs['PC-FULL']!;
    const { certificates } = await record(id);
    await change(id, { certificates: Array.from({ length: 20 }, () => certificates[0]!) });
    const first = await device.sync();
    expect(first.renewal).toMatchObject({ renewed: false, error: { hresult: NOT_ELIGIBLE } });
    expect(first.messages).toBeGreaterThan(0);
    await change(id, { certificates });
    lanyard().pass({ days: 1 });
    expect((await device.sync()).renewal).toBeUndefined();
    lanyard().pass({ days: 4 });
    expect((await device.sync()).renewal).toMatchObject({ renewed: true });
  });

  test('a device that did not renew is listed, and a warning is written every day', async () => {
    lanyard().pass({ days: 20 });
    const { id } = pcs['PC-LATE']!;
    const ids = async (days: number) =>
      (await lanyard().get(`/api/devices?expiring=${days}`)).items.map((item: { id: string }) => item.id);
    expect(await ids(30)).toContain(id);
    expect(await ids(5)).not.toContain(id);
    expect(await ids(30)).not.toContain(pcs['PC-SELF']!.id);
    await expect(lanyard().get('/api/devices?expiring=soon')).rejects.toThrow('expiring: must be a number');

    await lanyard().local.host.fireTimer('expiring-certificates');
    const warning = lanyard().logs.findLast((line) => line.includes('Certificates end soon and were not renewed'));
    expect(warning).toContain(id);
  });

  test('and past the end neither the device asks nor the server gives', async () => {
    lanyard().pass({ days: 40 });
    const { device, id } = pcs['PC-LATE']!;
    await expect(device.renew()).rejects.toMatchObject({ hresult: NOT_ELIGIBLE, step: 'renewal', traceId: undefined });
    await expect(device.sync()).rejects.toMatchObject({ step: 'session' });
    expect((await record(id)).certificates).toHaveLength(1);
    expect((await lanyard().get(`/api/devices/${id}`)).certificateExpired).toBe(true);
    // The one that renewed goes on, and does so with its new certificate alone.
    expect((await pcs['PC-SELF']!.device.sync()).messages).toBeGreaterThan(0);
  });
});
