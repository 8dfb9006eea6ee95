import { strongSerial } from '../../devices/identity.ts';
import { whyWeakSerial } from '../../devices/weak-serial.ts';
import { badRequest, notFound } from '../../platform/problem.ts';
import { isKey, type Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Change } from '../../storage/tables.ts';
import {
  announceRefusals,
  type Block,
  type DecommissionHold,
  HOLD_PREFIX,
  type HoldRow,
  holdKeys,
  MAX_VALUE,
  normaliseRefused,
  REFUSALS_PARTITION,
  REFUSED_KINDS,
  type RefusalSubject,
  type RefusedKind,
  refusalKey,
} from './refusal-rows.ts';

/**
 * Who and what must not enroll, besides what the settings say: rows that the admin app writes and the enroll app reads by
 * their keys.
 */

/**
 * Finds what stands against a user with a device. One call.
 * @throws StorageUnavailable
 */
export async function findRefusals(storage: Storage, subject: RefusalSubject): Promise<(Block | DecommissionHold)[]> {
  const blocks = REFUSED_KINDS.map((kind) => ({ kind, value: normaliseRefused(kind, subject[kind]) }));
  const keys = blocks.filter(({ value }) => value !== '').map(({ kind, value }) => refusalKey(kind, value));
  const rows = await storage
    .table('catalogue')
    .getMany<Block | HoldRow>(REFUSALS_PARTITION, [...keys, ...holdKeys(subject)]);
  const holds = new Map<string, DecommissionHold>();
  for (const hold of rows.flatMap(({ value }) => ('holds' in value ? value.holds : []))) {
    if (isOn(hold, subject)) holds.set(hold.deviceId, hold);
  }
  return [...rows.flatMap(({ value }) => ('holds' in value ? [] : [value])), ...holds.values()];
}

/** Copies of one disk have one hardware id: a PC that says another serial number is another PC. */
function isOn({ serial }: DecommissionHold, subject: RefusalSubject): boolean {
  const own = strongSerial(subject.serial);
  return serial === undefined || own === undefined || serial === own;
}

/**
 * Blocks a user, a serial number or a hardware id; one that is blocked gets the new reason. Two calls.
 * @throws {Problem} 400 for a value that cannot be one, or a serial number that many devices share
 */
export async function block(
  storage: Storage,
  { kind, value, reason, person, at }: Block<RefusedKind>,
): Promise<Block<RefusedKind>> {
  const row: Block<RefusedKind> = { kind, value: checkRefused(kind, value), reason, person, at };
  const change: Change = { kind: 'upsert', rowKey: refusalKey(kind, row.value), value: row };
  await announceRefusals(storage);
  await storage.table('catalogue').write(REFUSALS_PARTITION, [change]);
  return row;
}

/** One call. @throws {Problem} 404 */
export async function readBlock(storage: Storage, kind: RefusedKind, value: string): Promise<Row<Block>> {
  const normal = normaliseRefused(kind, value);
  const row = await storage.table('catalogue').get<Block>(REFUSALS_PARTITION, refusalKey(kind, normal));
  if (!row) throw notFound(`The ${NAMES[kind]} ${normal.slice(0, 100)} is not blocked.`);
  return row;
}

/** Lets it enroll again. Two calls. @returns what the block was. @throws {Problem} 404; {Conflict} */
export async function unblock(storage: Storage, kind: RefusedKind, value: string): Promise<Block> {
  const row = await readBlock(storage, kind, value);
  await storage.table('catalogue').write(REFUSALS_PARTITION, [{ kind: 'delete', rowKey: row.rowKey, etag: row.etag }]);
  return row.value;
}

/** One page of the blocks, by kind and value; one call. `cursor` is the `next` of the page before. */
export async function listBlocks(
  storage: Storage,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: Block[]; next?: string }> {
  // Holds sort in front of the kinds of blocks.
  const from = cursor ?? `${HOLD_PREFIX}~`;
  const { rows, next } = await storage.table('catalogue').page<Block>(REFUSALS_PARTITION, { from, limit });
  return { items: rows.map(({ value }) => value), next };
}

const NAMES: Record<RefusedKind, string> = { user: 'user', serial: 'serial number', hardwareId: 'hardware id' };

function checkRefused(kind: RefusedKind, given: string): string {
  const value = normaliseRefused(kind, given);
  const refuse = (message: string) => badRequest([{ field: 'value', message }]);
  if (value === '' || given.trim().length > MAX_VALUE) throw refuse(`must have 1 to ${MAX_VALUE} characters`);
  if (kind === 'user' && !/^[^\s\p{C}@\\/]+@[^\s\p{C}@\\/]+$/u.test(value)) throw refuse('must look like user@domain');
  const weak = kind === 'user' ? undefined : whyWeakSerial(value);
  if (weak) throw refuse(`"${value}" ${weak}. Block the ${kind === 'serial' ? 'hardware id' : 'user'} instead`);
  if (!isKey(refusalKey(kind, value))) throw refuse('cannot be kept: it is too long, or has too many odd characters');
  return value;
}
