import { notFound } from '../../platform/problem.ts';
import type { Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { FAULT_HRESULT, type FaultName } from '../../wire/fault.ts';
import { REFUSALS } from '../refusal.ts';
import { BY_TIME, dayOf, type JournalEntry, keptTraceId, NOT_KEPT, userPrefix } from './journal.ts';

/** An attempt as the admin API shows it. */
export interface AttemptView extends Omit<JournalEntry, 'shown'> {
  /** What the person saw of a refused one. */
  onThePc?: {
    /** The code that Windows shows; none on the sign-in page. */
    hresult?: string;
    /** What Windows says with it, in our words: the wording differs between its releases. None on the sign-in page. */
    windowsSays?: string;
    /**
     * What was sent: the words on the sign-in page, or the sentence of the fault. That one Windows shows for 0x80180032
     * and writes it to its log else.
     */
    message: string;
  };
  /** What to do about it. */
  remedy?: string;
}

/** What Windows shows for each fault (Microsoft Learn, "Mobile device enrollment", error messages), in our own words. */
const WINDOWS_SAYS: Record<FaultName, string> = {
  MessageFormat: 'the message of the server, or to it, was not understood',
  Authentication: 'the user could not be authenticated; try again or ask the administrator',
  Authorization: 'the user may not enroll; try again or ask the administrator',
  CertificateRequest: 'no certificate could be had: no permission, or the authority cannot be reached',
  EnrollmentServer: 'the server met an error; try again or ask the administrator',
  InternalServiceFault: 'the server failed in a way that it did not expect; try again or ask the administrator',
  InvalidSecurity: 'the account could not be validated; try again or ask the administrator',
  DeviceCapReached: 'the account has too many devices; remove old ones',
  DeviceNotSupported: 'this kind or version of Windows is not supported; think of upgrading',
  NotSupported: 'management is not supported for this device',
  NotEligibleToRenew: 'the server refused to renew the certificate; see the schedule of renewals',
  InMaintenance: 'the account is in maintenance; try again later',
  UserLicense: "something is wrong with the user's licence; ask the administrator",
  InvalidEnrollmentData: 'the server refused the data of the enrollment; it may not be set up right',
  CustomServerError: 'the text below (Windows 10 20H2 and later)',
};

export function attemptView({ shown, ...entry }: JournalEntry): AttemptView {
  // An entry may be of another version, which had other causes.
  const refusal = entry.cause && Object.hasOwn(REFUSALS, entry.cause) ? REFUSALS[entry.cause] : undefined;
  if (!refusal) return entry;
  const { fault, message, remedy } = refusal;
  const code = entry.step === 'signIn' ? {} : { hresult: FAULT_HRESULT[fault], windowsSays: WINDOWS_SAYS[fault] };
  return { ...entry, onThePc: { ...code, message: shown ?? message }, remedy };
}

/**
 * The attempt that a TraceId names. One call.
 * @throws {Problem} 404 that says why: not a TraceId, not kept, or not there (any more)
 */
export async function readAttempt(storage: Storage, given: string): Promise<AttemptView> {
  const traceId = given.trim().toLowerCase();
  const [, day = '', name = ''] = /^(\d{8})-([0-9a-f]{12})$/.exec(keptTraceId(traceId)) ?? [];
  if (!name) throw notFound(`${given.slice(0, 60)} is not a TraceId. One looks like 20260301-0d2b86b263e1.`);
  // An accepted attempt is kept whatever its TraceId begins with.
  const row = await storage.table('journal').get<JournalEntry>(day, name);
  if (row) return attemptView(row.value);
  if (!traceId.startsWith(NOT_KEPT)) {
    throw notFound(`There is no attempt ${traceId}. Attempts are kept for 90 days.`);
  }
  throw notFound(
    `${traceId} was not kept: too many attempts were refused in that hour, or the request was one that is not kept. ` +
      'The log of the enroll app has it under this id. Let the user try again, and look for the new TraceId.',
  );
}

export interface AttemptQuery {
  /** `YYYYMMDD`; left out, today, or with a user the last days. */
  day?: string;
  user?: string;
  /** How many days back a user's attempts are looked for, today included. */
  days: number;
  cursor?: string;
  limit: number;
}

/**
 * Attempts, the newest first: of a day, or of a user. One call for a day; for a user one for each day that is looked at.
 * @returns `next`, where there may be more, is the `cursor` of the following page
 */
export async function listAttempts(
  storage: Storage,
  query: AttemptQuery,
  now: Date,
): Promise<{ items: AttemptView[]; next?: string }> {
  const { user, limit } = query;
  const [prefix, before] = rangeOf(user);
  const days = daysOf(query, now);
  const begin = placeOf(query.cursor);
  const rest = begin ? days.filter((day) => day <= begin.day) : days;
  const rows: Row<JournalEntry>[] = [];
  for (const some of chunks(rest, PARALLEL_DAYS)) {
    const pages = await Promise.all(
      some.map((day) => {
        const from = begin?.day === day ? begin.from : prefix;
        return storage.table('journal').page<JournalEntry>(day, { from, before, limit });
      }),
    );
    for (const page of pages) rows.push(...page.rows);
    const last = rows[limit - 1];
    const isMore = rows.length > limit || pages.some(({ next }) => next !== undefined) || some.at(-1) !== rest.at(-1);
    if (last && isMore) return { items: views(rows.slice(0, limit)), next: `${last.partitionKey} ${last.rowKey}` };
  }
  return { items: views(rows.slice(0, limit)) };
}

const PARALLEL_DAYS = 10;
const DAY_MS = 86_400_000;

/** The RowKeys of what is asked for lie between these two. */
function rangeOf(user: string | undefined): [from: string, before: string] {
  const from = user === undefined ? BY_TIME : userPrefix(user);
  return [from, `${from.slice(0, -1)}~`];
}

function daysOf({ day, user, days }: AttemptQuery, now: Date): string[] {
  if (day !== undefined) return [day];
  const count = user === undefined ? 1 : days;
  return Array.from({ length: count }, (_, back) => dayOf(new Date(now.getTime() - back * DAY_MS)));
}

/** A cursor is the day and RowKey of the last attempt that was shown. */
function placeOf(cursor: string | undefined): { day: string; from: string } | undefined {
  if (cursor === undefined) return undefined;
  const [day = '', rowKey = ''] = cursor.split(' ');
  return { day, from: `${rowKey} ` };
}

function views(rows: readonly Row<JournalEntry>[]): AttemptView[] {
  return rows.map(({ value }) => attemptView(value));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}
