import { randomBytes } from 'node:crypto';
import type { Blobs } from '../storage/blobs.ts';
import type { Storage } from '../storage/storage.ts';
import type { Exchange } from './exchange.ts';

/** Where traces lie: container `traces`, a blob for each message with its reply, named by device and time. */

export const TRACE_KEPT_DAYS = 7;
const DAY_MS = 86_400_000;
const PAGE = 1_000;

/** A name below the device: thirteen digits of milliseconds, and chance for two in one of them. */
export const TRACE_NAME = /^\d{13}-[0-9a-f]{6}$/;

/** A line of the list. */
export interface TraceEntry {
  /** Names it. */
  n: string;
  at: string;
  sessionId: string;
  msgId: string;
  repeated?: true;
  /** How the words of either side begin, and how many sentences there are. */
  device: string;
  deviceSays: number;
  server: string;
  serverSays: number;
}

/** Keeps one exchange. One call. */
export async function keepExchange(storage: Storage, deviceId: string, exchange: Exchange): Promise<void> {
  const name = `${String(Date.parse(exchange.at)).padStart(13, '0')}-${randomBytes(3).toString('hex')}`;
  const note = Buffer.from(JSON.stringify(summaryOf(exchange))).toString('base64url');
  await storage.blobs('traces').write(`${deviceId}/${name}`, Buffer.from(JSON.stringify(exchange)), note);
}

type Summary = Omit<TraceEntry, 'n' | 'at'>;

/** What is noted beside a blob has at most 8 KiB. */
function summaryOf({ sessionId, msgId, repeated, messages }: Exchange): Summary {
  const [device = [], server = []] = messages.map(({ words }) => words);
  return {
    sessionId,
    msgId,
    ...(repeated ? { repeated } : {}),
    device: device.slice(0, 3).join(' ').slice(0, 300),
    deviceSays: device.length,
    server: server.slice(0, 3).join(' ').slice(0, 300),
    serverSays: server.length,
  };
}

/** One page of a device's trace, the oldest first. One call. */
export async function listTrace(
  storage: Storage,
  deviceId: string,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<{ items: TraceEntry[]; next?: string }> {
  const prefix = `${deviceId}/`;
  const page = await storage.blobs('traces').list(prefix, { limit, marker: cursor });
  const items = page.items.map(({ name, note }): TraceEntry => {
    const n = name.slice(prefix.length);
    return { n, at: new Date(timeOf(name)).toISOString(), ...(readNote(note) as Summary) };
  });
  return { items, ...(page.next ? { next: page.next } : {}) };
}

function readNote(note: string | undefined): unknown {
  return note === undefined ? {} : JSON.parse(Buffer.from(note, 'base64url').toString());
}

/** One call. @returns undefined where it is not kept (any more) */
export async function readExchange(storage: Storage, deviceId: string, n: string): Promise<Exchange | undefined> {
  if (!TRACE_NAME.test(n)) return undefined;
  const blob = await storage.blobs('traces').read(`${deviceId}/${n}`);
  return blob && (JSON.parse(blob.toString()) as Exchange);
}

/** Deletes what was kept long enough. @returns how many messages */
export async function pruneTraces(storage: Storage, now: Date): Promise<number> {
  const blobs = storage.blobs('traces');
  const before = now.getTime() - TRACE_KEPT_DAYS * DAY_MS;
  let deleted = 0;
  let marker: string | undefined;
  do {
    const page = await blobs.list('', { limit: PAGE, marker });
    deleted += await deleteOld(blobs, page.items, before);
    marker = page.next;
  } while (marker !== undefined);
  return deleted;
}

async function deleteOld(blobs: Blobs, items: readonly { name: string }[], before: number): Promise<number> {
  const old = items.filter(({ name }) => timeOf(name) < before);
  for (const { name } of old) await blobs.delete(name);
  return old.length;
}

/** What is not named as we name it is as old as can be. */
function timeOf(name: string): number {
  const tail = name.slice(name.indexOf('/') + 1);
  return TRACE_NAME.test(tail) ? Number(tail.slice(0, 13)) : 0;
}
