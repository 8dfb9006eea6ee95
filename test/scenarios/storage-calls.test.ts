import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { newMachine } from '../../local/device/machine.ts';
import type { DeviceOptions } from '../../local/device/windows-device.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

/** Counts what leaves for storage while `act` runs. */
async function callsOf(act: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => {
    calls.push(`${service} ${operation} ${name}`);
  });
  try {
    await act();
  } finally {
    observeStorage(undefined);
  }
  return calls;
}

test('a message is one query and one transaction; the first of a day two calls more', async () => {
  const { device } = await lanyard().enrolledDevice();
  const first = await callsOf(() => device.sync());
  // Facts are asked in the first message and answered in the second; both write, and a new name goes to the list.
  expect(first.filter((call) => call.startsWith('table query'))).toHaveLength(2);
  const quiet = await callsOf(() => device.sync());
  expect(quiet).toEqual(['table query devices', 'table replace devices']);

  lanyard().pass({ days: 1 });
  // The inventory is read once a week, and is messages like all others.
  const withInventory = await callsOf(() => device.sync());
  expect(withInventory.filter((call) => call === 'table query devices').length).toBeGreaterThan(3);
  expect(withInventory.filter((call) => call.startsWith('blob'))).toEqual([]);
  lanyard().pass({ days: 1 });
  await callsOf(() => lanyard().get('/api/settings'));
  const nextDay = await callsOf(() => device.sync());
  expect(nextDay.filter((call) => !call.endsWith('catalogue'))).toEqual([
    'table query devices',
    'table replace devices',
    'table get devicelist',
    'table replace devicelist',
  ]);
});

test('a message with work takes the same two calls, however many commands it carries', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  for (let index = 0; index < 20; index += 1) await lanyard().queue(id, 'Get', `./DevDetail/SwV`);
  const calls = await callsOf(() => device.sync());
  expect(calls).toEqual([
    'table query devices',
    'table transaction devices',
    'table query devices',
    'table transaction devices',
  ]);
});

test('a repeated message is one query and nothing is written', async () => {
  const network = { sendTwice: [1], requests: 0 };
  const { device } = await lanyard().enrolledDevice();
  await device.sync();
  const again = await lanyard().enrolledDevice({ network: {} });
  await again.device.sync();
  const twice = await callsOf(async () => {
    const report = await again.device.sync();
    expect(report.messages).toBe(1);
  });
  expect(twice).toHaveLength(2);
  expect(network.requests).toBe(0);
});

/** Every rule there is, each with something to look at. */
const EVERYTHING = {
  closedDomains: ['example.net'],
  closedMessage: 'Closed.',
  domains: ['example.org'],
  users: ['kim@example.org', 'full@example.org'],
  editions: [4],
  minimumVersion: '10.0.22000',
  devicesPerUser: 50,
  devicesInAll: 1_000,
};

async function switchOn(enrollment: object): Promise<void> {
  await lanyard().admin.call('PUT', '/api/refusals/serial/NOTTHISONE', { reason: 'for a test' });
  await lanyard().admin.call('PUT', '/api/settings', { enrollment });
}

/** Enrolls one more PC of this user. */
async function enroll(
  { user, secret }: { user: string; secret: string },
  machine: DeviceOptions['machine'] = {},
): Promise<string> {
  const device = await lanyard().newDevice({ machine });
  const { enrollmentId } = await device.enroll({ server: lanyard().local.enrollUrl, user, secret });
  return enrollmentId;
}

/** Reads and writes; what is read once a minute is not what an enrollment costs. */
const withoutCatalogue = (calls: string[]) =>
  calls
    .filter((call) => !call.endsWith('catalogue'))
    .map((call) => call.replace(/ (insert|upsert|replace|transaction) /, ' write '));

test.each([0, 40])(
  'an enrollment takes the same calls with %i devices more, eight by default and at most 16 with everything switched on',
  async (fleet) => {
    await lanyard().admin.call('PUT', '/api/settings', {});
    for (let index = 0; index < fleet; index += 1) await lanyard().enrolledDevice();
    const one = await lanyard().invite();
    expect(withoutCatalogue(await callsOf(() => enroll(one)))).toEqual([
      'table query invitations',
      'table write invitations',
      'table write devices',
      'table write devicelist',
      'table query devicelist',
      'table query devicelist',
      'table query devicelist',
      'table write journal',
    ]);

    const other = await lanyard().invite('full@example.org');
    await switchOn(EVERYTHING);
    const calls = await callsOf(() => enroll(other));
    expect(calls).toContain('table query catalogue');
    expect(calls.length).toBeLessThanOrEqual(16);
    expect(withoutCatalogue(calls)).toEqual([
      'table query invitations',
      'table get devicelist',
      'table write invitations',
      'table write devices',
      'table write devicelist',
      'table query devicelist',
      'table query devicelist',
      'table query devicelist',
      'table write journal',
    ]);
  },
  180_000,
);

test('an enrollment that first has to find a place takes at most 16 calls, and one that finds none fewer', async () => {
  await lanyard().admin.call('PUT', '/api/settings', {});
  const invitation = await lanyard().invite('places@example.org', { maxDevices: 9 });
  const ids: string[] = [];
  for (let index = 0; index < 6; index += 1) ids.push(await enroll(invitation));
  await switchOn({ ...EVERYTHING, users: [], devicesPerUser: 6 });
  const refused = await callsOf(() => expect(enroll(invitation)).rejects.toMatchObject({ hresult: '0x80180013' }));
  expect(refused.filter((call) => call === 'table get devices')).toHaveLength(4);
  expect(refused.length).toBeLessThan(16);
  await lanyard().post(`/api/devices/${ids[0]}/block`, { reason: 'stolen' });
  const calls = await callsOf(() => enroll(invitation));
  expect(calls.filter((call) => call === 'table get devices')).toHaveLength(4);
  expect(calls.length).toBeLessThanOrEqual(16);
  await lanyard().admin.call('PUT', '/api/settings', {});
}, 180_000);

describe('with everything at once: copies of a disk, a refusal, both limits', () => {
  const copy = { hwDevId: 'CD'.repeat(32) };
  let invitation: Awaited<ReturnType<ReturnType<typeof lanyard>['invite']>>;
  const ids: string[] = [];

  beforeAll(async () => {
    await lanyard().admin.call('PUT', '/api/settings', {});
    invitation = await lanyard().invite('copies@example.org', { maxDevices: 20 });
    for (let index = 0; index < 6; index += 1) ids.push(await enroll(invitation, copy));
    await switchOn({ ...EVERYTHING, users: [], devicesPerUser: 6 });
  }, 60_000);
  afterAll(() => lanyard().admin.call('PUT', '/api/settings', {}));

  test('an enrollment for which a place is found takes at most 16 calls, and what it left is done within the hour', async () => {
    await lanyard().post(`/api/devices/${ids[0]}/block`, { reason: 'stolen' });
    const calls = await callsOf(() => enroll(invitation, copy).then((id) => ids.push(id)));
    expect(calls.filter((call) => call === 'table get devices').length).toBeGreaterThanOrEqual(4);
    expect(calls.length).toBeLessThanOrEqual(16);
    await lanyard().local.host.fireTimer('device-counts');
    const { flags } = await lanyard().get(`/api/devices/${ids.at(-1)}`);
    const others = flags.map(({ kind, other }: { kind: string; other: string }) => [kind, other]);
    expect(others).toEqual(expect.arrayContaining(ids.slice(1, -1).map((id) => ['sharedHardwareId', id])));
  });

  test('so does a second try of a PC that never called', async () => {
    await switchOn({ ...EVERYTHING, users: [], devicesPerUser: 50 });
    const machine = { ...copy, deviceId: 'AB'.repeat(16), serialNumber: 'PF-COUNTED' };
    await enroll(invitation, machine);
    const calls = await callsOf(() => enroll(invitation, machine));
    expect(calls.length).toBeLessThanOrEqual(16);
  });

  test('so does one that comes back', async () => {
    const { serialNumber, deviceId } = newMachine('PC-BACK');
    const back = { ...copy, serialNumber, deviceId };
    for (let round = 0; round < 2; round += 1) {
      const { device } = await lanyard().enrolledDevice({ machine: back });
      await device.sync();
      lanyard().pass({ minutes: 1 });
    }
    const one = await lanyard().invite();
    const calls = await callsOf(() => enroll(one, back));
    expect(calls.length).toBeLessThanOrEqual(16);
    const { items } = await lanyard().get('/api/devices?limit=1000');
    const states = items
      .filter(({ user }: { user: string }) => user === one.user)
      .map(({ state }: { state: string }) => state);
    expect(states.filter((state: string) => state === 'superseded').length).toBeGreaterThanOrEqual(2);
  });
});
