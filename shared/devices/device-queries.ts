import { notFound } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import { type DeviceListEntry, LIST_PARTITION } from './device-list.ts';
import { readDeviceAndContact } from './device-rows.ts';
import { type DeviceListView, type DeviceView, deviceListView, deviceView } from './device-view.ts';

/** One call. @throws {Problem} 404 */
export async function showDevice(storage: Storage, deviceId: string): Promise<DeviceView> {
  const found = await readDeviceAndContact(storage, deviceId);
  if (!found) throw notFound(`There is no device ${deviceId}.`);
  return deviceView(found.device.value, found.lastContact);
}

/** One page of the device list, one call. `cursor` is the `next` of the page before. */
export async function listDevices(
  storage: Storage,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: DeviceListView[]; next?: string }> {
  const page = await storage.table('devicelist').page<DeviceListEntry>(LIST_PARTITION, { from: cursor, limit });
  return { items: page.rows.map((row) => deviceListView(row.value)), next: page.next };
}
