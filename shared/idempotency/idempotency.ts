import { sha256 } from '../platform/ids.ts';
import { Problem } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import { type Change, Conflict, type Table, tryWrite } from '../storage/tables.ts';

/**
 * `Idempotency-Key` of the admin API: a call that is sent twice acts once and is answered alike, for 24 hours.
 *
 * Where all that a call does lies in one partition, its answer is written in the same transaction (`recall`, `remember`).
 * Where it does not, or the answer must not be stored, the key is claimed first and the answer made from it (`claim`).
 */
export interface Idempotency {
  key: string;
  /** SHA-256 of method, path and body, hex. */
  requestHash: string;
}

interface Remembered {
  requestHash: string;
  at: string;
  answer?: unknown;
}

const KEPT_FOR_MS = 24 * 3_600_000;
/** Behind `~`: a management message does not read these rows. */
const PREFIX = '~idempotency|';

function rowKeyOf({ key }: Idempotency): string {
  return PREFIX + sha256(key).toString('hex');
}

/**
 * @returns what the same call gave before; undefined when it is new
 * @throws {Problem} 422 when the key was used for another request in the last 24 hours
 */
export async function recall<T>(
  table: Table,
  partitionKey: string,
  idempotency: Idempotency | undefined,
  now: Date,
): Promise<T | undefined> {
  if (!idempotency) return undefined;
  const row = await table.get<Remembered>(partitionKey, rowKeyOf(idempotency));
  return row && isFresh(row, idempotency, now) ? (row.value.answer as T) : undefined;
}

/** @returns the change that remembers `answer`, to be part of the transaction that does the work; none without a key */
export function remember(idempotency: Idempotency | undefined, answer: unknown, now: Date): Change[] {
  if (!idempotency) return [];
  const value: Remembered = { requestHash: idempotency.requestHash, at: now.toISOString(), answer };
  return [{ kind: 'upsert', rowKey: rowKeyOf(idempotency), value }];
}

/**
 * Claims the key for this request. One call, or three when it was claimed before.
 * @returns the time of the first claim (ISO 8601): the same for each repetition, another after 24 hours
 * @throws {Problem} 422 when the key was used for another request in the last 24 hours
 */
export async function claim(table: Table, partitionKey: string, idempotency: Idempotency, now: Date): Promise<string> {
  const rowKey = rowKeyOf(idempotency);
  const value: Remembered = { requestHash: idempotency.requestHash, at: now.toISOString() };
  if (await tryWrite(table, partitionKey, [{ kind: 'insert', rowKey, value }])) return value.at;
  const row = await table.get<Remembered>(partitionKey, rowKey);
  if (row && isFresh(row, idempotency, now)) return row.value.at;
  if (row && (await tryWrite(table, partitionKey, [{ kind: 'replace', rowKey, value, etag: row.etag }])))
    return value.at;
  throw new Conflict('another call claims the same Idempotency-Key at this moment', { certain: true });
}

/** One call. @returns the rows of a partition's keys that nothing will be compared with any more, at most 100 */
export async function endedIdempotency(table: Table, partitionKey: string, now: Date): Promise<Row<unknown>[]> {
  const { rows } = await table.page<Remembered>(partitionKey, { from: PREFIX, before: `${PREFIX}~`, limit: 100 });
  return rows.filter(({ value }) => now.getTime() - Date.parse(value.at) > KEPT_FOR_MS);
}

/** A key that was used within 24 hours must come with the same request. */
function isFresh({ value }: Row<Remembered>, { requestHash }: Idempotency, now: Date): boolean {
  if (now.getTime() - Date.parse(value.at) > KEPT_FOR_MS) return false;
  if (value.requestHash === requestHash) return true;
  throw new Problem(422, 'Idempotency-Key reused', 'This Idempotency-Key was used for another request. Use a new one.');
}
