import { DEVICE_ROW, type Device, hasLeft, SESSION_ROW } from '../devices/device.ts';
import { eachListed } from '../devices/device-list.ts';
import { endedIdempotency } from '../idempotency/idempotency.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, type Table, tryWrite } from '../storage/tables.ts';
import { COMMAND_PREFIX, type Command, FINISHED_PREFIX } from './command.ts';
import { moveToFinished } from './finished-rows.ts';
import { blobsOf } from './large-results.ts';
import { type Departure, endWithDevice } from './settle.ts';

/** How long a finished command and its results can be asked for. */
export const FINISHED_KEPT_DAYS = 90;
const DAY_MS = 86_400_000;
const PAGE = 100;

/** What has been deleted. */
export interface Pruned {
  commands: number;
  /** Commands that were not finished when their device left, and are ended now. */
  ended: number;
  idempotencyKeys: number;
}

/**
 * Deletes what has been kept long enough behind the devices' records: finished commands with their results, and
 * Idempotency-Keys. The records themselves stay, whatever became of the devices.
 */
export async function pruneDevices(storage: Storage, now: Date): Promise<Pruned> {
  const pruned: Pruned = { commands: 0, ended: 0, idempotencyKeys: 0 };
  for await (const entry of eachListed(storage)) {
    if (hasLeft(entry)) pruned.ended += await endLeftovers(storage, entry.id, now);
    pruned.commands += await pruneCommands(storage, entry.id, now);
    pruned.idempotencyKeys += await pruneKeys(storage, entry.id, now);
  }
  return pruned;
}

/** Finished commands lie in the order of their sequence, so the first that is young enough ends the search. */
async function pruneCommands(storage: Storage, deviceId: string, now: Date): Promise<number> {
  const before = new Date(now.getTime() - FINISHED_KEPT_DAYS * DAY_MS).toISOString();
  let deleted = 0;
  for (;;) {
    const { rows } = await storage
      .table('devices')
      .page<Command>(deviceId, { from: FINISHED_PREFIX, before: `${FINISHED_PREFIX}~`, limit: PAGE });
    const young = rows.findIndex(({ value }) => (value.finishedAt ?? value.queuedAt) >= before);
    const old = young < 0 ? rows : rows.slice(0, young);
    if (!(await deleteRows(storage, deviceId, old))) return deleted;
    deleted += old.length;
    await deleteResults(storage, old);
    if (old.length < PAGE) return deleted;
  }
}

/** What the message that sent the Unenroll had no room to cancel, and what was never answered before it. */
async function endLeftovers(storage: Storage, deviceId: string, now: Date): Promise<number> {
  const table = storage.table('devices');
  const device = await table.get<Device>(deviceId, DEVICE_ROW);
  if (!device || !hasLeft(device.value)) return 0;
  const { rows } = await table.page<Command>(deviceId, {
    from: COMMAND_PREFIX,
    before: `${COMMAND_PREFIX}~`,
    limit: PAGE,
  });
  const how = departureOf(device.value);
  let ended = 0;
  for (const row of rows) {
    const forgets = row.value.items.some((item) => item.sealed) ? await forgetReply(table, deviceId) : [];
    const changes = [...moveToFinished(row, endWithDevice(row.value, now, how)), ...forgets];
    if (await tryWrite(table, deviceId, changes)) ended += 1;
  }
  return ended;
}

function departureOf({ state }: Device): Departure {
  if (state === 'superseded') return 'returned';
  return state === 'wiped' ? 'wiped' : 'unenrolled';
}

/** The last reply is kept for a repetition that will not come any more, and may hold the secret data of the command. */
async function forgetReply(table: Table, deviceId: string): Promise<Change[]> {
  const row = await table.get<{ replySealed?: boolean }>(deviceId, SESSION_ROW);
  if (!row?.value.replySealed) return [];
  const value = { ...row.value, lastReply: Buffer.alloc(0), replySealed: undefined };
  return [{ kind: 'replace', rowKey: SESSION_ROW, value, etag: row.etag }];
}

async function deleteResults(storage: Storage, rows: readonly Row<Command>[]): Promise<void> {
  const names = rows.flatMap(({ value }) => value.results.flatMap((result) => (result ? blobsOf(result) : [])));
  for (const name of names) await storage.blobs('results').delete(name);
}

async function pruneKeys(storage: Storage, deviceId: string, now: Date): Promise<number> {
  const ended = await endedIdempotency(storage.table('devices'), deviceId, now);
  return (await deleteRows(storage, deviceId, ended)) ? ended.length : 0;
}

/** @returns whether there was something to delete and it is deleted; when somebody else was first, the next day does it */
async function deleteRows(storage: Storage, deviceId: string, rows: readonly Row<unknown>[]): Promise<boolean> {
  if (rows.length === 0) return false;
  const changes = rows.map(({ rowKey, etag }): Change => ({ kind: 'delete', rowKey, etag }));
  return tryWrite(storage.table('devices'), deviceId, changes);
}
