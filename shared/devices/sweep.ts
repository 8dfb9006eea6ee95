import type { Log } from '../platform/log.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { Conflict } from '../storage/tables.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from './device.ts';
import { type DeviceListEntry, LIST_PARTITION, updateDeviceList } from './device-list.ts';
import { passTime } from './unenroll.ts';

const PAGE = 1_000;

/**
 * What time decides about devices that are to leave: silence after delivery, and never having called. Pages through the
 * device list and checks each record itself before it changes it.
 * @returns how many were looked at and how many changed
 */
export async function sweepUnenrolling(
  storage: Storage,
  now: Date,
  log: Log,
): Promise<{ seen: number; changed: number }> {
  let cursor: string | undefined;
  let seen = 0;
  let changed = 0;
  do {
    const page = await storage.table('devicelist').page<DeviceListEntry>(LIST_PARTITION, { from: cursor, limit: PAGE });
    for (const row of page.rows.filter(({ value }) => value.state === 'unenrolling')) {
      seen += 1;
      if (await sweepDevice(storage, row.value, now, log)) changed += 1;
    }
    cursor = page.next;
  } while (cursor);
  return { seen, changed };
}

async function sweepDevice(storage: Storage, entry: DeviceListEntry, now: Date, log: Log): Promise<boolean> {
  const { id, revision } = entry;
  const table = storage.table('devices');
  const { rows } = await table.page<unknown>(id, { from: DEVICE_ROW, before: '2', limit: 2 });
  const device = rows.find((row) => row.rowKey === DEVICE_ROW) as Row<Device> | undefined;
  const session = rows.find((row) => row.rowKey === SESSION_ROW) as Row<{ lastAt?: string }> | undefined;
  const next = device && passTime(device.value, session?.value.lastAt, now);
  if (!device) return false;
  if (!next) {
    if (revision < device.value.revision) await updateDeviceList(storage, device.value, undefined, log);
    return false;
  }
  const value = { ...next, revision: device.value.revision + 1 };
  try {
    await table.write(id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: device.etag }]);
  } catch (error) {
    // The device called at this very moment: it is not silent, and the next sweep looks again.
    if (error instanceof Conflict) return false;
    throw error;
  }
  await updateDeviceList(storage, value, undefined, log);
  log.info('Time decided about an unenroll', { device: id, state: value.unenroll?.state });
  return true;
}
