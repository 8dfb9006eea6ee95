import { strFromU8, unzipSync } from 'fflate';
import { beforeAll, describe, expect, test } from 'vitest';
import type { WindowsDevice } from '../../local/device/windows-device.ts';
import { COLLECTED } from '../../shared/actions/log-collection.ts';
import { logContainer } from '../../shared/actions/uploaded-logs.ts';
import { UploadContainers } from '../../shared/storage/upload-container.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();
const TARGET = './Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition';
const RESULTS = './Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveResults';

const collect = (id: string, headers: Record<string, string> = {}) =>
  lanyard().post(`/api/devices/${id}/actions/collect-logs`, {}, headers);
const logsOf = async (id: string) => (await lanyard().get(`/api/devices/${id}/logs`)).items;

describe('the logs of a device that was asked for them', () => {
  let device: WindowsDevice;
  let id: string;
  /** Everything that an administrator or a log was shown. */
  const shown: unknown[] = [];

  beforeAll(async () => {
    ({ device, id } = await lanyard().enrolledDevice({ name: 'LOGS-1' }));
    await device.sync();
    shown.push(await lanyard().post(`/api/devices/${id}/trace`, { hours: 1 }));
    const done = await collect(id);
    shown.push(done, await lanyard().get(`/api/devices/${id}/commands/${done.items[0].id}`));
    expect(await logsOf(id)).toEqual([]);
  });

  test('are uploaded after the session, once', async () => {
    const { commandsRun, archive } = await device.sync();
    expect(commandsRun).toContainEqual({ verb: 'Exec', target: TARGET, status: 200 });
    expect(archive).toMatchObject({
      status: 201,
      uploaded: true,
      name: expect.stringMatching(/^DiagLogs-LOGS-1-\d{8}T\d{6}Z\.zip$/),
    });
    expect((await device.sync()).archive).toBeUndefined();
  });

  test('are listed with name, size and time, and read through a link that is good for 15 minutes', async () => {
    const [log, ...others] = await logsOf(id);
    expect(others).toEqual([]);
    expect(log).toMatchObject({ name: expect.stringMatching(/^DiagLogs-LOGS-1-/), size: expect.any(Number) });
    const before = lanyard().now();
    const link = await lanyard().post(`/api/devices/${id}/logs/${log.file}`);
    const left = Date.parse(link.expiresAt) - before.getTime();
    expect(left).toBeGreaterThan(14 * 60_000);
    expect(left).toBeLessThan(16 * 60_000);
    const zip = new Uint8Array(await (await fetch(link.url)).arrayBuffer());
    expect(zip).toHaveLength(log.size);
    const results = strFromU8(unzipSync(zip)['results.xml'] as Uint8Array);
    for (const event of COLLECTED.Events) expect(results).toContain(`<Events HRESULT="0">${event}</Events>`);
    expect((await fetch(link.url, { method: 'DELETE' })).status).toBe(403);
    const { items } = await lanyard().get('/api/audit');
    expect(items[0]).toMatchObject({ act: 'log link', subject: id, outcome: expect.stringContaining(log.name) });
    shown.push(items);
  });

  test('are told of by the device when it is asked what became of them', async () => {
    const command = await lanyard().queue(id, 'Get', RESULTS);
    await device.sync();
    const { results } = await lanyard().get(`/api/devices/${id}/commands/${command}`);
    expect(results[0].data).toContain('<Collection HRESULT="0">');
    shown.push(results);
  });

  test('leave the address nowhere where anybody could read it: not in views, traces, logs or the audit', async () => {
    const trace = await lanyard().get(`/api/devices/${id}/trace`);
    const messages = trace.items.map(({ n }: { n: string }) => lanyard().get(`/api/devices/${id}/trace/${n}`));
    shown.push(trace, await Promise.all(messages), await lanyard().get(`/api/devices/${id}/commands`));
    shown.push(await lanyard().get(`/api/devices/${id}`), lanyard().logs);
    const whole = JSON.stringify(shown);
    expect(whole).toContain('ArchiveDefinition');
    expect(whole).not.toMatch(/sig=|SasUrl|sp=aw/);
  });

  test('leave the address not even in storage when the command has ended', async () => {
    const rows = await lanyard().storage.table('devices').page<object>(id, { limit: 1_000 });
    const whole = JSON.stringify(rows);
    expect(whole).toContain('ArchiveDefinition');
    expect(whole).not.toMatch(/sealed|sig=/);
  });

  test('are of that device alone', async () => {
    const [log] = await logsOf(id);
    const other = await lanyard().enrolledDevice();
    expect(await logsOf(other.id)).toEqual([]);
    await expect(lanyard().post(`/api/devices/${other.id}/logs/${log.file}`)).rejects.toMatchObject({ status: 404 });
    const unknown = '/api/devices/00000000-0000-4000-8000-000000000000/logs';
    await expect(lanyard().get(unknown)).rejects.toMatchObject({ status: 404 });
  });
});

test('a device is asked for its logs as often as one likes, and each time is listed', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const names: (string | undefined)[] = [];
  for (const _ of [1, 2]) {
    lanyard().pass({ minutes: 1 });
    await collect(id);
    names.unshift((await device.sync()).archive?.name);
  }
  const listed = (await logsOf(id)).map(({ name }: { name: string }) => name);
  expect(listed.toSorted()).toEqual(names.toSorted());
});

test('asking twice under one key collects once', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const key = { 'Idempotency-Key': 'logs-once' };
  const first = await collect(id, key);
  expect(await collect(id, key)).toEqual(first);
  expect((await device.sync()).archive?.uploaded).toBe(true);
  expect(await logsOf(id)).toHaveLength(1);
});

test('the command ends before the signature does: a device that calls after a week is not asked any more', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const { items } = await collect(id);
  const days = (Date.parse(items[0].expiresAt) - lanyard().now().getTime()) / 86_400_000;
  expect(days).toBeGreaterThan(6.9);
  expect(days).toBeLessThan(7 - 15 / 1_440);
  lanyard().pass({ days: 7 });
  const { archive, commandsRun } = await device.sync();
  expect(archive).toBeUndefined();
  expect(commandsRun.map(({ target }) => target)).not.toContain(TARGET);
});

test('a signature that is over or was changed lets the device upload nothing, and the device says so when asked', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const uploads = new UploadContainers({ blobs: lanyard().local.storage });
  const real = Date.now();
  const container = logContainer(id, 'by hand');
  const { url: over } = await uploads.openForUpload(container, new Date(real - 8 * 86_400_000));
  const { url: good } = await uploads.openForUpload(container, new Date(real));
  for (const [n, url] of [over, good.replace('sp=aw', 'sp=racw')].entries()) {
    const definition = `<Collection><ID>a-${n}</ID><SasUrl><![CDATA[${url}]]></SasUrl><Events>System</Events></Collection>`;
    await lanyard().queue(id, 'Exec', TARGET, { data: definition, format: 'chr' });
    expect((await device.sync()).archive).toMatchObject({ status: 403, uploaded: false });
  }
  expect(await logsOf(id)).toEqual([]);
  const command = await lanyard().queue(id, 'Get', RESULTS);
  await device.sync();
  const { results } = await lanyard().get(`/api/devices/${id}/commands/${command}`);
  expect(results[0].data).toContain('<Collection HRESULT="-2147024891">');
});

test('a Windows that cannot collect logs is not asked to', async () => {
  const { device, id } = await lanyard().enrolledDevice({ machine: { osVersion: '10.0.17763.1' } });
  await device.sync();
  await expect(collect(id)).rejects.toMatchObject({ status: 409, message: expect.stringContaining('1903') });
});
