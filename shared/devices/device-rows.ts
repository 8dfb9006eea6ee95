import { conflict, notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import type { Change, Table } from '../storage/tables.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from './device.ts';

/** The record of an enrollment and what goes with it, read and written by others than the session. */

const MAX_ATTEMPTS = 10;

/** One call. @throws {Problem} 404 */
export async function readDevice(storage: Storage, deviceId: string): Promise<Row<Device>> {
  const row = await storage.table('devices').get<Device>(deviceId, DEVICE_ROW);
  if (!row) throw notFound(`There is no device ${deviceId}.`);
  return row;
}

/**
 * The record, and the time of the device's last message (ISO 8601; undefined before the first), which the session row has.
 * One call. @returns undefined when there is no such device
 */
export async function readDeviceAndContact(
  storage: Storage,
  deviceId: string,
): Promise<{ device: Row<Device>; lastContact?: string } | undefined> {
  const { rows } = await storage.table('devices').page<unknown>(deviceId, { from: DEVICE_ROW, before: '2', limit: 2 });
  const device = rows.find((row) => row.rowKey === DEVICE_ROW) as Row<Device> | undefined;
  const session = rows.find((row) => row.rowKey === SESSION_ROW) as Row<{ lastAt?: string }> | undefined;
  return device && { device, lastContact: session?.value.lastAt };
}

/**
 * The change that makes a message which is being answered at this moment start again and see what else is written with it:
 * the session row as it is, under a new ETag. One call. @returns nothing to change where the device never called
 */
export async function touchSession(table: Table, deviceId: string): Promise<Change[]> {
  const session = await table.get<object>(deviceId, SESSION_ROW);
  return session ? [{ kind: 'replace', rowKey: SESSION_ROW, value: session.value, etag: session.etag }] : [];
}

/**
 * Reads, decides and writes again and again, until nobody else was first.
 * @param attempt gives undefined when somebody else wrote first
 * @throws {Problem} 409 when that goes on; and what `attempt` throws
 */
export async function untilWritten<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
    const done = await attempt();
    if (done !== undefined) return done;
  }
  throw conflict('Others kept changing this device at the same moment. Try again.');
}
