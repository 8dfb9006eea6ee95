import { randomBytes } from 'node:crypto';
import { sha256 } from '../../platform/ids.ts';
import type { Log } from '../../platform/log.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Change, tryWrite } from '../../storage/tables.ts';
import { normaliseUser } from '../grants.ts';
import type { RefusalCause } from '../refusal.ts';
import { InstanceQuota, type Kind, type Quota, quotaAfter } from './journal-quota.ts';

/**
 * Every attempt to get a certificate has a TraceId. Windows shows it to the user, and under it the journal tells the
 * administrator what was decided and why. Strangers cannot grow the journal: refused attempts are kept up to a number.
 */
export interface JournalEntry {
  traceId: string;
  at: string;
  /** Who asked. */
  user: string;
  /** Whether the credential proved who asked; else `user` is what the caller said. */
  userProved?: boolean;
  outcome: 'enrolled' | 'renewed' | 'refused';
  /** How far it came. */
  step: JournalStep;
  enrollmentId?: string;
  cause?: RefusalCause;
  /** The decision in words for the administrator. */
  reason: string;
  /** The sentence that was sent: with the fault, or on the page. */
  shown?: string;
  /** What the device said of itself, the few names that help to find it. */
  device: Record<string, string>;
}

/** Steps of a request for a certificate, in their order; `signIn` is our own page, before the device asks. */
export type JournalStep = 'signIn' | 'reading' | 'authentication' | 'eligibility' | 'issue' | 'renewal';

/** Whose attempt is refused, for the number that is kept. */
export interface RefusedCaller {
  /** As the platform saw it. */
  address: string;
  /** Whether the credential was right: such attempts are counted apart, so that strangers cannot crowd them out. */
  proved?: boolean;
}

const HOUR_MS = 3_600_000;
/** How the TraceId of an attempt begins that is not kept if it is refused. */
export const NOT_KEPT = 'nokeep-';
/** Lost races for a row of counts, after which an attempt is not kept. */
const MAX_ATTEMPTS = 4;

/**
 * Writes attempts. A day is a partition, in which an entry has three rows that are written at once: under its TraceId, under
 * its time, and under its user, so that each way to look for it is a read of a range.
 */
export class Journal {
  readonly #storage: Storage;
  readonly #quota = new InstanceQuota();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Begins an attempt, and keeps a place for it: many may be on their way at once before the first of them is refused.
   * @returns a TraceId: the day, and a random part; it begins with `nokeep-` when the attempt, if refused, is not kept.
   */
  begin(address: string, now: Date): string {
    return this.#quota.takePlace(address, now) ? newTraceId(now) : traceIdNotKept(now);
  }

  /** Keeps an accepted attempt. One call. A journal that cannot be written must not undo an enrollment. */
  async enrolled(
    entry: Omit<JournalEntry, 'outcome'>,
    address: string,
    log: Log,
    outcome: 'enrolled' | 'renewed' = 'enrolled',
  ): Promise<void> {
    if (!entry.traceId.startsWith(NOT_KEPT)) this.#quota.giveBack(address);
    const kept = { ...entry, traceId: keptTraceId(entry.traceId), outcome };
    try {
      await this.#storage.table('journal').write(dayOfTrace(kept.traceId), rowsOf(kept));
    } catch (error) {
      logFailure(log, kept.traceId, error);
    }
  }

  /**
   * Keeps a refused attempt as long as there are not too many: 20 an hour of one address and 200 in all, counted in storage
   * for all instances; of those a quarter is left for the kind that has not got the rest. Two calls; none once the instance
   * knows that the hour is full.
   * @returns the TraceId for the reply: it begins with `nokeep-` where nothing is kept
   */
  async refused(entry: Omit<JournalEntry, 'outcome'>, caller: RefusedCaller, log: Log): Promise<string> {
    const traceId = keptTraceId(entry.traceId);
    const { address, proved = false } = caller;
    const hadPlace = !entry.traceId.startsWith(NOT_KEPT);
    if (proved && hadPlace) this.#quota.giveBack(address);
    const hasPlace = proved ? this.#quota.hasPlace('proved', address, new Date(entry.at)) : hadPlace;
    try {
      if (hasPlace && (await this.#keepRefused({ ...entry, traceId, outcome: 'refused' }, caller))) return traceId;
    } catch (error) {
      logFailure(log, traceId, error);
    }
    return NOT_KEPT + traceId;
  }

  async #keepRefused(entry: JournalEntry, { address, proved = false }: RefusedCaller): Promise<boolean> {
    const table = this.#storage.table('journal');
    const day = dayOfTrace(entry.traceId);
    const kind: Kind = proved ? 'proved' : 'unproved';
    const hour = Math.floor(Date.parse(entry.at) / HOUR_MS);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const row = await table.get<Quota>(day, QUOTA);
      const value = quotaAfter(row?.value, hour, address, kind);
      if (typeof value === 'string') {
        this.#quota.isFull(value, kind, address, new Date(entry.at));
        return false;
      }
      const count: Change = row
        ? { kind: 'replace', rowKey: QUOTA, value, etag: row.etag }
        : { kind: 'insert', rowKey: QUOTA, value };
      if (await tryWrite(table, day, [...rowsOf(entry), count])) return true;
    }
    return false;
  }
}

function logFailure(log: Log, trace: string, error: unknown): void {
  log.error('An enrollment attempt could not be written to the journal', { trace, reason: String(error) });
}

const QUOTA = '~quota';
const DAY_IN_MS = 24 * HOUR_MS;

function rowsOf(entry: JournalEntry): Change[] {
  const name = entry.traceId.slice(entry.traceId.indexOf('-') + 1);
  const newestFirst = String(DAY_IN_MS - (Date.parse(entry.at) % DAY_IN_MS)).padStart(8, '0');
  const keys = [name, `${BY_TIME}${newestFirst}|${name}`];
  if (entry.user !== '') keys.push(`${userPrefix(entry.user)}${newestFirst}|${name}`);
  return keys.map((rowKey) => ({ kind: 'upsert', rowKey, value: entry }));
}

/** RowKeys of a day's attempts begin so, the newest first. TraceIds are hexadecimal and sort before them. */
export const BY_TIME = 't|';

/** RowKeys of the attempts of one user in a day begin so, the newest first. */
export function userPrefix(user: string): string {
  return `u|${sha256(normaliseUser(user)).toString('hex').slice(0, 24)}|`;
}

/** @returns the id under which the attempt is kept, if it is */
export function keptTraceId(traceId: string): string {
  return traceId.startsWith(NOT_KEPT) ? traceId.slice(NOT_KEPT.length) : traceId;
}

function dayOfTrace(traceId: string): string {
  return traceId.slice(0, traceId.indexOf('-'));
}

/** How long an attempt can be looked up. */
export const JOURNAL_KEPT_DAYS = 90;
/** A timer that did not run for some days still finds what it missed. */
const MISSED_DAYS = 14;

/** Deletes the days of the journal that have been kept long enough. @returns how many attempts were deleted */
export async function pruneJournal(storage: Storage, now: Date): Promise<number> {
  const table = storage.table('journal');
  let deleted = 0;
  for (let missed = 1; missed <= MISSED_DAYS; missed += 1) {
    const day = dayOf(new Date(now.getTime() - (JOURNAL_KEPT_DAYS + missed) * DAY_IN_MS));
    for (;;) {
      const { rows } = await table.page(day, { limit: 100 });
      if (rows.length === 0) break;
      await table.write(
        day,
        rows.map(({ rowKey, etag }) => ({ kind: 'delete', rowKey, etag })),
      );
      deleted += rows.filter(({ rowKey }) => /^[0-9a-f]+$/.test(rowKey)).length;
    }
  }
  return deleted;
}

function newTraceId(now: Date): string {
  return `${dayOf(now)}-${randomBytes(6).toString('hex')}`;
}

/** @returns the TraceId of a call that, if refused, is not in the journal. */
export function traceIdNotKept(now: Date): string {
  return NOT_KEPT + newTraceId(now);
}

/** The partition of a day, and the first part of its TraceIds. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10).replaceAll('-', '');
}
