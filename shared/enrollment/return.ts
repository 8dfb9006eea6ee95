import { COMMAND_PREFIX, type Command } from '../commands/command.ts';
import { moveToFinished } from '../commands/finished-rows.ts';
import { endWithDevice } from '../commands/settle.ts';
import { changeFlags } from '../devices/change-flags.ts';
import { DEVICE_ROW, type Device, type DeviceFlag, type FlagKind, hasLeft, SESSION_ROW } from '../devices/device.ts';
import { addFlag, newFlag } from '../devices/device-flags.ts';
import { LIST_PARTITION, listEntry } from '../devices/device-list.ts';
import { agreeOnSerial, identityOf, sameDevice } from '../devices/identity.ts';
import { eachSharedDeviceId, findByIdentity, type IdentityRow, withoutIdentity } from '../devices/identity-index.ts';
import { keepReplaced } from '../devices/replaced-index.ts';
import { waitsToBeTold } from '../devices/unenroll.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';
import { normaliseUser } from './grants.ts';
import { handOn } from './inheritance.ts';
import { EnrollmentRefusal } from './refusal.ts';

/**
 * A PC that enrolls again: its old enrollment is over, for Windows holds one at a time. A device's word links it to the old
 * one, so only an enrollment of the same user is ended by it; everything else is only flagged for the administrator.
 *
 * The new enrollment is announced before others are looked for. Of two at the same moment at least one then sees the other,
 * and both decide alike: the later one stays.
 */

const MAX_ATTEMPTS = 3;
/** A command takes two changes of the hundred in a transaction; what is left is ended by the nightly retention. */
const MAX_COMMANDS = 45;

/** Calls of storage, without lost races: to end an old enrollment, and to flag one. */
const CALLS_TO_END = 3;
const CALLS_TO_FLAG = 2;

/**
 * Ends the earlier enrollments of a device that has enrolled anew, and flags what looks like it and may be another.
 * @param calls how many it may take besides the three that look for others; what is left over is done within the hour
 * @returns the record, with its flags
 * @throws {EnrollmentRefusal} `busy` where the device has enrolled once more meanwhile
 */
export async function settleReturn(storage: Storage, device: Device, now: Date, calls: number): Promise<Device> {
  const settled = await compareWithOthers(storage, device, now, calls);
  if (settled === 'superseded') {
    throw new EnrollmentRefusal('busy', 'The same device enrolled once more at the same moment.');
  }
  return settled;
}

/**
 * Compares an enrollment with those that have something of its identity. Repeating it changes nothing.
 * @param calls as with `settleReturn`
 * @returns the record, with its flags; `superseded` where the device has enrolled anew, so that this one was ended
 */
export async function compareWithOthers(
  storage: Storage,
  device: Device,
  now: Date,
  calls: number,
): Promise<Device | 'superseded'> {
  const found = (await findByIdentity(storage, device)).map((rows) => ({ rows, kind: kindOf(device, rows[0]!.value) }));
  const others = found.filter(({ kind }) => kind !== 'different').sort(endsFirst);
  const newer = others.find((other) => isNewerSame(other, device))?.rows[0]?.value;
  if (newer && (await isCurrent(storage, newer.id)) && (await endFor(storage, device.id, newer, now)))
    return 'superseded';
  let left = newer ? calls - 1 : calls;
  let record = device;
  const flags: DeviceFlag[] = [];
  for (const other of others.filter((each) => !isNewerSame(each, device))) {
    // With one that ends, and with the first flag, the device's own record is written too.
    const ownCost = other.kind === 'same' || flags.length === 0 ? CALLS_TO_FLAG : 0;
    const cost = ownCost + (other.kind === 'same' ? CALLS_TO_END : CALLS_TO_FLAG);
    if (cost > left) break;
    left -= cost;
    if (other.kind === 'same') record = (await endOne(storage, device, other, now)) ?? record;
    else flags.push(...(await flagOne(storage, device, other, now)));
  }
  return flags.length > 0 ? ((await addFlags(storage, device.id, flags)) ?? record) : record;
}

/** @returns whether an enrollment was ended for a later one */
async function endFor(storage: Storage, id: string, later: IdentityRow, now: Date): Promise<boolean> {
  return (await supersedeReturned(storage, id, later, [], now)) !== undefined;
}

/** @returns the device's own record, with what it inherits; undefined where nothing was ended */
function endOne(storage: Storage, device: Device, { rows }: Found, now: Date): Promise<Device | undefined> {
  const by = { id: device.id, identity: identityOf(device) };
  return supersedeReturned(storage, rows[0]!.value.id, by, rows, now);
}

/** Flags the other one. @returns what the device's own record should say of it; nothing where that one is over */
async function flagOne(storage: Storage, device: Device, { rows, kind }: Found, now: Date): Promise<DeviceFlag[]> {
  const { id } = rows[0]!.value;
  const theirs = await addFlags(storage, id, [newFlag(kind as FlagKind, device.id, now)]);
  return theirs ? [newFlag(kind as FlagKind, id, now)] : [];
}

type Kind = 'same' | 'different' | FlagKind;
type Found = { rows: Row<IdentityRow>[]; kind: Kind };

function kindOf(device: Device, other: IdentityRow): Kind {
  const likeness = sameDevice(identityOf(device), other.identity);
  const sameUser = normaliseUser(device.user) === normaliseUser(other.user);
  return likeness === 'same' && !sameUser ? 'otherUser' : likeness;
}

type Dated = Pick<IdentityRow, 'id' | 'enrolledAt'>;

function isLater(one: Dated, other: Dated): boolean {
  return one.enrolledAt === other.enrolledAt ? one.id > other.id : one.enrolledAt > other.enrolledAt;
}

function isNewerSame({ rows, kind }: Found, device: Device): boolean {
  return kind === 'same' && isLater(rows[0]!.value, device);
}

/** What is to be ended before what is flagged, and the newest first. */
function endsFirst(one: Found, other: Found): number {
  if ((one.kind === 'same') !== (other.kind === 'same')) return one.kind === 'same' ? -1 : 1;
  return isLater(one.rows[0]!.value, other.rows[0]!.value) ? -1 : 1;
}

/**
 * Ends an enrollment whose device has enrolled anew, and its commands with it. The session row is written too, so that a
 * message that is being answered starts again and sees it. What administrators have said of the PC goes on to the newer one first.
 * Calls: five.
 * @param index its rows of the identity index, which leave with it
 * @returns the record of the newer one, with what it inherits and its flags; undefined where nothing was ended
 */
async function supersedeReturned(
  storage: Storage,
  id: string,
  by: Pick<IdentityRow, 'id' | 'identity'>,
  index: readonly Row<IdentityRow>[],
  now: Date,
): Promise<Device | undefined> {
  const table = storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { rows } = await table.page<unknown>(id, { before: '~', limit: MAX_COMMANDS + 2 });
    const device = rows.find(({ rowKey }) => rowKey === DEVICE_ROW) as Row<Device> | undefined;
    if (!device || hasLeft(device.value) || device.value.state === 'blocked') {
      if (device && hasLeft(device.value))
        await tryWrite(storage.table('devicelist'), LIST_PARTITION, withoutIdentity(index));
      return undefined;
    }
    const session = rows.find(({ rowKey }) => rowKey === SESSION_ROW) as Row<{ lastAt?: string }> | undefined;
    const withoutSerial = !agreeOnSerial(identityOf(device.value), by.identity);
    const kinds: FlagKind[] = [
      ...(withoutSerial ? ['withoutSerial' as const] : []),
      ...(waitsToBeTold(device.value) ? ['unenrollOvertaken' as const] : []),
    ];
    const flags = kinds.map((kind) => newFlag(kind, id, now));
    const heir = await handOn(storage, device.value, by.id, flags);
    if (!heir) return undefined;
    const value: Device = {
      ...device.value,
      state: 'superseded',
      supersededBy: by.id,
      supersededBecause: 'return',
      revision: device.value.revision + 1,
      ...(withoutSerial ? { flags: addFlag(device.value.flags, newFlag('withoutSerial', by.id, now)) } : {}),
    };
    const changes: Change[] = [
      { kind: 'replace', rowKey: DEVICE_ROW, value, etag: device.etag },
      ...(session
        ? [{ kind: 'replace', rowKey: SESSION_ROW, value: session.value, etag: session.etag } as Change]
        : []),
      ...rows.filter(isCommand).flatMap((row) => moveToFinished(row, endWithDevice(row.value, now, 'returned'))),
    ];
    if (!(await tryWrite(table, id, changes))) continue;
    const entry: Change = { kind: 'upsert', rowKey: id, value: listEntry(value, session?.value.lastAt?.slice(0, 10)) };
    const replaced = keepReplaced({ id, identity: identityOf(value) }, by, now);
    await tryWrite(storage.table('devicelist'), LIST_PARTITION, [entry, ...replaced, ...withoutIdentity(index)]);
    return heir;
  }
  return undefined;
}

function isCommand(row: Row<unknown>): row is Row<Command> {
  return row.rowKey.startsWith(COMMAND_PREFIX);
}

/** Calls: two. @returns the record, undefined where the enrollment is over or others kept writing */
async function addFlags(storage: Storage, id: string, added: readonly DeviceFlag[]): Promise<Device | undefined> {
  const device = await changeFlags(storage, id, (record) =>
    hasLeft(record) ? record.flags : added.reduce<DeviceFlag[] | undefined>(addFlag, record.flags),
  );
  return device && !hasLeft(device) ? device : undefined;
}

/**
 * Ends what an enrollment that broke off had left: old enrollments whose device has a later one of the same user.
 * A call for each thousand enrollments, and a few for each that is found. @returns how many were ended
 */
export async function sweepReturned(storage: Storage, now: Date): Promise<number> {
  let ended = 0;
  for await (const group of eachSharedDeviceId(storage)) {
    const ordered = group.toSorted((one, other) => (isLater(one, other) ? -1 : 1));
    for (const [index, old] of ordered.entries()) {
      const later = ordered.slice(0, index).find((candidate) => isReturnOf(candidate, old));
      if (!later || !(await isCurrent(storage, later.id))) continue;
      if (await endFor(storage, old.id, later, now)) ended += 1;
    }
  }
  return ended;
}

function isReturnOf(later: IdentityRow, old: IdentityRow): boolean {
  return sameDevice(later.identity, old.identity) === 'same' && normaliseUser(later.user) === normaliseUser(old.user);
}

async function isCurrent(storage: Storage, id: string): Promise<boolean> {
  const row = await storage.table('devices').get<Device>(id, DEVICE_ROW);
  return row !== undefined && !hasLeft(row.value);
}
