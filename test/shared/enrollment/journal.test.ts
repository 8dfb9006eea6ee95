import { describe, expect, test } from 'vitest';
import { Journal, type JournalEntry } from '../../../shared/enrollment/journal.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';

const NOW = new Date('2026-03-01T12:10:00.000Z');
const LOG = new MemoryLog();

function describeAttempt(traceId: string) {
  return { traceId, at: NOW.toISOString(), user: 'kim@example.org', reason: 'r', device: {} };
}

function kept(storage: MemoryStorage): JournalEntry[] {
  return storage
    .table('journal')
    .rows('20260301')
    .map(({ value }) => value as unknown as JournalEntry);
}

async function refuse(journal: Journal, address: string, now = NOW): Promise<string> {
  const traceId = journal.begin(address, now);
  await journal.refused({ ...describeAttempt(traceId), cause: 'wrongCredential' }, LOG);
  return traceId;
}

describe('the journal', () => {
  test('keeps an attempt under its TraceId, refused or not', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    const refused = await refuse(journal, 'a');
    const enrolled = journal.begin('a', NOW);
    await journal.enrolled({ ...describeAttempt(enrolled), enrollmentId: 'e1' }, 'a', LOG);
    expect(kept(storage)).toEqual([
      expect.objectContaining({ traceId: refused, outcome: 'refused', cause: 'wrongCredential' }),
      expect.objectContaining({ traceId: enrolled, outcome: 'enrolled', enrollmentId: 'e1' }),
    ]);
    expect(refused).toMatch(/^20260301-[0-9a-f]{12}$/);
  });

  test('keeps 20 refused attempts an hour of one address; the TraceId of a further one says that it is not kept', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 20; n += 1) expect(await refuse(journal, 'a')).not.toMatch(/^nokeep-/);
    expect(await refuse(journal, 'a')).toMatch(/^nokeep-20260301-[0-9a-f]{12}$/);
    expect(await refuse(journal, 'b')).not.toMatch(/^nokeep-/);
    expect(kept(storage)).toHaveLength(21);
  });

  test('keeps 200 an hour in all', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 200; n += 1) await refuse(journal, `a${n}`);
    expect(await refuse(journal, 'other')).toMatch(/^nokeep-/);
    expect(kept(storage)).toHaveLength(200);
    expect(await refuse(journal, 'other', new Date('2026-03-01T13:00:00.000Z'))).not.toMatch(/^nokeep-/);
  });

  test('keeps no more when all come at the same moment', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    const traces = Array.from({ length: 60 }, () => journal.begin('a', NOW));
    await Promise.all(traces.map((t) => journal.refused({ ...describeAttempt(t), cause: 'noCredential' }, LOG)));
    expect(kept(storage)).toHaveLength(20);
    expect(traces.filter((traceId) => traceId.startsWith('nokeep-'))).toHaveLength(40);
  });

  test('keeps every enrollment, and none takes the place of a refused attempt', async () => {
    const storage = new MemoryStorage();
    const journal = new Journal(storage);
    for (let n = 0; n < 30; n += 1) {
      const traceId = journal.begin('a', NOW);
      await journal.enrolled({ ...describeAttempt(traceId), enrollmentId: `e${n}` }, 'a', LOG);
    }
    expect(await refuse(journal, 'a')).not.toMatch(/^nokeep-/);
    for (let n = 0; n < 20; n += 1) await refuse(journal, 'a');
    const late = journal.begin('a', NOW);
    await journal.enrolled({ ...describeAttempt(late), enrollmentId: 'late' }, 'a', LOG);
    expect(kept(storage)).toHaveLength(30 + 20 + 1);
  });

  test('that cannot be written undoes nothing, and the log says so', async () => {
    const storage = new MemoryStorage();
    storage.onCall = () => {
      throw new Error('down');
    };
    const log = new MemoryLog();
    const journal = new Journal(storage);
    await journal.enrolled({ ...describeAttempt(journal.begin('a', NOW)), enrollmentId: 'e1' }, 'a', log);
    expect(log.lines).toEqual([expect.objectContaining({ level: 'error' })]);
  });
});
