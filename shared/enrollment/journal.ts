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
  outcome: 'enrolled' | 'refused';
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

  /** @returns a TraceId: the day, and a random part; it begins with `nokeep-` when the attempt, if refused, is not kept. */
  begin(address: string, now: Date): string {
    const id = `${now.toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(6).toString('hex')}`;
    return this.#mayKeep(address, now) ? id : NOT_KEPT + id;
  }

  /** Keeps an accepted attempt. One call. A journal that cannot be written must not undo an enrollment. */
  async enrolled(entry: Omit<JournalEntry, 'outcome'>, log: Log): Promise<void> {
    await this.#write({ ...entry, outcome: 'enrolled' }, log);
  }

  /** Keeps a refused attempt, if there is room for it this hour. At most one call. */
  async refused(entry: Omit<JournalEntry, 'outcome'>, address: string, log: Log): Promise<void> {
    if (entry.traceId.startsWith(NOT_KEPT)) return;
    this.#kept += 1;
    this.#keptByAddress.set(address, (this.#keptByAddress.get(address) ?? 0) + 1);
    await this.#write({ ...entry, outcome: 'refused' }, log);
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
