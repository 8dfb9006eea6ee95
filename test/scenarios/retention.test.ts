import { expect, test } from 'vitest';
import type { NetworkFaults } from '../../local/device/windows-device.ts';
import { JOURNAL_KEPT_DAYS } from '../../shared/enrollment/journal/journal.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

test('finished commands, their results, ended keys and old attempts go after their time; the device and what waits stay', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  const path = `/api/devices/${id}/commands`;
  await lanyard().post(path, { verb: 'Get', target: './DevDetail/SwV' }, { 'idempotency-key': 'k' });
  await device.sync();
  const waiting = await lanyard().queue(id, 'Replace', './User/Vendor/MSFT/Policy/Config/A/B', { data: '1' });
  const journalDay = lanyard().now().toISOString().slice(0, 10).replaceAll('-', '');
  const journal = lanyard().storage.table('journal');
  expect((await journal.page(journalDay)).rows).not.toEqual([]);

  const states = async () => (await lanyard().get(path)).items.map((item: { state: string }) => item.state);
  const keys = async () => (await lanyard().storage.table('devices').page(id, { from: '~idempotency|' })).rows.length;
  await lanyard().local.host.fireTimer('retention');
  expect([await states(), await keys()]).toEqual([['waiting', 'done'], 1]);

  lanyard().pass({ days: JOURNAL_KEPT_DAYS + 2 });
  await lanyard().local.host.fireTimer('retention');
  expect([await states(), await keys()]).toEqual([['waiting'], 0]);
  expect((await journal.page(journalDay)).rows).toEqual([]);
  expect(await lanyard().get(`${path}/${waiting}`)).toMatchObject({ state: 'waiting' });
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({ id, state: 'enrolled' });
});

test('commands that still wait for a device that has left are cancelled', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  const path = `/api/devices/${id}/commands`;
  const many = Array.from({ length: 50 }, () => ({ verb: 'Get', target: './DevDetail/SwV' }));
  for (let times = 0; times < 3; times += 1) await lanyard().post(path, many);
  await lanyard().post(`/api/devices/${id}/unenroll`);
  const waiting = await lanyard().get(`${path}/000000000001`);
  expect(waiting).toMatchObject({ state: 'waiting', waitingFor: 'unenroll' });
  await device.sync();
  await lanyard().local.host.fireTimer('retention');
  await lanyard().local.host.fireTimer('retention');
  const { items } = await lanyard().get(`${path}?limit=200`);
  expect(items).toHaveLength(150);
  expect(new Set(items.map(({ state }: { state: string }) => state))).toEqual(new Set(['cancelled']));
});

test('a command that was sent to a device which then left is unknown and not cancelled: it may have run', async () => {
  const network: NetworkFaults = {};
  const { device, id } = await lanyard().enrolledDevice({ network });
  await device.sync();
  const command = await lanyard().queue(id, 'Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
  network.requests = 0;
  network.cutOffBefore = [2];
  await expect(device.sync()).rejects.toThrow();
  // The last that is heard of it is an unenroll that time ends: the record is set as the sweep would leave it.
  const devices = lanyard().storage.table('devices');
  const row = (await devices.get<object>(id, '0device'))!;
  const value = { ...row.value, state: 'unenrolled' };
  await devices.write(id, [{ kind: 'replace', rowKey: '0device', value, etag: row.etag }]);
  const list = (await lanyard().storage.table('devicelist').get<object>('devices', id))!;
  const entry = { ...list.value, state: 'unenrolled' };
  await lanyard()
    .storage.table('devicelist')
    .write('devices', [{ kind: 'replace', rowKey: id, value: entry, etag: list.etag }]);
  await lanyard().local.host.fireTimer('retention');
  expect(await lanyard().get(`/api/devices/${id}/commands/${command}`)).toMatchObject({ state: 'unknown' });
});
