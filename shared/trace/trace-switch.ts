import { DEVICE_ROW, type Device, hasLeft } from '../devices/device.ts';
import { readDevice, untilWritten } from '../devices/device-rows.ts';
import { conflict } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';

/** Whether the messages of a device are traced: a part of its record, which every message reads anyway. */

export const MAX_TRACE_HOURS = 72;
const HOUR_MS = 3_600_000;

/**
 * Traces a device from its next message on, for so many hours; a trace that is on goes on until then.
 * @throws {Problem} 404; 409 for a device that has left
 */
export async function switchTraceOn(
  storage: Storage,
  deviceId: string,
  { by, hours, now }: { by: string; hours: number; now: Date },
): Promise<Device> {
  return change(storage, deviceId, (device) => {
    if (hasLeft(device) || device.state === 'blocked') {
      throw conflict(`The device is ${device.state}: it says nothing that could be traced.`);
    }
    const since = isTraced(device, now) ? device.trace.since : now.toISOString();
    return { ...device, trace: { by, since, until: new Date(now.getTime() + hours * HOUR_MS).toISOString() } };
  });
}

/** Ends the trace of a device; what was kept stays its 7 days. @throws {Problem} 404 */
export async function switchTraceOff(storage: Storage, deviceId: string): Promise<Device> {
  return change(storage, deviceId, ({ trace: _, ...device }) => device);
}

export function isTraced<T extends Pick<Device, 'trace'>>(
  device: T,
  now: Date,
): device is T & { trace: NonNullable<Device['trace']> } {
  return device.trace !== undefined && now.toISOString() < device.trace.until;
}

async function change(storage: Storage, deviceId: string, to: (device: Device) => Device): Promise<Device> {
  return untilWritten(async () => {
    const { value: before, etag } = await readDevice(storage, deviceId);
    const value = { ...to(before), revision: before.revision + 1 };
    const written = await tryWrite(storage.table('devices'), deviceId, [
      { kind: 'replace', rowKey: DEVICE_ROW, value, etag },
    ]);
    return written ? value : undefined;
  });
}
