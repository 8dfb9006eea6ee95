import type { DeviceFlag, FlagKind } from './device.ts';

/** What an administrator should look at: two enrollments that may be of one PC, or of copies of it. Pure. */

/** A record is bounded. Of many copies of one disk these say enough. */
const MAX_FLAGS = 10;

const WORDS: Record<FlagKind, string> = {
  oldIdentity:
    'Another enrollment has the same serial number and another DeviceID or Entra device id: the PC was reset, and its old identity is still there.',
  sharedHardwareId:
    'Another enrollment has the same hardware id and is another device by serial number or DeviceID: copies of one disk, or a PC that was reset.',
  sharedDeviceId: 'Another enrollment has the same DeviceID and other hardware: copies of one disk.',
  otherUser: 'The same PC is enrolled for another user too. Whichever is the old one is not ended by itself.',
  withoutSerial:
    'One of two enrollments ended for the other: hardware id and DeviceID agree, and no serial number says that it is one PC. A copy of its disk would look the same.',
  unenrollOvertaken:
    'The PC enrolled anew before an Unenroll that was asked for had reached it. Nothing asks it to leave any more: ask again if it is to.',
};

/** @param other the enrollment that it is about */
export function newFlag(kind: FlagKind, other: string, now: Date, reason = WORDS[kind]): DeviceFlag {
  return { kind, other, since: now.toISOString(), reason };
}

/** @returns the flags with this one; the same array where it stands already, or there are enough of its kind */
export function addFlag(flags: DeviceFlag[] | undefined, added: DeviceFlag): DeviceFlag[] {
  const before = flags ?? [];
  if (before.some(({ kind, other }) => kind === added.kind && other === added.other)) return before;
  const isFull = before.length >= MAX_FLAGS;
  if (isFull && before.some(({ kind }) => kind === added.kind)) return before;
  return [...before, added].slice(-MAX_FLAGS);
}

/** @returns the flags without that kind about that enrollment; the same array where there is none, undefined where none is left */
export function withoutFlag(flags: DeviceFlag[] | undefined, kind: FlagKind, about: string): DeviceFlag[] | undefined {
  const left = flags?.filter((each) => each.kind !== kind || each.other !== about);
  if (left?.length === flags?.length) return flags;
  return left && left.length > 0 ? left : undefined;
}
