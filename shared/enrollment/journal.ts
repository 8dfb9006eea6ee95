import { randomBytes } from 'node:crypto';
import type { Log } from '../platform/log.ts';
import type { Storage } from '../storage/storage.ts';
import type { RefusalCause } from './refusal.ts';

/**
 * Every attempt to get a certificate has a TraceId. Windows shows it to the user, and under it the journal tells the
 * administrator what was decided and why. Strangers cannot grow the journal: refused attempts are kept up to a number.
 */
export interface JournalEntry {
  traceId: string;
  at: string;
  user: string;
  outcome: 'enrolled' | 'renewed' | 'refused';
  enrollmentId?: string;
  cause?: RefusalCause;
  reason: string;
  /** What the device said of itself, the few names that help to find it. */
  device: Record<string, string>;
}

export const REFUSALS_KEPT_PER_ADDRESS = 20;
export const REFUSALS_KEPT_IN_ALL = 200;
const HOUR_MS = 3_600_000;
/** How the TraceId of an attempt begins that, if refused, is not kept. */
const NOT_KEPT = 'nokeep-';

export class Journal {
  readonly #storage: Storage;
  #hour = 0;
  #kept = 0;
  #keptByAddress = new Map<string, number>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Begins an attempt, and keeps a place for it: many may be on their way at once before the first of them is refused.
   * @returns a TraceId: the day, and a random part; it begins with `nokeep-` when the attempt, if refused, is not kept.
   */
  begin(address: string, now: Date): string {
    if (!this.#mayKeep(address, now)) return traceIdNotKept(now);
    this.#count(address, 1);
    return newTraceId(now);
  }

  /** Keeps an accepted attempt. One call. A journal that cannot be written must not undo an enrollment. */
  async enrolled(
    entry: Omit<JournalEntry, 'outcome'>,
    address: string,
    log: Log,
    outcome: 'enrolled' | 'renewed' = 'enrolled',
  ): Promise<void> {
    if (!entry.traceId.startsWith(NOT_KEPT)) this.#count(address, -1);
    await this.#write({ ...entry, outcome }, log);
  }

  /** Keeps a refused attempt, if a place was kept for it. At most one call. */
  async refused(entry: Omit<JournalEntry, 'outcome'>, log: Log): Promise<void> {
    if (entry.traceId.startsWith(NOT_KEPT)) return;
    await this.#write({ ...entry, outcome: 'refused' }, log);
  }

  /** An attempt that began in the last hour and is accepted in this one gives no place back. */
  #count(address: string, change: 1 | -1): void {
    const before = this.#keptByAddress.get(address) ?? 0;
    if (before + change < 0) return;
    this.#kept += change;
    this.#keptByAddress.set(address, before + change);
  }

  #mayKeep(address: string, now: Date): boolean {
    const hour = Math.floor(now.getTime() / HOUR_MS);
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#kept = 0;
      this.#keptByAddress = new Map();
    }
    return this.#kept < REFUSALS_KEPT_IN_ALL && (this.#keptByAddress.get(address) ?? 0) < REFUSALS_KEPT_PER_ADDRESS;
  }

  async #write(entry: JournalEntry, log: Log): Promise<void> {
    const [day = '', rowKey = entry.traceId] = entry.traceId.replace(NOT_KEPT, '').split('-');
    try {
      await this.#storage.table('journal').write(day, [{ kind: 'upsert', rowKey, value: entry }]);
    } catch (error) {
      log.error('An enrollment attempt could not be written to the journal', {
        trace: entry.traceId,
        reason: String(error),
      });
    }
  }
}

/** How long an attempt can be looked up. */
export const JOURNAL_KEPT_DAYS = 90;
/** A timer that did not run for some days still finds what it missed. */
const MISSED_DAYS = 14;
const DAY_MS = 24 * HOUR_MS;

/** Deletes the days of the journal that have been kept long enough. @returns how many entries were deleted */
export async function pruneJournal(storage: Storage, now: Date): Promise<number> {
  const table = storage.table('journal');
  let deleted = 0;
  for (let missed = 1; missed <= MISSED_DAYS; missed += 1) {
    const day = dayOf(new Date(now.getTime() - (JOURNAL_KEPT_DAYS + missed) * DAY_MS));
    for (;;) {
      const { rows } = await table.page<JournalEntry>(day, { limit: 100 });
      if (rows.length === 0) break;
      await table.write(
        day,
        rows.map(({ rowKey, etag }) => ({ kind: 'delete', rowKey, etag })),
      );
      deleted += rows.length;
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
function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10).replaceAll('-', '');
}
