import { type Idempotency, recall, remember } from '../idempotency/idempotency.ts';
import type { Log } from '../platform/log.ts';
import { conflict, notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, Conflict, type Table } from '../storage/tables.ts';
import { DEVICE_ROW, type Device, hasLeft, SESSION_ROW } from './device.ts';
import { updateDeviceList } from './device-list.ts';
import { callOff, requestUnenroll, type UnenrollRequest } from './unenroll.ts';

const MAX_ATTEMPTS = 10;

export interface UnenrollServices {
  storage: Storage;
  log: Log;
  now: Date;
}

/**
 * Asks for the unenrollment of a device; it goes out in the device's next session, if the gate lets it.
 * @throws {Problem} 404 for an unknown device, 409 for one that has left or is blocked, 422 for an Idempotency-Key used otherwise
 */
export async function askToUnenroll(
  services: UnenrollServices,
  deviceId: string,
  request: UnenrollRequest,
  idempotency?: Idempotency,
): Promise<Device> {
  const table = services.storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const remembered = await recall<Device>(table, deviceId, idempotency, services.now);
    if (remembered) return remembered;
    const row = await readDevice(table, deviceId);
    if (hasLeft(row.value)) throw conflict(`The device is ${row.value.state} already.`);
    if (row.value.state === 'blocked') throw conflict('The device is blocked: it is refused, and so cannot be told.');
    const next = requestUnenroll(row.value, request, services.now);
    const written = await writeDevice(services, row, next, (device) =>
      remember(idempotency, { ...device, digestCredential: undefined }, services.now),
    );
    if (written) return written;
  }
  throw conflict('Others kept changing this device at the same moment. Try again.');
}

/**
 * Takes the request back.
 * @throws {Problem} 404 for an unknown device, 409 with the state when it was sent already or none stands
 */
export async function callOffUnenroll(services: UnenrollServices, deviceId: string): Promise<Device> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await readDevice(services.storage.table('devices'), deviceId);
    const next = callOff(row.value);
    if (!next) throw conflict(whyNot(row.value));
    const written = await writeDevice(services, row, next, () => []);
    if (written) return written;
  }
  throw conflict('Others kept changing this device at the same moment. Try again.');
}

function whyNot({ state, unenroll }: Device): string {
  if (!unenroll) return `The device is ${state} and no unenroll is asked for.`;
  return `The unenroll is ${unenroll.state} and cannot be called off any more.`;
}

async function readDevice(table: Table, deviceId: string): Promise<Row<Device>> {
  const row = await table.get<Device>(deviceId, DEVICE_ROW);
  if (!row) throw notFound(`There is no device ${deviceId}.`);
  return row;
}

/** The session row is written too: a message that is being answered at this moment starts again and sees the change. */
async function writeDevice(
  services: UnenrollServices,
  row: Row<Device>,
  next: Device,
  more: (device: Device) => Change[],
): Promise<Device | undefined> {
  const table = services.storage.table('devices');
  const value = { ...next, revision: row.value.revision + 1 };
  const session = await table.get<object>(row.partitionKey, SESSION_ROW);
  const changes: Change[] = [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }, ...more(value)];
  if (session) changes.push({ kind: 'replace', rowKey: SESSION_ROW, value: session.value, etag: session.etag });
  try {
    await table.write(row.partitionKey, changes);
  } catch (error) {
    if (error instanceof Conflict) return undefined;
    throw error;
  }
  await updateDeviceList(services.storage, value, undefined, services.log);
  return value;
}
