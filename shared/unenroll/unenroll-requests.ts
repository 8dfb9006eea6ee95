import { COMMAND_PREFIX } from '../commands/command.ts';
import { DEVICE_ROW, type Device, hasLeft } from '../devices/device.ts';
import { updateDeviceList } from '../devices/device-list.ts';
import { readDevice, touchSession, untilWritten } from '../devices/device-rows.ts';
import { callOff, requestUnenroll, type UnenrollRequest } from '../devices/unenroll.ts';
import { type Idempotency, recall, remember } from '../idempotency/idempotency.ts';
import type { Log } from '../platform/log.ts';
import { conflict } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';
import { endProofs, queueProofs, type WantedProofs } from './unenroll-proofs.ts';

export interface UnenrollServices {
  storage: Storage;
  log: Log;
  now: Date;
}

export type AskedUnenroll = Pick<UnenrollRequest, 'by' | 'after' | 'acceptRisk'> & WantedProofs;

/**
 * Asks for the unenrollment of a device; it goes out in the device's next session, if the gate lets it. What is to be shown
 * to the gate is queued in the same transaction.
 * @throws {Problem} 404 for an unknown device, 409 for one that has left or is blocked, 422 for an Idempotency-Key used otherwise
 */
export async function askToUnenroll(
  services: UnenrollServices,
  deviceId: string,
  request: AskedUnenroll,
  idempotency?: Idempotency,
): Promise<Device> {
  const table = services.storage.table('devices');
  return untilWritten(async () => {
    const remembered = await recall<Device>(table, deviceId, idempotency, services.now);
    if (remembered) return remembered;
    const row = await readDevice(services.storage, deviceId);
    if (hasLeft(row.value)) throw conflict(`The device is ${row.value.state} already.`);
    if (row.value.state === 'blocked') throw conflict('The device is blocked: it is refused, and so cannot be told.');
    const { by, after, acceptRisk } = request;
    const at = services.now.toISOString();
    const { commands, ...proofs } = await queueProofs(services.storage, row.value, request, { by, at });
    const asked = requestUnenroll(row.value, { by, after, acceptRisk, ...proofs }, services.now);
    const next = { ...asked, nextSequence: asked.nextSequence + commands.length };
    return writeDevice(services, row, next, (device) => [
      ...commands.map((command): Change => ({ kind: 'insert', rowKey: COMMAND_PREFIX + command.id, value: command })),
      ...remember(idempotency, { ...device, digestCredential: undefined }, services.now),
    ]);
  });
}

/**
 * Takes the request back.
 * @throws {Problem} 404 for an unknown device, 409 with the state when it was sent already or none stands
 */
export async function callOffUnenroll(services: UnenrollServices, deviceId: string): Promise<Device> {
  return untilWritten(async () => {
    const row = await readDevice(services.storage, deviceId);
    const next = callOff(row.value);
    if (!next) throw conflict(whyNot(row.value));
    return writeDevice(services, row, next, () => []);
  });
}

function whyNot({ state, unenroll }: Device): string {
  if (!unenroll) return `The device is ${state} and no unenroll is asked for.`;
  return `The unenroll is ${unenroll.state} and cannot be called off any more.`;
}

/** @returns the record as it was written; undefined when somebody else wrote first */
async function writeDevice(
  services: UnenrollServices,
  row: Row<Device>,
  next: Device,
  more: (device: Device) => Change[],
): Promise<Device | undefined> {
  const table = services.storage.table('devices');
  const value = { ...next, revision: row.value.revision + 1 };
  const change: Change = { kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag };
  const ended = await endProofs(table, row.value, value.unenroll, services.now);
  const changes = [change, ...more(value), ...ended, ...(await touchSession(table, row.partitionKey))];
  if (!(await tryWrite(table, row.partitionKey, changes))) return undefined;
  await updateDeviceList(services.storage, value, undefined, services.log);
  return value;
}
