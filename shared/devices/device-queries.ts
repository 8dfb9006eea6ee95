import type { Policy } from '../catalogue/policy.ts';
import { notFound } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import type { DeviceState } from './device.ts';
import { type DeviceListEntry, eachListed, LIST_END, LIST_PARTITION } from './device-list.ts';
import { readDeviceAndContact } from './device-rows.ts';
import { type DeviceListView, type DeviceView, deviceListView, deviceView } from './device-view.ts';
import { type NextContact, nextContact } from './next-contact.ts';

/** One call. @throws {Problem} 404 */
export async function showDevice(storage: Storage, deviceId: string): Promise<DeviceView> {
  const { device, lastContact } = await readOrThrow(storage, deviceId);
  return deviceView(device.value, lastContact);
}

/**
 * The same, with when it should call next. One call.
 * @param poll the organisation's schedule of today, for records that do not say what the device was given
 * @throws {Problem} 404
 */
export async function showDeviceAndNextContact(
  storage: Storage,
  deviceId: string,
  { poll, now }: { poll: Policy['poll']; now: Date },
): Promise<DeviceView & { nextContact: NextContact | undefined }> {
  const { device, lastContact } = await readOrThrow(storage, deviceId);
  return { ...deviceView(device.value, lastContact), nextContact: nextContact(device.value, lastContact, poll, now) };
}

async function readOrThrow(storage: Storage, deviceId: string) {
  const found = await readDeviceAndContact(storage, deviceId);
  if (!found) throw notFound(`There is no device ${deviceId}.`);
  return found;
}

/** One page of the device list, one call. `cursor` is the `next` of the page before. */
export async function listDevices(
  storage: Storage,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: DeviceListView[]; next?: string }> {
  const page = await storage
    .table('devicelist')
    .page<DeviceListEntry>(LIST_PARTITION, { from: cursor, before: LIST_END, limit });
  return { items: page.rows.map((row) => deviceListView(row.value)), next: page.next };
}

/**
 * Devices whose certificates end before a time or have ended, and that are not to be gone: those that did not renew.
 * A call for each thousand devices that are looked at. `cursor` and `next` as for the whole list.
 */
export async function listExpiring(
  storage: Storage,
  { cursor, limit, before }: { cursor?: string; limit: number; before: Date },
): Promise<{ items: DeviceListView[]; next?: string }> {
  const items: DeviceListView[] = [];
  for await (const entry of eachListed(storage, cursor)) {
    if (!isExpiring(entry, before)) continue;
    if (items.length === limit) return { items, next: entry.id };
    items.push(deviceListView(entry));
  }
  return { items };
}

const STAYS: readonly DeviceState[] = ['enrolled', 'unenrolling'];

/** @returns whether the last certificate of a device that should be able to call ends before a time */
export function isExpiring({ state, certificateEnd }: DeviceListEntry, before: Date): boolean {
  return STAYS.includes(state) && certificateEnd !== '' && certificateEnd < before.toISOString();
}
