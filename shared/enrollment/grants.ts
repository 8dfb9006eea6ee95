import type { Identity } from '../devices/identity.ts';
import { keyPart, type Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';

/**
 * What lets one user enroll a number of devices: an invitation, or the standing right of a user who signed in. Each
 * enrollment is written here first, as a use that names it.
 */
export interface Grant {
  id: string;
  user: string;
  /** Absent where only the limits of the organisation count. */
  maxDevices?: number;
  /** Enrollments that count against `maxDevices`. */
  uses: GrantUse[];
}

export interface GrantUse {
  enrollmentId: string;
  publicKeyHash: string;
  hwDevId: string;
  /** What the PC said of itself: copies of one disk have one HWDevID. */
  identity?: Identity;
  at: string;
  /** The enrollment whose place this one takes. */
  replaces?: string;
  /** No serial number says that the two are of one PC. */
  replacesWithoutSerial?: true;
  /** How many enrollments were given up before this one. */
  retries?: number;
}

/** The devices that a user has, whichever of his grants admitted them. */
export interface Places {
  devices: Place[];
}

export interface Place {
  enrollmentId: string;
  at: string;
  /** What the device said of itself: one that comes again takes the place that it had. */
  identity: Identity;
}

/** A grant with the user's places as they were read in the same call; `none` before the first. */
export type GrantRow<T extends Grant = Grant> = Row<T> & { places?: Row<Places> | 'none' };

/** The row of the places sorts behind the invitations of the partition and before the standing grant. */
export const PLACES_ROW = '~devices';

/** The row of the right that a user has who needs no invitation; it sorts behind the invitations of the partition. */
export const STANDING_ROW = '~standing';

/** Older uses of a standing grant count for nothing any more: a lost reply is repeated soon or never. */
const MAX_STANDING_USES = 100;

/** Everything that one user may do lies in one partition of the table `invitations`. */
export function partitionOfUser(user: string): string {
  return `user|${keyPart(normaliseUser(user).slice(0, 320))}`;
}

/** Users are compared without regard to case: Windows and Entra write the same name differently. */
export function normaliseUser(user: string): string {
  return user.trim().toLowerCase();
}

/** The grant of a user who proved who he is by signing in. One call; there is no row before its first use. */
export async function readStandingGrant(storage: Storage, user: string): Promise<GrantRow> {
  const partitionKey = partitionOfUser(user);
  const rows = await storage.table('invitations').getMany<Grant>(partitionKey, [STANDING_ROW, PLACES_ROW]);
  const row = rows.find(({ rowKey }) => rowKey === STANDING_ROW);
  const value: Grant = { id: STANDING_ROW, user: normaliseUser(user), uses: [] };
  return { ...(row ?? { partitionKey, rowKey: STANDING_ROW, etag: '', value }), places: placesAmong(rows) };
}

/** @returns the row of places, when the rows are all that were asked for and it was among them */
export function placesAmong(rows: readonly Row<unknown>[]): Row<Places> | 'none' {
  return (rows.find(({ rowKey }) => rowKey === PLACES_ROW) as Row<Places> | undefined) ?? 'none';
}

/**
 * Writes the uses of a grant, and what else of the user changes with them. One call.
 * @throws {GrantMoved} when another request used the same grant at this moment
 */
export async function writeUses(
  storage: Storage,
  grant: Row<Grant>,
  uses: GrantUse[],
  more: Change[] = [],
): Promise<void> {
  const { partitionKey, rowKey, etag } = grant;
  const value = { ...grant.value, uses: rowKey === STANDING_ROW ? uses.slice(-MAX_STANDING_USES) : uses };
  const change: Change = etag === '' ? { kind: 'insert', rowKey, value } : { kind: 'replace', rowKey, value, etag };
  if (!(await tryWrite(storage.table('invitations'), partitionKey, [change, ...more]))) throw new GrantMoved();
}

/** Another request used the same grant at this moment; the caller reads it again. */
export class GrantMoved extends Error {
  override readonly name = 'GrantMoved';
}
