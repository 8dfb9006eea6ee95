import { expect, test } from 'vitest';
import { DEVICE_ROW, type Device, type ProfileProblem } from '../../../shared/devices/device.ts';
import { LIST_PARTITION, listEntry } from '../../../shared/devices/device-list.ts';
import { type FailingOptions, listFailing } from '../../../shared/profiles/failing-devices.ts';
import { PROFILES_OF_DEVICE_ROW, type SettingState } from '../../../shared/profiles/setting-state.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';
import { POLICY, profile, setting } from '../../support/profiles.ts';

const NOW = new Date('2026-03-21T08:00:00.000Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();
const A = setting(POLICY('A'), '1', 'int');
const B = setting(POLICY('B'), '1', 'int');
const PROFILE = profile('p', [A, B]);

interface Known {
  problem?: ProfileProblem;
  device?: Partial<Device>;
  settings?: SettingState[];
}

/** A fleet of which each device is named by what is wrong with it. */
async function fleet(devices: Record<string, Known>): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const [name, { problem, device, settings = [] }] of Object.entries(devices)) {
    const value = enrolledDevice({ id: name, name, ...(problem && { profileProblems: { p: problem } }), ...device });
    const list = listEntry(value, '2026-03-20');
    await storage.table('devicelist').write(LIST_PARTITION, [{ kind: 'insert', rowKey: name, value: list }]);
    const states = Object.fromEntries(settings.map((state) => [setting(state.target, '').node, state]));
    await storage.table('devices').write(name, [
      { kind: 'insert', rowKey: DEVICE_ROW, value },
      { kind: 'insert', rowKey: PROFILES_OF_DEVICE_ROW, value: { settings: states } },
    ]);
  }
  return storage;
}

const failed = (days: number): ProfileProblem => ({ state: 'failed', since: daysAgo(days) });
const undone = (days: number, count: number, target = A.target): ProfileProblem => {
  const since = daysAgo(days);
  return { state: 'undone', since, drifts: { target, count, since } };
};
const FLEET: Record<string, Known> = {
  conflict: { problem: { state: 'conflict', since: daysAgo(30) } },
  'failed-long': { problem: failed(8) },
  'failed-today': { problem: failed(0) },
  fine: {},
  'not-applicable': { problem: { state: 'notApplicable', since: daysAgo(30) } },
  'undone-and-failed': { problem: { ...failed(1), drifts: { target: B.target, count: 30, since: daysAgo(30) } } },
  'undone-daily': { problem: undone(20, 20) },
  'undone-lately': { problem: undone(2, 3) },
};

const found = async (storage: MemoryStorage, options: Partial<FailingOptions> = {}) =>
  (await listFailing(storage, PROFILE, { limit: 100, now: NOW, profiles: [PROFILE], ...options })).items.map(
    ({ name }) => name,
  );

test('all devices on which a profile does not hold are listed', async () => {
  expect(await found(await fleet(FLEET))).toEqual(Object.keys(FLEET).filter((name) => name !== 'fine'));
});

test('of those that have failed for days no others are listed, however long they are in conflict', async () => {
  const storage = await fleet(FLEET);
  expect(await found(storage, { failedForDays: 7 })).toEqual(['failed-long']);
  expect(await found(storage, { failedForDays: 0 })).toEqual(['failed-long', 'failed-today', 'undone-and-failed']);
});

test('those on which a setting is undone again and again are found by how long that goes on', async () => {
  const storage = await fleet(FLEET);
  expect(await found(storage, { undoneForDays: 20 })).toEqual(['undone-and-failed', 'undone-daily']);
  expect(await found(storage, { undoneForDays: 1 })).toEqual(['undone-and-failed', 'undone-daily', 'undone-lately']);
});

test('a device that is managed no more is none of them', async () => {
  const gone = (state: Device['state']) => ({ problem: failed(9), device: { state } });
  expect(await found(await fleet({ a: gone('unenrolled'), b: gone('blocked'), c: gone('enrolled') }))).toEqual(['c']);
});

test('a page ends where there are enough, and goes on from there', async () => {
  const storage = await fleet(FLEET);
  const first = await listFailing(storage, PROFILE, { limit: 2, now: NOW, profiles: [PROFILE] });
  expect(first.items.map(({ name }) => name)).toEqual(['conflict', 'failed-long']);
  expect(await found(storage, { cursor: first.next! })).toEqual(
    Object.keys(FLEET).filter((n) => n > 'failed-long' && n !== 'fine'),
  );
});

const ATTEMPT = { hash: B.hash, verb: 'Replace', at: daysAgo(9), session: 's', sends: 1 } as const;
const refusing = (target: string, days: number): SettingState => ({
  target,
  attempt: { ...ATTEMPT, status: 500, failures: 4, since: daysAgo(days), retryAt: daysAgo(-1) },
});
const drifting = (target: string, days: number): SettingState => ({
  target,
  set: A.hash,
  drifts: days,
  driftSince: daysAgo(days),
  driftAt: daysAgo(0),
});

/** The profile has the same problem on all of these; the setting that it comes from is in the record of each. */
const BY_SETTING: Record<string, Known> = {
  'a-and-b-refused': { problem: failed(9), settings: [refusing(A.target, 9), refusing(B.target, 2)] },
  'a-refused': { problem: failed(9), settings: [refusing(A.target, 9), { target: B.target, set: B.hash }] },
  'b-refused': { problem: failed(9), settings: [{ target: A.target, set: A.hash }, refusing(B.target, 9)] },
  'b-undone': {
    problem: undone(20, 20, B.target),
    settings: [{ target: A.target, set: A.hash }, drifting(B.target, 20)],
  },
};

test('one setting of a profile can be asked for, however it is written', async () => {
  const storage = await fleet(BY_SETTING);
  expect(await found(storage, { target: A.target })).toEqual(['a-and-b-refused', 'a-refused']);
  const written = B.target.replace('./Device/', './').toLowerCase();
  expect(await found(storage, { target: written })).toEqual(['a-and-b-refused', 'b-refused', 'b-undone']);
  expect(await found(storage, { target: B.target, failedForDays: 7 })).toEqual(['b-refused']);
  expect(await found(storage, { target: B.target, undoneForDays: 20 })).toEqual(['b-undone']);
  const { items } = await listFailing(storage, PROFILE, { limit: 9, now: NOW, profiles: [PROFILE], target: B.target });
  expect(items[0]?.problem).toEqual({ state: 'failed', since: daysAgo(2) });
  expect(items[2]?.problem.drifts).toEqual({ target: B.target, count: 20, since: daysAgo(20) });
});

test('one that the profile does not have is a mistake of the caller', async () => {
  const asked = listFailing(new MemoryStorage(), PROFILE, { limit: 9, now: NOW, profiles: [], target: POLICY('C') });
  await expect(asked).rejects.toMatchObject({ status: 400 });
});

test('a question for one setting opens the devices with a problem alone, and so many of them in a call', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 130 }, (_, n) => [String(n).padStart(3, '0'), BY_SETTING['a-refused']!]),
  );
  const storage = await fleet({ ...many, zfine: {} });
  storage.calls.length = 0;
  const options = { limit: 1_000, now: NOW, profiles: [PROFILE], target: A.target };
  const first = await listFailing(storage, PROFILE, options);
  expect(first.items).toHaveLength(100);
  expect(storage.calls).toHaveLength(101);
  const rest = await listFailing(storage, PROFILE, { ...options, cursor: first.next! });
  expect(rest.items).toHaveLength(30);
  expect(rest.next).toBeUndefined();
});
