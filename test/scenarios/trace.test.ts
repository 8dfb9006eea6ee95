import { expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { pruneTraces } from '../../shared/trace/trace.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

async function callsOf(act: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => {
    calls.push(`${service} ${operation} ${name}`);
  });
  await act().finally(() => observeStorage(undefined));
  return calls;
}

test('the messages of a traced device can be read in words and without secrets', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  const on = await lanyard().post(`/api/devices/${id}/trace`, { hours: 2 });
  expect(on.trace).toMatchObject({ on: true });
  await lanyard().queue(id, 'Get', './DevDetail/Nope');
  await lanyard().queue(id, 'Add', './Vendor/MSFT/Accounts/Users/helper/Password', { data: 'correct horse 9' });
  await lanyard().queue(id, 'Replace', './DevDetail/Ext/Microsoft/DNSComputerName', {
    data: 'MARKED-NAME',
    secret: true,
  });
  await device.sync();

  const first = await lanyard().get(`/api/devices/${id}/trace?limit=1`);
  expect(first.trace).toMatchObject({ on: true, by: expect.any(String) });
  expect(first.items[0]).toMatchObject({ msgId: '1', device: expect.stringContaining('opens a session by itself') });
  const rest = await lanyard().get(`/api/devices/${id}/trace?cursor=${encodeURIComponent(first.next)}`);
  expect(rest.items).toHaveLength(1);
  const shown = await Promise.all(
    [...first.items, ...rest.items].map(({ n }) => lanyard().get(`/api/devices/${id}/trace/${n}`)),
  );
  const words = shown.flatMap(({ messages }) => messages.flatMap((each: { words: string[] }) => each.words));
  expect(words).toContain('The server asks for ./DevDetail/Nope.');
  expect(words).toContain('The server adds ./Vendor/MSFT/Accounts/Users/helper/Password = *** (not shown in traces).');
  expect(words.some((each) => each.includes('The device has no such node'))).toBe(true);
  const whole = JSON.stringify([first, rest, shown]);
  for (const secret of ['correct horse', 'MARKED-NAME', device.machine.deviceId]) expect(whole).not.toContain(secret);
  expect(whole).toContain('<Cmd>Get</Cmd>');
});

test('a traced message takes one call more, one of another device none', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  const quiet = ['table query devices', 'table replace devices'];
  expect(await callsOf(() => device.sync())).toEqual(quiet);
  await lanyard().post(`/api/devices/${id}/trace`, { hours: 1 });
  expect(await callsOf(() => device.sync())).toEqual([...quiet, 'blob write traces']);
  await lanyard().admin.call('DELETE', `/api/devices/${id}/trace`);
  expect(await callsOf(() => device.sync())).toEqual(quiet);
  expect((await lanyard().get(`/api/devices/${id}/trace`)).items).toHaveLength(1);
});

test('a trace that cannot be kept costs no message', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await lanyard().post(`/api/devices/${id}/trace`, { hours: 1 });
  observeStorage(({ name }) => {
    if (name === 'traces') throw new Error('no traces today');
  });
  await expect(device.sync()).resolves.toMatchObject({ messages: expect.any(Number) });
  observeStorage(undefined);
  expect((await lanyard().get(`/api/devices/${id}/trace`)).items).toEqual([]);
});

test('a trace ends by itself, and what it kept goes after seven days', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await lanyard().post(`/api/devices/${id}/trace`, { hours: 1 });
  await device.sync();
  const kept = (await lanyard().get(`/api/devices/${id}/trace`)).items;
  expect(kept.length).toBeGreaterThan(1);
  lanyard().pass({ hours: 2 });
  await device.sync();
  const after = await lanyard().get(`/api/devices/${id}/trace`);
  expect(after).toMatchObject({ trace: { on: false }, items: { length: kept.length } });

  lanyard().pass({ days: 6 });
  await pruneTraces(lanyard().storage, lanyard().now());
  expect((await lanyard().get(`/api/devices/${id}/trace`)).items).toHaveLength(kept.length);
  lanyard().pass({ days: 1 });
  expect(await pruneTraces(lanyard().storage, lanyard().now())).toBeGreaterThanOrEqual(kept.length);
  expect((await lanyard().get(`/api/devices/${id}/trace`)).items).toEqual([]);
  await expect(lanyard().get(`/api/devices/${id}/trace/${kept[0].n}`)).rejects.toMatchObject({ status: 404 });
});

test('hours that are none, a device that is none and a message that is none are refused', async () => {
  const { id } = await lanyard().enrolledDevice();
  for (const hours of [0, 73, 1.5, '2']) {
    await expect(lanyard().post(`/api/devices/${id}/trace`, { hours })).rejects.toMatchObject({ status: 400 });
  }
  const nobody = '/api/devices/00000000-0000-4000-8000-000000000000/trace';
  await expect(lanyard().post(nobody, { hours: 1 })).rejects.toMatchObject({ status: 404 });
  await expect(lanyard().get(nobody)).rejects.toMatchObject({ status: 404 });
  await expect(lanyard().get(`/api/devices/${id}/trace/..%2F${id}`)).rejects.toMatchObject({ status: 404 });
});
