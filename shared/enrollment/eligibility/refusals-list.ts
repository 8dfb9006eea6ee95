import { CATALOGUE_PARTITION, REFUSALS_ROW } from '../../catalogue/catalogue.ts';
import { whyWeakSerial } from '../../devices/weak-serial.ts';
import { badRequest, notFound } from '../../platform/problem.ts';
import { isKey, keyPart, type Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Change, tryWrite } from '../../storage/tables.ts';
import { normaliseUser } from '../grants.ts';

/**
 * Who and what must not enroll, besides what the settings say: rows that the admin app writes and the enroll app reads by
 * their keys. One small partition, beside the catalogue but not part of what every message reads.
 */

export const REFUSED_KINDS = ['user', 'serial', 'hardwareId'] as const;
export type RefusedKind = (typeof REFUSED_KINDS)[number];

/** A block that an administrator set. */
export interface Block {
  kind: RefusedKind;
  /** As it is compared: trimmed, users in lower case, the others in capitals. */
  value: string;
  reason: string;
  /** Who answers for it, in the words of the caller. */
  person: string;
  at: string;
}

/** A device that is being taken out of service must not come back while that goes on. */
export interface DecommissionHold {
  kind: 'decommission';
  jobId: string;
  at: string;
}

const PARTITION = 'refusals';
const HOLD_PREFIX = 'decommission|';
const MAX_VALUE = 320;

/** What is asked about. Members that are empty are not looked for. */
export interface RefusalSubject {
  user: string;
  serial: string;
  hardwareId: string;
}

/**
 * Finds what stands against a user with a device. One call.
 * @throws StorageUnavailable
 */
export async function findRefusals(storage: Storage, subject: RefusalSubject): Promise<(Block | DecommissionHold)[]> {
  const blocks = REFUSED_KINDS.map((kind) => ({ kind, value: normaliseRefused(kind, subject[kind]) }));
  const keys = blocks.filter(({ value }) => value !== '').map(({ kind, value }) => rowKeyOf(kind, value));
  const rows = await storage
    .table('catalogue')
    .getMany<Block | DecommissionHold>(PARTITION, [...keys, ...holdKeys(subject)]);
  return rows.map(({ value }) => value);
}

/**
 * Blocks a user, a serial number or a hardware id; one that is blocked gets the new reason. Two calls.
 * @throws {Problem} 400 for a value that cannot be one, or a serial number that many devices share
 */
export async function block(storage: Storage, { kind, value, reason, person, at }: Block): Promise<Block> {
  const row: Block = { kind, value: checkRefused(kind, value), reason, person, at };
  const change: Change = { kind: 'upsert', rowKey: rowKeyOf(kind, row.value), value: row };
  await announce(storage);
  await storage.table('catalogue').write(PARTITION, [change]);
  return row;
}

/** Tells the apps that there are refusals to look for; they see it within the minute for which they keep the catalogue. */
function announce(storage: Storage): Promise<void> {
  return storage.table('catalogue').write(CATALOGUE_PARTITION, [{ kind: 'upsert', rowKey: REFUSALS_ROW, value: {} }]);
}

/** One call. @throws {Problem} 404 */
export async function readBlock(storage: Storage, kind: RefusedKind, value: string): Promise<Row<Block>> {
  const normal = normaliseRefused(kind, value);
  const row = await storage.table('catalogue').get<Block>(PARTITION, rowKeyOf(kind, normal));
  if (!row) throw notFound(`The ${NAMES[kind]} ${normal.slice(0, 100)} is not blocked.`);
  return row;
}

/** Lets it enroll again. Two calls. @returns what the block was. @throws {Problem} 404; {Conflict} */
export async function unblock(storage: Storage, kind: RefusedKind, value: string): Promise<Block> {
  const row = await readBlock(storage, kind, value);
  await storage.table('catalogue').write(PARTITION, [{ kind: 'delete', rowKey: row.rowKey, etag: row.etag }]);
  return row.value;
}

/** One page of the blocks, by kind and value; one call. `cursor` is the `next` of the page before. */
export async function listBlocks(
  storage: Storage,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: Block[]; next?: string }> {
  // Holds sort in front of the kinds of blocks.
  const from = cursor ?? `${HOLD_PREFIX}~`;
  const { rows, next } = await storage.table('catalogue').page<Block>(PARTITION, { from, limit });
  return { items: rows.map(({ value }) => value), next };
}

/** Keeps a device from enrolling while a decommission of it is open. Repeating it changes nothing. Two calls. */
export async function holdForDecommission(
  storage: Storage,
  device: Omit<RefusalSubject, 'user'>,
  hold: { jobId: string; at: string },
): Promise<void> {
  const value: DecommissionHold = { kind: 'decommission', ...hold };
  const changes = holdKeys(device).map((rowKey): Change => ({ kind: 'upsert', rowKey, value }));
  await announce(storage);
  await storage.table('catalogue').write(PARTITION, changes);
}

/** The decommission has ended: what it held may enroll again, unless another one holds it. Two calls. */
export async function releaseFromDecommission(
  storage: Storage,
  device: Omit<RefusalSubject, 'user'>,
  jobId: string,
): Promise<void> {
  const table = storage.table('catalogue');
  const rows = await table.getMany<DecommissionHold>(PARTITION, holdKeys(device));
  const own = rows.filter(({ value }) => value.jobId === jobId);
  // Whoever was first at this moment was a release of the same job, or another job that holds it now.
  await tryWrite(
    table,
    PARTITION,
    own.map(({ rowKey, etag }) => ({ kind: 'delete', rowKey, etag })),
  );
}

/** Weak serial numbers hold nothing: they would hold other devices too. */
function holdKeys({ serial, hardwareId }: Omit<RefusalSubject, 'user'>): string[] {
  const parts: [RefusedKind, string][] = [
    ['serial', whyWeakSerial(serial) === undefined ? normaliseRefused('serial', serial) : ''],
    ['hardwareId', normaliseRefused('hardwareId', hardwareId)],
  ];
  return parts.filter(([, value]) => value !== '').map(([kind, value]) => HOLD_PREFIX + rowKeyOf(kind, value));
}

const NAMES: Record<RefusedKind, string> = { user: 'user', serial: 'serial number', hardwareId: 'hardware id' };

function normaliseRefused(kind: RefusedKind, value: string): string {
  const text = value.trim().slice(0, MAX_VALUE).toWellFormed();
  return kind === 'user' ? normaliseUser(text) : text.toUpperCase().replace(/\s+/g, ' ');
}

function checkRefused(kind: RefusedKind, given: string): string {
  const value = normaliseRefused(kind, given);
  const refuse = (message: string) => badRequest([{ field: 'value', message }]);
  if (value === '' || given.trim().length > MAX_VALUE) throw refuse(`must have 1 to ${MAX_VALUE} characters`);
  if (kind === 'user' && !/^[^\s\p{C}@\\/]+@[^\s\p{C}@\\/]+$/u.test(value)) throw refuse('must look like user@domain');
  const weak = kind === 'user' ? undefined : whyWeakSerial(value);
  if (weak) throw refuse(`"${value}" ${weak}. Block the ${kind === 'serial' ? 'hardware id' : 'user'} instead`);
  if (!isKey(rowKeyOf(kind, value))) throw refuse('cannot be kept: it is too long, or has too many odd characters');
  return value;
}

function rowKeyOf(kind: RefusedKind, value: string): string {
  return `${kind}|${keyPart(value)}`;
}
