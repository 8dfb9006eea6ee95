import { CATALOGUE_PARTITION, REFUSALS_ROW } from '../../catalogue/catalogue.ts';
import { strongSerial } from '../../devices/identity.ts';
import { isKey, keyPart } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { normaliseUser } from '../grants.ts';

/** The rows of those who must not enroll: one small partition, beside the catalogue but not part of what every message reads. */

export const REFUSALS_PARTITION = 'refusals';

export const REFUSED_KINDS = ['user', 'serial', 'hardwareId'] as const;
export type RefusedKind = (typeof REFUSED_KINDS)[number];

/** A refusal that an administrator set: of a user or of what a PC says of itself, or of one enrolled device. */
export interface Block<Kind extends string = RefusedKind | 'device'> {
  kind: Kind;
  /** As it is compared: trimmed, users in lower case, the others in capitals; for a device its enrollment id. */
  value: string;
  reason: string;
  /** Who answers for it, in the words of the caller. */
  person: string;
  at: string;
}

/** A device that is being taken out of service must not come back while that goes on. */
export interface DecommissionHold {
  kind: 'decommission';
  /** The enrollment of the device. */
  deviceId: string;
  /** Its serial number, where it has one of its own: another PC with the same hardware id is another PC. */
  serial?: string;
  reason: string;
  person: string;
  at: string;
}

/** All holds that go by one serial number or hardware id: copies of one disk share it. */
export interface HoldRow {
  kind: 'decommission';
  holds: DecommissionHold[];
}

/** What is asked about. Members that are empty are not looked for. */
export interface RefusalSubject {
  user: string;
  serial: string;
  hardwareId: string;
}

export type HeldIdentity = Omit<RefusalSubject, 'user'>;

/** Holds sort in front of what administrators see. */
export const HOLD_PREFIX = 'decommission|';
export const MAX_VALUE = 320;

/** Weak serial numbers hold nothing: they would hold other devices too. */
export function holdKeys({ serial, hardwareId }: HeldIdentity): string[] {
  const ids: [RefusedKind, string][] = [
    ['serial', serial],
    ['hardwareId', hardwareId],
  ];
  return ids
    .filter(([, value]) => strongSerial(value) !== undefined)
    .map(([kind, value]) => HOLD_PREFIX + refusalKey(kind, normaliseRefused(kind, value)))
    .filter(isKey);
}

export function normaliseRefused(kind: RefusedKind, value: string): string {
  const text = value.trim().slice(0, MAX_VALUE).toWellFormed();
  return kind === 'user' ? normaliseUser(text) : text.toUpperCase().replace(/\s+/g, ' ');
}

export function refusalKey(kind: RefusedKind | 'device', value: string): string {
  return `${kind}|${keyPart(value)}`;
}

/** Tells the apps that there are refusals to look for; they see it within the minute for which they keep the catalogue. */
export function announceRefusals(storage: Storage): Promise<void> {
  return storage.table('catalogue').write(CATALOGUE_PARTITION, [{ kind: 'upsert', rowKey: REFUSALS_ROW, value: {} }]);
}
