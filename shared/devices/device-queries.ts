import { notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from './device.ts';
import { type DeviceListEntry, LIST_PARTITION } from './device-list.ts';
import { type DeviceListView, type DeviceView, deviceListView, deviceView } from './device-view.ts';

/** One call. @throws {Problem} 404 */
export async function showDevice(storage: Storage, deviceId: string): Promise<DeviceView> {
  const { rows } = await storage.table('devices').page<unknown>(deviceId, { from: DEVICE_ROW, before: '2', limit: 2 });
  const device = rows.find((row) => row.rowKey === DEVICE_ROW) as Row<Device> | undefined;
  const session = rows.find((row) => row.rowKey === SESSION_ROW) as Row<{ lastAt?: string }> | undefined;
  if (!device) throw notFound(`There is no device ${deviceId}.`);
  return deviceView(device.value, session?.value.lastAt);
}

/** The record of a device. One call. @throws {Problem} 404 */
export async function readDevice(storage: Storage, deviceId: string): Promise<Device> {
  const row = await storage.table('devices').get<Device>(deviceId, DEVICE_ROW);
  if (!row) throw notFound(`There is no device ${deviceId}.`);
  return row.value;
}

/** One page of the device list, one call. `cursor` is the `next` of the page before. */
export async function listDevices(
  storage: Storage,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: DeviceListView[]; next?: string }> {
  const page = await storage.table('devicelist').page<DeviceListEntry>(LIST_PARTITION, { from: cursor, limit });
  return { items: page.rows.map((row) => deviceListView(row.value)), next: page.next };
}
