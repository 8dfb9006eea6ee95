import { type Idempotency, recall, remember } from '../idempotency/idempotency.ts';
import type { Log } from '../platform/log.ts';
import { conflict } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';
import { DEVICE_ROW, type Device } from './device.ts';
import { updateDeviceList } from './device-list.ts';
import { readDevice, touchSession, untilWritten } from './device-rows.ts';

/** A device that is stolen or hostile: whatever it says, it is refused, and so it cannot be told anything either. */

export interface BlockServices {
  storage: Storage;
  log: Log;
  now: Date;
}

export interface BlockRequest {
  by: string;
  reason: string;
}

/**
 * Blocks a device, whatever its state. A message that is being answered at this moment is stopped.
 * @throws {Problem} 404; 409 when it is blocked already; 422 for an Idempotency-Key used otherwise
 */
export async function blockDevice(
  services: BlockServices,
  deviceId: string,
  { by, reason }: BlockRequest,
  idempotency?: Idempotency,
): Promise<Device> {
  return changeState(services, deviceId, idempotency, (device) => {
    if (device.blocked) throw conflict(`The device is blocked already, by ${device.blocked.by}.`);
    const blocked = { by, reason, at: services.now.toISOString(), before: device.state };
    return { ...device, state: 'blocked', blocked };
  });
}

/**
 * Lets a blocked device speak again, in the state that it had: an unenroll that was waiting waits again.
 * @throws {Problem} 404; 409 when it is not blocked; 422 for an Idempotency-Key used otherwise
 */
export async function unblockDevice(
  services: BlockServices,
  deviceId: string,
  idempotency?: Idempotency,
): Promise<Device> {
  return changeState(services, deviceId, idempotency, ({ blocked, ...device }) => {
    if (!blocked) throw conflict(`The device is ${device.state}, not blocked.`);
    return { ...device, state: blocked.before };
  });
}

function changeState(
  { storage, log, now }: BlockServices,
  deviceId: string,
  idempotency: Idempotency | undefined,
  change: (device: Device) => Device,
): Promise<Device> {
  const table = storage.table('devices');
  return untilWritten(async () => {
    const remembered = await recall<Device>(table, deviceId, idempotency, now);
    if (remembered) return remembered;
    const row = await readDevice(storage, deviceId);
    const value: Device = { ...change(row.value), revision: row.value.revision + 1 };
    const changes: Change[] = [
      { kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag },
      ...remember(idempotency, { ...value, digestCredential: undefined }, now),
      // What is being answered at this moment starts again, and finds the state.
      ...(await touchSession(table, deviceId)),
    ];
    if (!(await tryWrite(table, deviceId, changes))) return undefined;
    await updateDeviceList(storage, value, undefined, log);
    return value;
  });
}
