import { sha256 } from '../platform/ids.ts';
import { Problem } from '../platform/problem.ts';
import type { Change, Table } from '../storage/tables.ts';

/**
 * `Idempotency-Key` of the admin API, for calls that change one device: what the call gave is written in the same
 * transaction as what it did, so a call that is sent twice acts once and is answered alike.
 */
export interface Idempotency {
  key: string;
  /** SHA-256 of method, path and body, hex. */
  requestHash: string;
}

interface Remembered {
  requestHash: string;
  at: string;
  answer: unknown;
}

const KEPT_FOR_MS = 24 * 3_600_000;
/** Behind `~`: a management message does not read these rows. */
export const IDEMPOTENCY_PREFIX = '~idempotency|';

function rowKeyOf({ key }: Idempotency): string {
  return IDEMPOTENCY_PREFIX + sha256(key).toString('hex');
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
  if (!row || now.getTime() - Date.parse(row.value.at) > KEPT_FOR_MS) return undefined;
  if (row.value.requestHash !== idempotency.requestHash) {
    throw new Problem(
      422,
      'Idempotency-Key reused',
      'This Idempotency-Key was used for another request. Use a new one.',
    );
  }
  return row.value.answer as T;
}

/** @returns the change that remembers `answer`, to be part of the transaction that does the work; none without a key */
export function remember(idempotency: Idempotency | undefined, answer: unknown, now: Date): Change[] {
  if (!idempotency) return [];
  const value: Remembered = { requestHash: idempotency.requestHash, at: now.toISOString(), answer };
  return [{ kind: 'upsert', rowKey: rowKeyOf(idempotency), value }];
}
