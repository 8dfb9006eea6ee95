import type { Device } from './device.ts';

/**
 * By what a device is known again. All of it is the device's own word: it may link enrollments of one user, and decides
 * nothing between users. Upper case without blanks; absent where it is not known or says nothing.
 */
export interface Identity {
  /** SMBIOS serial number: of the hardware, unless the maker left it out. */
  serial?: string;
  /** HWDevID: made from the hardware, and copied with an image of a disk. */
  hardwareId?: string;
  /** DeviceID: of the installation of Windows. */
  deviceId?: string;
  entraDeviceId?: string;
}

/**
 * What two identities say of each other. `same`: at least two of them agree and none differs. `oldIdentity`: the serial number
 * is the same and Windows or Entra know the PC by another name, as after a reset. `sharedHardwareId` and `sharedDeviceId`: one
 * agrees and what should go with it differs, as with copies of one disk.
 */
export type Likeness = 'same' | 'oldIdentity' | 'sharedHardwareId' | 'sharedDeviceId' | 'different';

/** What makers and hypervisors put where no serial number is; compared without regard to case. */
const PLACEHOLDERS = new Set([
  'TO BE FILLED BY O.E.M.',
  'TO BE FILLED BY OEM',
  'DEFAULT STRING',
  'DEFAULT',
  'SYSTEM SERIAL NUMBER',
  'CHASSIS SERIAL NUMBER',
  'BASE BOARD SERIAL NUMBER',
  'SERIAL NUMBER',
  'NOT SPECIFIED',
  'NOT APPLICABLE',
  'NOT AVAILABLE',
  'NONE',
  'N/A',
  'NA',
  'NULL',
  'INVALID',
  'UNKNOWN',
  'O.E.M.',
  'OEM',
  'INSYDE',
  'EMPTY',
  'TBD',
  'PARALLELS',
]);
const COUNTED = /^0?1?2345678?9?0?(?:ABCDEF)?$/;
/** All zeros, all F, dashes, dots: one character again and again. */
const MONOTONE = /^(.)\1*$/;

/** @returns the serial number as it is compared, undefined for one that many devices have. */
export function strongSerial(text: string | undefined): string | undefined {
  const serial = (text ?? '').trim().replace(/\s+/g, ' ').toUpperCase();
  const bare = serial.replace(/[\s.\-_]/g, '');
  const isWeak = bare.length < 3 || PLACEHOLDERS.has(serial) || MONOTONE.test(bare) || COUNTED.test(bare);
  return isWeak ? undefined : serial;
}

function strongId(text: string | undefined): string | undefined {
  const id = (text ?? '').replace(/[\s{}-]/g, '').toUpperCase();
  return id.length < 3 || MONOTONE.test(id) ? undefined : id;
}

/** The identity of an enrollment: what it said when it enrolled, and what the server read since. */
export function identityOf(
  device: Pick<Device, 'context' | 'facts' | 'join'> & { admission?: Pick<Device['admission'], 'entraDeviceId'> },
): Identity {
  const { context, facts, join, admission } = device;
  const identity: Identity = {
    serial: strongSerial(context['SerialNumber']) ?? strongSerial(facts['serialNumber']?.value),
    hardwareId: strongId(context['HWDevID']),
    deviceId: strongId(context['DeviceID']),
    entraDeviceId: strongId(join?.entraDeviceId ?? admission?.entraDeviceId),
  };
  return Object.fromEntries(Object.entries(identity).filter(([, value]) => value !== undefined));
}

const KINDS = ['serial', 'hardwareId', 'deviceId', 'entraDeviceId'] as const;

/** Whether two enrollments are of one device, as far as their identities say. Symmetric; who may act on it is another matter. */
export function sameDevice(one: Identity, other: Identity): Likeness {
  const known = KINDS.filter((kind) => one[kind] !== undefined && other[kind] !== undefined);
  const agree = new Set(known.filter((kind) => one[kind] === other[kind]));
  const differ = known.filter((kind) => one[kind] !== other[kind]);
  if (agree.size === 0) return 'different';
  // One alone is too little: each of them can be copied, changed or left out.
  if (differ.length === 0) return agree.size >= 2 ? 'same' : 'different';
  if (agree.has('serial')) return 'oldIdentity';
  if (agree.has('hardwareId')) return 'sharedHardwareId';
  return agree.has('deviceId') ? 'sharedDeviceId' : 'different';
}

/** @returns whether something of which both say what it is differs */
export function contradicts(one: Identity, other: Identity): boolean {
  return KINDS.some((kind) => one[kind] !== undefined && other[kind] !== undefined && one[kind] !== other[kind]);
}

/** @returns whether both say their serial number, and the same */
export function agreeOnSerial(one: Identity, other: Identity): boolean {
  return one.serial !== undefined && one.serial === other.serial;
}
