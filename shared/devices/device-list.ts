import type { Log } from '../platform/log.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { certificateEnd, type Device, type DeviceState, type ProfileProblem, type UnenrollState } from './device.ts';
import { type Identity, identityOf } from './identity.ts';
import { isManaged } from './unenroll.ts';

/**
 * One row per device in one partition, so that lists and the daily sweep page through all devices without opening each.
 * It follows the device records and may lag behind; whoever acts on it checks the record first.
 */
export interface DeviceListEntry {
  id: string;
  revision: number;
  name: string;
  user: string;
  state: DeviceState;
  unenrollState?: UnenrollState;
  enrolledAt: string;
  /** Day of the last contact, `YYYY-MM-DD`; absent before the first. */
  lastContactDay?: string;
  certificateEnd: string;
  tags?: string[];
  /** Profiles that do not hold on it, by name. */
  profileProblems?: Record<string, ProfileProblem>;
  /** What it is known by: what a session read of it gets into the index of identities from here. */
  identity?: Identity;
}

export const LIST_PARTITION = 'devices';
/** What sorts from here on in the partition is no entry: the index of identities. */
export const LIST_END = '~';

const MAX_ATTEMPTS = 4;
const PAGE = 1_000;

/** @param lastContactDay `YYYY-MM-DD`, undefined before the first contact */
export function listEntry(device: Device, lastContactDay: string | undefined): DeviceListEntry {
  const { id, revision, name, user, state, enrolledAt } = device;
  return {
    id,
    revision,
    name,
    user,
    state,
    unenrollState: device.unenroll?.state,
    enrolledAt,
    lastContactDay,
    certificateEnd: certificateEnd(device),
    tags: device.tags,
    profileProblems: isManaged(device) ? device.profileProblems : undefined,
    identity: identityOf(device),
  };
}

/** Adds a new enrollment to the list. One call. */
export async function addToDeviceList(storage: Storage, device: Device): Promise<void> {
  const value = listEntry(device, undefined);
  await storage.table('devicelist').write(LIST_PARTITION, [{ kind: 'upsert', rowKey: device.id, value }]);
}

/**
 * Brings a device's entry up to date: two calls. An entry that is newer already stays. The list is a copy, so a failure
 * is logged and does not fail the caller; the device's first contact of the next day mends it, or the sweep.
 * @param contact time of the contact that is being recorded; undefined when an administrator's act changed the record
 */
export async function updateDeviceList(
  storage: Storage,
  device: Device,
  contact: Date | undefined,
  log: Log,
): Promise<void> {
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      if (await tryUpdate(storage, device, contact)) return;
    }
    log.warn('The device list could not be brought up to date', { device: device.id, reason: 'others kept writing' });
  } catch (error) {
    log.warn('The device list could not be brought up to date', { device: device.id, reason: String(error) });
  }
}

async function tryUpdate(storage: Storage, device: Device, contact: Date | undefined): Promise<boolean> {
  const table = storage.table('devicelist');
  const row: Row<DeviceListEntry> | undefined = await table.get(LIST_PARTITION, device.id);
  const days = [row?.value.lastContactDay, contact?.toISOString().slice(0, 10)].filter((day) => day !== undefined);
  const lastContactDay = days.sort().at(-1);
  const isNewer = row && row.value.revision > device.revision;
  const value = isNewer ? { ...row.value, lastContactDay } : listEntry(device, lastContactDay);
  return tryWrite(table, LIST_PARTITION, [
    row ? { kind: 'replace', rowKey: device.id, value, etag: row.etag } : { kind: 'insert', rowKey: device.id, value },
  ]);
}

/** All entries, or those from an id on, in the order of their ids, a call for each thousand; those that are added meanwhile may be among them. */
export async function* eachListed(storage: Storage, first?: string): AsyncGenerator<DeviceListEntry> {
  let from = first;
  do {
    const page = await storage
      .table('devicelist')
      .page<DeviceListEntry>(LIST_PARTITION, { from, before: LIST_END, limit: PAGE });
    for (const row of page.rows) yield row.value;
    from = page.next;
  } while (from);
}
