import type { Log } from '../platform/log.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';
import { DEVICE_ROW } from './device.ts';
import { type DeviceListEntry, eachListed, updateDeviceList } from './device-list.ts';
import { readDeviceAndContact } from './device-rows.ts';
import { passTime } from './unenroll.ts';

/**
 * What time decides about devices that are to leave: silence after delivery or a wipe, and never having called. Pages
 * through the device list and checks each record itself before it changes it.
 * @returns how many were looked at and how many changed
 */
export async function sweepUnenrolling(
  storage: Storage,
  now: Date,
  log: Log,
): Promise<{ seen: number; changed: number }> {
  let seen = 0;
  let changed = 0;
  for await (const entry of eachListed(storage)) {
    if (!mayBeLeaving(entry, now)) continue;
    seen += 1;
    if (await sweepDevice(storage, entry, now, log)) changed += 1;
  }
  return { seen, changed };
}

/** Shorter than any silence that decides something. */
const QUIET_DAYS = 6;

/**
 * The list may not know that a device is to leave: a wipe is not in it, and it cannot always be written. The first contact
 * of a day brings it up to date, so only the record of a device that has been quiet for days can say something else.
 */
function mayBeLeaving({ state, lastContactDay, enrolledAt }: DeviceListEntry, now: Date): boolean {
  if (state !== 'enrolled') return state === 'unenrolling';
  const quietSince = new Date(now.getTime() - QUIET_DAYS * 86_400_000).toISOString().slice(0, 10);
  return (lastContactDay ?? enrolledAt.slice(0, 10)) <= quietSince;
}

async function sweepDevice(storage: Storage, entry: DeviceListEntry, now: Date, log: Log): Promise<boolean> {
  const { id, revision } = entry;
  const found = await readDeviceAndContact(storage, id);
  if (!found) return false;
  const { device, lastContact } = found;
  const next = passTime(device.value, lastContact, now);
  if (!next) {
    if (revision < device.value.revision) await updateDeviceList(storage, device.value, undefined, log);
    return false;
  }
  const value = { ...next, revision: device.value.revision + 1 };
  const change: Change = { kind: 'replace', rowKey: DEVICE_ROW, value, etag: device.etag };
  // When the device called at this very moment, it is not silent, and the next sweep looks again.
  if (!(await tryWrite(storage.table('devices'), id, [change]))) return false;
  await updateDeviceList(storage, value, undefined, log);
  log.info('Time decided about a device that is to leave', { device: id, state: value.state });
  return true;
}
