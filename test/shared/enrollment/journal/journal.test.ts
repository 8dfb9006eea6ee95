import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Journal, type JournalEntry, pruneJournal } from '../../../../shared/enrollment/journal/journal.ts';
import { listAttempts, readAttempt } from '../../../../shared/enrollment/journal/journal-view.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';

const NOW = new Date('2026-03-01T12:10:00.000Z');
const LOG = new MemoryLog();
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

function describeAttempt(traceId: string, at = NOW, user = 'kim@example.org') {
  return { traceId, at: at.toISOString(), user, step: 'authentication' as const, reason: 'r', device: {} };
}

/** The attempts that lie in storage, each once. */
function kept(storage: MemoryStorage, day = '20260301'): JournalEntry[] {
  return storage
    .table('journal')
    .rows(day)
    .filter(({ rowKey }) => /^[0-9a-f]{12}$/.test(rowKey))
    .map(({ value }) => value as unknown as JournalEntry);
}

interface Refusal {
  now?: Date;
  user?: string;
  proved?: boolean;
}

async function refuse(journal: Journal, address: string, { now = NOW, user, proved }: Refusal = {}): Promise<string> {
  const entry = { ...describeAttempt(journal.begin(address, now), now, user), cause: 'wrongCredential' as const };
  return journal.refused(entry, { address, proved }, LOG);
}

async function enroll(journal: Journal, address: string, user?: string): Promise<string> {
  const traceId = journal.begin(address, NOW);
  await journal.enrolled({ ...describeAttempt(traceId, NOW, user), enrollmentId: 'e1' }, address, LOG);
  return traceId;
}

describe('the journal', () => {
  test('keeps an attempt under its TraceId, refused or not', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    const refused = await refuse(journal, 'a');
    const enrolled = await enroll(journal, 'a');
    expect(await readAttempt(storage, refused)).toMatchObject({ outcome: 'refused', cause: 'wrongCredential' });
    expect(await readAttempt(storage, enrolled)).toMatchObject({ outcome: 'enrolled', enrollmentId: 'e1' });
    expect(refused).toMatch(/^20260301-[0-9a-f]{12}$/);
  });

  test('writes an accepted attempt in one call, a refused one in two', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    await enroll(journal, 'a');
    expect(storage.calls.splice(0).map(({ operation }) => operation)).toEqual(['write']);
    await refuse(journal, 'a');
    expect(storage.calls.splice(0).map(({ operation }) => operation)).toEqual(['get', 'write']);
  });

  test('keeps 15 attempts an hour of strangers at one address; the TraceId of a further one says that it is not kept', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 15; n += 1) expect(await refuse(journal, 'a')).not.toMatch(/^nokeep-/);
    expect(await refuse(journal, 'a')).toMatch(/^nokeep-20260301-[0-9a-f]{12}$/);
    expect(await refuse(journal, 'b')).not.toMatch(/^nokeep-/);
    expect(kept(storage)).toHaveLength(16);
  });

  test('keeps 200 an hour in all, of strangers 150', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 150; n += 1) expect(await refuse(journal, `a${n}`)).not.toMatch(/^nokeep-/);
    expect(await refuse(journal, 'other')).toMatch(/^nokeep-/);
    for (let n = 0; n < 70; n += 1) await refuse(journal, `b${n}`, { proved: true });
    expect(kept(storage)).toHaveLength(200);
    expect(await refuse(journal, 'other', { proved: true })).toMatch(/^nokeep-/);
    expect(await refuse(journal, 'other', { now: later(50) })).not.toMatch(/^nokeep-/);
    expect(await refuse(journal, 'other', { now: later(50), proved: true })).not.toMatch(/^nokeep-/);
  });

  test('keeps 20 an hour of one address, whatever they are', async () => {
    const storage = new MemoryStorage();
    const journals = [new Journal(storage), new Journal(storage)];
    for (let n = 0; n < 60; n += 1) await refuse(journals[n % 2]!, 'office', { proved: n % 3 === 0 });
    expect(kept(storage)).toHaveLength(20);
  });

  test('keeps no more when all come at the same moment', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    const traces = await Promise.all(Array.from({ length: 60 }, () => refuse(journal, 'a')));
    const named = traces.filter((traceId) => !traceId.startsWith('nokeep-'));
    expect(
      kept(storage)
        .map(({ traceId }) => traceId)
        .toSorted(),
    ).toEqual(named.toSorted());
    expect(named.length).toBeLessThanOrEqual(20);
  });

  test('keeps no more when strangers reach many instances: 20 of an address and 200 an hour in all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ instance: fc.nat(4), address: fc.nat(14), minute: fc.nat(90), proved: fc.boolean() }), {
          minLength: 300,
          maxLength: 600,
        }),
        async (calls) => {
          const storage = new MemoryStorage();
          const instances = Array.from({ length: 5 }, () => new Journal(storage));
          const perHour = new Map<string, number>();
          for (const { instance, address, minute, proved } of calls.toSorted(
            (one, other) => one.minute - other.minute,
          )) {
            const now = later(minute);
            const traceId = await refuse(instances[instance]!, `a${address}`, { now, proved });
            if (traceId.startsWith('nokeep-')) continue;
            for (const key of [`${now.getUTCHours()}`, `${now.getUTCHours()} a${address}`])
              perHour.set(key, (perHour.get(key) ?? 0) + 1);
          }
          for (const [key, count] of perHour) expect(count).toBeLessThanOrEqual(key.includes(' ') ? 20 : 200);
          const inAll = [...perHour].filter(([key]) => !key.includes(' ')).reduce((sum, [, count]) => sum + count, 0);
          expect(kept(storage)).toHaveLength(inAll);
          // What strangers make it store is bounded: an entry is three rows, and there is one row of counts.
          expect(storage.table('journal').rows('20260301').length).toBeLessThanOrEqual(3 * inAll + 1);
        },
      ),
      { numRuns: 8 },
    );
  });

  test('asks storage no more once the hour is full', async () => {
    const storage = new MemoryStorage();
    const [one, other] = [new Journal(storage), new Journal(storage)];
    for (let n = 0; n < 150; n += 1) await refuse(one, `a${n}`);
    storage.calls.length = 0;
    for (let n = 0; n < 500; n += 1) expect(await refuse(other, `b${n}`)).toMatch(/^nokeep-/);
    expect(storage.calls.length).toBe(1);
    for (let n = 0; n < 50; n += 1) await refuse(one, `a${n}`, { proved: true });
    storage.calls.length = 0;
    for (let n = 0; n < 500; n += 1) expect(await refuse(other, `b${n}`, { proved: true })).toMatch(/^nokeep-/);
    expect(storage.calls.length).toBe(1);
  });

  test.each([
    ['strangers', 'those who had the right secret', { proved: false }, { proved: true }],
    ['those who had the right secret', 'strangers', { proved: true }, { proved: false }],
  ])('keeps places free: %s do not crowd out %s', async (_, __, first, second) => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 40; n += 1) await refuse(journal, 'office', first);
    expect(kept(storage)).toHaveLength(15);
    for (let n = 0; n < 5; n += 1) expect(await refuse(journal, 'office', second)).toMatch(/^20260301-/);
    expect(await refuse(journal, 'office', second)).toMatch(/^nokeep-/);
    for (let n = 0; n < 300; n += 1) await refuse(journal, `a${n}`, first);
    for (let n = 0; n < 45; n += 1) expect(await refuse(journal, `b${n}`, second)).toMatch(/^20260301-/);
    expect(kept(storage)).toHaveLength(200);
  });

  test('keeps every enrollment, and none takes the place of a refused attempt', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 30; n += 1) await enroll(journal, 'a');
    expect(await refuse(journal, 'a')).not.toMatch(/^nokeep-/);
    for (let n = 0; n < 20; n += 1) await refuse(journal, 'a');
    await enroll(journal, 'a');
    expect(kept(storage)).toHaveLength(30 + 15 + 1);
  });

  test('that cannot be written undoes nothing, and the log says so', async () => {
    const storage = new MemoryStorage();
    storage.onCall = () => {
      throw new Error('down');
    };
    const log = new MemoryLog();
    const journal = new Journal(storage);
    const traceId = journal.begin('a', NOW);
    await journal.enrolled({ ...describeAttempt(traceId), enrollmentId: 'e1' }, 'a', log);
    const refused = { ...describeAttempt(traceId), cause: 'closed' as const };
    expect(await journal.refused(refused, { address: 'a' }, log)).toMatch(/^nokeep-/);
    expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  });
});

describe('an attempt', () => {
  test('says what the PC shows and what to do', async () => {
    const storage = new MemoryStorage();
    const entry = { ...describeAttempt(new Journal(storage).begin('a', NOW)), cause: 'userDeviceLimit' as const };
    const traceId = await new Journal(storage).refused(entry, { address: 'a', proved: true }, LOG);
    expect(await readAttempt(storage, ` ${traceId.toUpperCase()} `)).toMatchObject({
      onThePc: { hresult: '0x80180013', windowsSays: expect.stringContaining('too many devices') },
      remedy: expect.stringContaining('devicesPerUser'),
    });
  });

  test('with our own text shows that text', async () => {
    const storage = new MemoryStorage();
    const entry = {
      ...describeAttempt('20260301-0123456789ab'),
      cause: 'closedWithMessage' as const,
      shown: 'Monday.',
    };
    const traceId = await new Journal(storage).refused(entry, { address: 'a' }, LOG);
    expect((await readAttempt(storage, traceId)).onThePc).toMatchObject({ hresult: '0x80180032', message: 'Monday.' });
  });

  test('of a version with other causes is shown as it is', async () => {
    const storage = new MemoryStorage();
    const entry = { ...describeAttempt('20260301-0123456789ab'), outcome: 'refused', cause: 'retired' };
    await storage.table('journal').write('20260301', [{ kind: 'insert', rowKey: '0123456789ab', value: entry }]);
    expect(await readAttempt(storage, '20260301-0123456789ab')).toEqual(entry);
  });

  test.each([
    ['nokeep-20260301-0123456789ab', /not kept/],
    ['20260301-0123456789ab', /90 days/],
    ['0x80180013', /not a TraceId/],
    ['', /not a TraceId/],
    ['../../secrets', /not a TraceId/],
  ])('%j is not found, and the answer says why', async (traceId, why) => {
    await expect(readAttempt(new MemoryStorage(), traceId)).rejects.toMatchObject({
      status: 404,
      detail: expect.stringMatching(why),
    });
  });

  test('that was accepted is found, though its TraceId says that a refused one would not be', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 20; n += 1) await refuse(journal, 'a');
    const traceId = await enroll(journal, 'a');
    expect(traceId).toMatch(/^nokeep-/);
    const found = await readAttempt(storage, traceId);
    expect(found).toMatchObject({ outcome: 'enrolled', traceId: traceId.replace('nokeep-', '') });
  });
});

describe('a list of attempts', () => {
  async function storageWith(attempts: { user: string; now: Date }[]): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    for (const [n, attempt] of attempts.entries()) await refuse(new Journal(storage), `a${n}`, attempt);
    return storage;
  }
  const query = { days: 30, limit: 100 };
  const DAY = 24 * 60;

  async function all(storage: MemoryStorage, more: object, limit: number): Promise<string[]> {
    const times: string[] = [];
    let cursor: string | undefined;
    do {
      const { items, next } = await listAttempts(storage, { ...query, ...more, limit, cursor }, NOW);
      expect(items.length).toBeLessThanOrEqual(limit);
      times.push(...items.map(({ at }) => at));
      cursor = next;
    } while (cursor !== undefined);
    return times;
  }

  test('of today shows the newest first, whoever tried, in one call', async () => {
    const minutes = [5, 1, 3, -DAY, 4];
    const storage = await storageWith(minutes.map((m) => ({ user: `u${m}@example.org`, now: later(m) })));
    storage.calls.length = 0;
    const { items } = await listAttempts(storage, query, NOW);
    expect(items.map(({ at }) => at)).toEqual([5, 4, 3, 1].map((m) => later(m).toISOString()));
    expect(storage.calls).toHaveLength(1);
    expect((await listAttempts(storage, { ...query, day: '20260228' }, NOW)).items).toHaveLength(1);
  });

  test.each([1, 2, 3, 100])('of a user goes over the days, %i at a time, and misses none', async (limit) => {
    const minutes = [0, -1, -2, -DAY, -DAY - 1, -3 * DAY, -12 * DAY, -25 * DAY, -25 * DAY - 2, -31 * DAY];
    const storage = await storageWith(
      minutes.flatMap((m) => [
        { user: 'Kim@example.org', now: later(m) },
        { user: 'kim@example.com', now: later(m) },
      ]),
    );
    const expected = minutes.slice(0, -1).map((m) => later(m).toISOString());
    expect(await all(storage, { user: 'kim@example.org' }, limit)).toEqual(expected);
  });

  test('of a user is found without reading what others tried', async () => {
    const others = Array.from({ length: 140 }, (_, n) => ({ user: `u${n}@example.org`, now: later(n % 40) }));
    const storage = await storageWith([...others, { user: 'kim@example.org', now: NOW }]);
    storage.calls.length = 0;
    const { items } = await listAttempts(storage, { ...query, user: 'kim@example.org', limit: 1 }, NOW);
    expect(items.map(({ user }) => user)).toEqual(['kim@example.org']);
    expect(storage.calls.length).toBeLessThanOrEqual(10);
  });

  test('is empty for whoever never tried', async () => {
    expect(await listAttempts(new MemoryStorage(), { ...query, user: 'nobody' }, NOW)).toEqual({ items: [] });
  });

  test('is forgotten after 90 days, each attempt with all its rows', async () => {
    const storage = await storageWith([
      { user: 'kim@example.org', now: NOW },
      { user: 'kim@example.org', now: later(1) },
    ]);
    expect(await pruneJournal(storage, later(91 * DAY))).toBe(2);
    expect(storage.table('journal').rows('20260301')).toEqual([]);
  });
});
