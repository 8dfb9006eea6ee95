import { type DeviceListEntry, eachListed, LIST_PARTITION } from '../../devices/device-list.ts';
import type { Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Change, tryWrite } from '../../storage/tables.ts';
import { PLACES_ROW, type Places, partitionOfUser } from '../grants.ts';
import { COUNT_ROW, type DeviceCount, isCounted, type Limits, placesThatEnded } from './limits.ts';

/** Makes true again what enrollments count by the way: devices leave without telling the counts. */

/** Enrollments that change the count while it is taken begin it anew, so often. */
const MAX_ATTEMPTS = 3;
const PARALLEL_USERS = 8;

/** What was found; `devices` is absent where nothing limits their number. */
export interface Counted {
  devices?: number;
  /** Places of users that were freed. */
  freed: number;
}

/**
 * Counts all devices, and frees the places of those that have left, where there are limits: one that comes back to a place
 * counts as having been there all the time. A call for each thousand devices, and two for each user of whom a device has left.
 */
export async function countDevices(storage: Storage, limits: Limits, now: Date): Promise<Counted> {
  if (limits.devicesInAll === null && limits.devicesPerUser === null) return { freed: 0 };
  const { devices, usersWithLeft } = await countAll(storage, limits.devicesInAll !== null);
  const users = [...usersWithLeft.entries()];
  let freed = 0;
  for (let begin = 0; begin < users.length; begin += PARALLEL_USERS) {
    const some = users.slice(begin, begin + PARALLEL_USERS);
    const counts = await Promise.all(some.map(([user, left]) => freePlaces(storage, user, left, now)));
    freed += counts.reduce((sum, count) => sum + count, 0);
  }
  return limits.devicesInAll === null ? { freed } : { devices, freed };
}

async function countAll(storage: Storage, keeps: boolean) {
  const table = storage.table('devicelist');
  for (let attempt = 1; ; attempt += 1) {
    const row = keeps ? await table.get<DeviceCount>(LIST_PARTITION, COUNT_ROW) : undefined;
    const counted = await countListed(storage);
    if (!keeps || attempt === MAX_ATTEMPTS || (await writeCount(storage, row, counted.devices))) return counted;
  }
}

async function countListed(storage: Storage) {
  let devices = 0;
  const usersWithLeft = new Map<string, Set<string>>();
  for await (const entry of eachListed(storage)) {
    if (isCounted(entry)) devices += 1;
    else noteLeft(usersWithLeft, entry);
  }
  return { devices, usersWithLeft };
}

function noteLeft(users: Map<string, Set<string>>, { id, user }: DeviceListEntry): void {
  const left = users.get(user) ?? new Set();
  users.set(user, left.add(id));
}

function writeCount(storage: Storage, row: Row<DeviceCount> | undefined, devices: number): Promise<boolean> {
  const value: DeviceCount = { devices };
  const change: Change = row
    ? { kind: 'replace', rowKey: COUNT_ROW, value, etag: row.etag }
    : { kind: 'insert', rowKey: COUNT_ROW, value };
  return tryWrite(storage.table('devicelist'), LIST_PARTITION, [change]);
}

/** The list is a copy, so the records have the last word. When the user enrolls at this moment, the next hour does it. */
async function freePlaces(storage: Storage, user: string, left: Set<string>, now: Date): Promise<number> {
  const table = storage.table('invitations');
  const row = await table.get<Places>(partitionOfUser(user), PLACES_ROW);
  const candidates = row?.value.devices.filter(({ enrollmentId }) => left.has(enrollmentId)) ?? [];
  if (!row || candidates.length === 0) return 0;
  const gone = await placesThatEnded(storage, candidates, now);
  if (gone.size === 0) return 0;
  const value: Places = { devices: row.value.devices.filter(({ enrollmentId }) => !gone.has(enrollmentId)) };
  const change: Change = { kind: 'replace', rowKey: PLACES_ROW, value, etag: row.etag };
  return (await tryWrite(table, row.partitionKey, [change])) ? gone.size : 0;
}
