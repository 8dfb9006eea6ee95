import type { Device } from '../../devices/device.ts';
import { identityOf } from '../../devices/identity.ts';
import { conflict, notFound } from '../../platform/problem.ts';
import type { Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Change, tryWrite } from '../../storage/tables.ts';
import {
  announceRefusals,
  type Block,
  type DecommissionHold,
  type HeldIdentity,
  type HoldRow,
  holdKeys,
  REFUSALS_PARTITION,
  refusalKey,
} from './refusal-rows.ts';

/**
 * Keeps a device that is taken out of service from enrolling again until an administrator lets it. It goes by what its
 * record says: the serial number and the hardware id.
 */

const MAX_ATTEMPTS = 5;

/** A hold as administrators see it, with what it goes by. */
export type DeviceHold = Block<'device'> & HeldIdentity;

/**
 * Holds a device; one that is held gets the new reason. Three calls.
 * @throws {Problem} 409 for a device that says nothing of its own by which it could be known again
 */
export async function holdDevice(
  storage: Storage,
  device: Device,
  { reason, person, at }: Pick<Block, 'reason' | 'person' | 'at'>,
): Promise<DeviceHold> {
  const { serial = '' } = identityOf(device);
  const hardwareId = device.context['HWDevID'] ?? '';
  if (holdKeys({ serial, hardwareId }).length === 0) {
    throw conflict('The device says neither a serial number nor a hardware id of its own: block its user instead.');
  }
  const listed: DeviceHold = { kind: 'device', value: device.id, reason, person, at, serial, hardwareId };
  const hold: DecommissionHold = {
    kind: 'decommission',
    deviceId: device.id,
    ...(serial === '' ? {} : { serial }),
    reason,
    person,
    at,
  };
  await announceRefusals(storage);
  await changeHolds(storage, listed, { kind: 'upsert', rowKey: rowKeyOf(device.id), value: listed }, hold);
  return listed;
}

/** One call. @throws {Problem} 404 */
export async function readDeviceHold(storage: Storage, deviceId: string): Promise<Row<DeviceHold>> {
  const row = await storage.table('catalogue').get<DeviceHold>(REFUSALS_PARTITION, rowKeyOf(deviceId));
  if (!row) throw notFound(`The device ${deviceId.slice(0, 100)} is not kept from enrolling.`);
  return row;
}

/** Lets it enroll again, unless another hold is on it. Three calls. @returns what the hold was. @throws {Problem} 404 */
export async function releaseDevice(storage: Storage, deviceId: string): Promise<DeviceHold> {
  const { value, rowKey, etag } = await readDeviceHold(storage, deviceId);
  await changeHolds(storage, value, { kind: 'delete', rowKey, etag });
  return value;
}

/** Writes what is seen of a hold together with what it goes by. @param hold absent where it goes */
async function changeHolds(
  storage: Storage,
  listed: DeviceHold,
  change: Change,
  hold?: DecommissionHold,
): Promise<void> {
  const table = storage.table('catalogue');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const keys = holdKeys(listed);
    const rows = await table.getMany<HoldRow>(REFUSALS_PARTITION, keys);
    const changes = keys.flatMap((rowKey) => {
      const row = rows.find((each) => each.rowKey === rowKey);
      const others = row?.value.holds.filter(({ deviceId }) => deviceId !== listed.value) ?? [];
      return changeOf(rowKey, row, hold ? [...others, hold] : others);
    });
    if (await tryWrite(table, REFUSALS_PARTITION, [change, ...changes])) return;
  }
  throw conflict('Others kept changing who may enroll at the same moment. Try again.');
}

function changeOf(rowKey: string, row: Row<HoldRow> | undefined, holds: DecommissionHold[]): Change[] {
  const value: HoldRow = { kind: 'decommission', holds };
  if (row === undefined) return holds.length === 0 ? [] : [{ kind: 'insert', rowKey, value }];
  if (holds.length === 0) return [{ kind: 'delete', rowKey, etag: row.etag }];
  return [{ kind: 'replace', rowKey, value, etag: row.etag }];
}

function rowKeyOf(deviceId: string): string {
  return refusalKey('device', deviceId.toLowerCase());
}
