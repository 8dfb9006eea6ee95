import { isDeepStrictEqual } from 'node:util';
import { changeFlags } from '../devices/change-flags.ts';
import { DEVICE_ROW, type Device, type DeviceFlag, hasLeft } from '../devices/device.ts';
import { addFlag, newFlag, withoutFlag } from '../devices/device-flags.ts';
import { eachListed, LIST_PARTITION } from '../devices/device-list.ts';
import { type Identity, identityOf } from '../devices/identity.ts';
import { eachIndexed, type IdentityRow, reindex } from '../devices/identity-index.ts';
import { eachReplaced, type Replaced } from '../devices/replaced-index.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { compareWithOthers } from './return.ts';

/**
 * Compares enrollments once more when more is known of them: a PC says its serial number and its Entra device id in its
 * first session, and an enrollment leaves over what it has no calls for.
 */

/** Those that enrolled so long ago were looked at several times. */
const LEFT_OVER_FOR_MS = 3 * 3_600_000;
/** A PC that has not called for so long after it came back will not say more. */
const WAITS_FOR_MS = 30 * 86_400_000;
/** Nobody waits for this one. */
const MANY_CALLS = 200;

const TWO_PCS =
  'One of two enrollments ended for the other, and each has a serial number of its own: two PCs, copies of one disk. Enroll the PC whose record is superseded again.';

/**
 * A call for each thousand devices three times, and some for each device of which something new is known.
 * @returns how many were compared with others
 */
export async function sweepIdentities(storage: Storage, now: Date): Promise<{ compared: number }> {
  let compared = 0;
  for (const row of await thoseToCompare(storage, now)) if (await compareOne(storage, row, now)) compared += 1;
  for await (const row of eachReplaced(storage)) if (await settleReplaced(storage, row, now)) compared += 1;
  return { compared };
}

async function thoseToCompare(storage: Storage, now: Date): Promise<IdentityRow[]> {
  const listed = new Map<string, Identity>();
  for await (const { id, identity, state } of eachListed(storage)) {
    if (identity && !hasLeft({ state }) && state !== 'blocked') listed.set(id, identity);
  }
  const found: IdentityRow[] = [];
  for await (const row of eachIndexed(storage)) {
    const identity = listed.get(row.id);
    const isNew = now.getTime() - Date.parse(row.enrolledAt) < LEFT_OVER_FOR_MS;
    if (identity && (isNew || !isDeepStrictEqual(identity, row.identity))) found.push(row);
  }
  return found;
}

async function compareOne(storage: Storage, row: IdentityRow, now: Date): Promise<boolean> {
  const device = (await storage.table('devices').get<Device>(row.id, DEVICE_ROW))?.value;
  if (!device || hasLeft(device) || device.state === 'blocked') return false;
  if (!isDeepStrictEqual(identityOf(device), row.identity)) await reindex(storage, device, row);
  await compareWithOthers(storage, device, now, MANY_CALLS);
  return true;
}

/** @returns whether something new was known; what waits is forgotten when the device has said all that it will */
async function settleReplaced(storage: Storage, row: Row<Replaced>, now: Date): Promise<boolean> {
  const { id, by, identity, at } = row.value;
  const device = (await storage.table('devices').get<Device>(by, DEVICE_ROW))?.value;
  const hasSpoken = device?.factsReadAt !== undefined && device.join !== undefined;
  const isOver = !device || hasLeft(device) || now.getTime() - Date.parse(at) > WAITS_FOR_MS;
  if (!hasSpoken && !isOver) return false;
  if (hasSpoken && device && !hasLeft(device)) {
    const own = identityOf(device);
    const done = await changeFlags(storage, by, ({ flags }) => flagsAfter(flags, id, own, identity, now));
    if (!done) return false;
    await changeFlags(storage, id, ({ flags }) => flagsAfter(flags, by, own, { serial: identity.serial }, now));
  }
  await tryWrite(storage.table('devicelist'), LIST_PARTITION, [{ kind: 'delete', rowKey: row.rowKey, etag: row.etag }]);
  return hasSpoken;
}

/** @returns the flags about another enrollment, of which one was ended for the other, now that both have said what they are */
function flagsAfter(
  before: DeviceFlag[] | undefined,
  other: string,
  own: Identity,
  old: Identity,
  now: Date,
): DeviceFlag[] | undefined {
  let flags = before;
  if (own.serial !== undefined && old.serial !== undefined) {
    flags = withoutFlag(flags, 'withoutSerial', other);
    if (own.serial !== old.serial) flags = addFlag(flags, newFlag('sharedHardwareId', other, now, TWO_PCS));
  }
  const isJoinedAnew = old.entraDeviceId !== undefined && own.entraDeviceId !== undefined;
  if (!isJoinedAnew || old.entraDeviceId === own.entraDeviceId) return flags;
  return addFlag(flags, newFlag('oldIdentity', other, now));
}
