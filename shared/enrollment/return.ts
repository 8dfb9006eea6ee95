import { COMMAND_PREFIX, type Command } from '../commands/command.ts';
import { moveToFinished } from '../commands/finished-rows.ts';
import { endWithDevice } from '../commands/settle.ts';
import { DEVICE_ROW, type Device, type DeviceFlag, type FlagKind, hasLeft, SESSION_ROW } from '../devices/device.ts';
import { LIST_PARTITION, listEntry } from '../devices/device-list.ts';
import { identityOf, sameDevice } from '../devices/identity.ts';
import { eachSharedDeviceId, findByIdentity, type IdentityRow, withoutIdentity } from '../devices/identity-index.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';
import { normaliseUser } from './grants.ts';
import { EnrollmentRefusal } from './refusal.ts';

/**
 * A PC that enrolls again: its old enrollment is over, for Windows holds one at a time. A device's word links it to the old
 * one, so only an enrollment of the same user is ended by it; everything else is only flagged for the administrator.
 *
 * The new enrollment is announced before others are looked for. Of two at the same moment at least one then sees the other,
 * and both decide alike: the later one stays.
 */

/** So that an enrollment costs a bounded number of calls. What is left over is found again by the nightly sweep. */
const MAX_ACTS = 2;
const MAX_ATTEMPTS = 3;
/** A command takes two changes of the hundred in a transaction; what is left is ended by the nightly retention. */
const MAX_COMMANDS = 45;
const MAX_FLAGS = 10;

/**
 * Ends the earlier enrollments of a device that has enrolled anew, and flags what looks like it and may be another.
 * Calls: up to three, and up to seven more where the device was here before.
 * @returns the record, with its flags
 * @throws {EnrollmentRefusal} `busy` where the device has enrolled once more meanwhile
 */
export async function settleReturn(storage: Storage, device: Device, now: Date): Promise<Device> {
  const others = (await findByIdentity(storage, device)).map((rows) => ({
    rows,
    kind: kindOf(device, rows[0]!.value),
  }));
  const same = others.filter(({ kind }) => kind === 'same').sort(newestFirst);
  const newer = same.find(({ rows }) => isLater(rows[0]!.value, device));
  if (newer && (await supersedeReturned(storage, device.id, newer.rows[0]!.value.id, [], now)) === 'superseded') {
    throw new EnrollmentRefusal('busy', 'The same device enrolled once more at the same moment.');
  }
  const older = same.filter(({ rows }) => !isLater(rows[0]!.value, device)).slice(0, MAX_ACTS);
  for (const { rows } of older) await supersedeReturned(storage, rows[0]!.value.id, device.id, rows, now);
  const alike = others.filter(({ kind }) => kind !== 'same' && kind !== 'different').sort(newestFirst);
  let flagged = device;
  for (const { rows, kind } of alike.slice(0, MAX_ACTS - older.length)) {
    flagged = await flagBoth(storage, flagged, rows, kind as FlagKind, now);
  }
  return flagged;
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

function newestFirst(one: Found, other: Found): number {
  return isLater(one.rows[0]!.value, other.rows[0]!.value) ? -1 : 1;
}

/**
 * Ends an enrollment whose device has enrolled anew, and its commands with it. The session row is written too, so that a
 * message that is being answered starts again and sees it. Calls: three.
 * @param index its rows of the identity index, which leave with it
 */
async function supersedeReturned(
  storage: Storage,
  id: string,
  by: string,
  index: readonly Row<IdentityRow>[],
  now: Date,
): Promise<'superseded' | 'left' | 'moved'> {
  const table = storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { rows } = await table.page<unknown>(id, { before: '~', limit: MAX_COMMANDS + 2 });
    const device = rows.find(({ rowKey }) => rowKey === DEVICE_ROW) as Row<Device> | undefined;
    if (!device || hasLeft(device.value) || device.value.state === 'blocked') {
      if (device && hasLeft(device.value))
        await tryWrite(storage.table('devicelist'), LIST_PARTITION, withoutIdentity(index));
      return 'left';
    }
    const session = rows.find(({ rowKey }) => rowKey === SESSION_ROW) as Row<{ lastAt?: string }> | undefined;
    const value: Device = {
      ...device.value,
      state: 'superseded',
      supersededBy: by,
      supersededBecause: 'return',
      revision: device.value.revision + 1,
    };
    const changes: Change[] = [
      { kind: 'replace', rowKey: DEVICE_ROW, value, etag: device.etag },
      ...(session
        ? [{ kind: 'replace', rowKey: SESSION_ROW, value: session.value, etag: session.etag } as Change]
        : []),
      ...rows.filter(isCommand).flatMap((row) => moveToFinished(row, endWithDevice(row.value, now))),
    ];
    if (!(await tryWrite(table, id, changes))) continue;
    const entry: Change = { kind: 'upsert', rowKey: id, value: listEntry(value, session?.value.lastAt?.slice(0, 10)) };
    await tryWrite(storage.table('devicelist'), LIST_PARTITION, [entry, ...withoutIdentity(index)]);
    return 'superseded';
  }
  return 'moved';
}

function isCommand(row: Row<unknown>): row is Row<Command> {
  return row.rowKey.startsWith(COMMAND_PREFIX);
}

const WORDS: Record<FlagKind, string> = {
  oldIdentity:
    'Another enrollment has the same serial number and another DeviceID or Entra device id: the PC was reset, and its old identity is still there.',
  sharedHardwareId:
    'Another enrollment has the same hardware id and is another device by serial number or DeviceID: copies of one disk, or a PC that was reset.',
  sharedDeviceId: 'Another enrollment has the same DeviceID and other hardware: copies of one disk.',
  otherUser: 'The same PC is enrolled for another user too. Whichever is the old one is not ended by itself.',
};

async function flagBoth(
  storage: Storage,
  device: Device,
  rows: readonly Row<IdentityRow>[],
  kind: FlagKind,
  now: Date,
): Promise<Device> {
  const other = rows[0]!.value.id;
  const since = now.toISOString();
  const theirs = await flag(storage, other, { kind, other: device.id, since, reason: WORDS[kind] });
  // An enrollment that is over harms nobody.
  if (!theirs) return device;
  return (await flag(storage, device.id, { kind, other, since, reason: WORDS[kind] })) ?? device;
}

/** Calls: two. @returns the record, undefined where the enrollment is over or others kept writing */
async function flag(storage: Storage, id: string, added: DeviceFlag): Promise<Device | undefined> {
  const table = storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await table.get<Device>(id, DEVICE_ROW);
    if (!row || hasLeft(row.value)) return undefined;
    const { flags = [], revision } = row.value;
    if (flags.some(({ kind, other }) => kind === added.kind && other === added.other)) return row.value;
    const value: Device = { ...row.value, flags: [...flags, added].slice(-MAX_FLAGS), revision: revision + 1 };
    if (await tryWrite(table, id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }])) return value;
  }
  return undefined;
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
      if ((await supersedeReturned(storage, old.id, later.id, [], now)) === 'superseded') ended += 1;
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
