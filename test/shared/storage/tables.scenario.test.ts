import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../../local/azurite.ts';
import { newGuid } from '../../../shared/platform/ids.ts';
import { keyPart } from '../../../shared/storage/rows.ts';
import { createTables, openStorage, type Storage, TABLE_NAMES } from '../../../shared/storage/storage.ts';
import { type Change, Conflict, RowTooLarge, StorageRefused, type Table } from '../../../shared/storage/tables.ts';

let azurite: RunningAzurite;
let storage: Storage;
let table: Table;
/** A partition of its own for each test. */
let partition: string;
const calls: string[] = [];

beforeAll(async () => {
  azurite = await startAzurite({ inMemory: true });
  const { connectionString } = azurite;
  storage = openStorage({
    tables: connectionString,
    blobs: connectionString,
    onCall: (c) => void calls.push(`${c.operation} ${c.name}`),
  });
  await createTables(storage);
  table = storage.table('devices');
});
afterAll(() => azurite.stop());
beforeEach(() => {
  partition = newGuid();
  calls.length = 0;
});

const insert = (rowKey: string, value: object = {}): Change => ({ kind: 'insert', rowKey, value });

async function etagOf(rowKey: string): Promise<string> {
  return (await table.get(partition, rowKey))!.etag;
}

async function conflictOf(write: Promise<void>): Promise<Conflict> {
  const error = await write.then(
    () => expect.unreachable('it was written'),
    (e) => e,
  );
  expect(error).toBeInstanceOf(Conflict);
  return error as Conflict;
}

describe('a row', () => {
  test('reads back as it was written, in a call of its own and in a transaction, through the service', async () => {
    const value = {
      name: 'PC-1',
      small: 7,
      big: Number.MAX_SAFE_INTEGER,
      negative: -(2 ** 40),
      half: 0.1,
      huge: 1e300,
      tiny: 5e-324,
      whole: 2 ** 70,
      zero: -0,
      yes: true,
      empty: '',
      nothing: Buffer.alloc(0),
      bytes: Buffer.from([0, 1, 255]),
      text: "it's \u0000 \ud800 \u{1f600} é",
      date: '2026-11-21T12:00:00.000Z',
      list: [1, null, { a: 'b' }],
      object: { 'any key': [] },
    };
    await table.write(partition, [insert('alone', value)]);
    await table.write(partition, [insert('first', value), insert('second', value)]);
    const { rows } = await table.page<typeof value>(partition);
    expect(rows.map((row) => row.rowKey)).toEqual(['alone', 'first', 'second']);
    for (const row of rows) expect(row.value).toStrictEqual(value);
    expect((await table.get(partition, 'first'))?.value).toStrictEqual(value);
  });

  test('that holds any text and number reads back', async () => {
    const property = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
    );
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.stringMatching(/^x[A-Za-z0-9]{0,5}$/), property), async (value) => {
        const rowKey = String(n++);
        await table.write(partition, [insert(rowKey, value), insert(`${rowKey}b`, value)]);
        expect((await table.get(partition, `${rowKey}b`))?.value).toEqual({ ...value });
      }),
      { numRuns: 60 },
    );
  });

  test('of nearly 1 MiB is kept whole', async () => {
    const value = { text: 'é'.repeat(200_000), bytes: Buffer.alloc(500_000, 'abc'), list: ['€x😀'.repeat(15_000)] };
    await table.write(partition, [insert('large', value)]);
    await table.write(partition, [insert('large2', value), insert('large3', value)]);
    for (const { value: read } of (await table.page<typeof value>(partition)).rows) {
      expect(read.bytes.equals(value.bytes)).toBe(true);
      expect(read.text === value.text).toBe(true);
      expect(read.list).toEqual(value.list);
    }
    await table.write(partition, [
      { kind: 'replace', rowKey: 'large', value: { text: 'short' }, etag: await etagOf('large') },
    ]);
    expect((await table.get(partition, 'large'))?.value).toEqual({ text: 'short' });
  });

  test('over 1 MiB is refused before anything leaves', async () => {
    await expect(table.write(partition, [insert('a'), insert('b', { text: 'x'.repeat(600_000) })])).rejects.toThrow(
      RowTooLarge,
    );
    expect(calls).toEqual([]);
    expect((await table.page(partition)).rows).toEqual([]);
  });

  test('that is not there is undefined, also under a key that no row can have', async () => {
    expect(await table.get(partition, 'none')).toBeUndefined();
    expect(await table.get(partition, 'a/b')).toBeUndefined();
    expect(await table.get('x'.repeat(2000), 'r')).toBeUndefined();
    expect((await table.page('a\u0000b')).rows).toEqual([]);
  });

  test('is found under the key that was made of any text', async () => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (text) => {
        const own = `${partition}-${n++}-${keyPart(text)}`;
        await table.write(own, [insert(keyPart(text), { text }), insert(`${keyPart(text)}|2`, { text })]);
        const first = await table.get<{ text: string }>(own, keyPart(text));
        expect(first?.value.text).toBe(text);
        expect(first?.rowKey).toBe(keyPart(text));
        const { rows } = await table.page(own, { from: keyPart(text), before: `${keyPart(text)}|2` });
        expect(rows.map((row) => row.rowKey)).toEqual([keyPart(text)]);
        await table.write(
          own,
          rows.map(({ rowKey, etag }) => ({ kind: 'delete', rowKey, etag })),
        );
        expect(await table.get(own, keyPart(text))).toBeUndefined();
      }),
      { numRuns: 60, examples: [["o'neil"], ['%25'], ['a+b c'], ["(x='1')"], [' '], ['"&<>']] },
    );
  });
});

describe('rows asked for by their keys', () => {
  test('come in one call, without those that are not there', async () => {
    const others = Array.from({ length: 80 }, (_, n) => insert(`other-${n}`));
    await table.write(partition, [insert('a', { n: 1 }), insert("b'c", { n: 2 }), ...others]);
    await table.write(newGuid(), [insert('d', { n: 4 })]);
    calls.length = 0;
    const rows = await table.getMany<{ n: number }>(partition, ['a', "b'c", 'd', 'e/f', 'a']);
    expect(calls).toEqual(['query devices']);
    expect(rows.map(({ rowKey, value }) => [rowKey, value.n]).toSorted()).toEqual([
      ['a', 1],
      ["b'c", 2],
    ]);
  });

  test('cost nothing when no row can have such a key, and are at most 14', async () => {
    expect(await table.getMany(partition, [])).toEqual([]);
    expect(await table.getMany(partition, ['a/b'])).toEqual([]);
    expect(calls).toEqual([]);
    const keys = Array.from({ length: 15 }, (_, n) => `k${n}`);
    await expect(table.getMany(partition, keys)).rejects.toThrow(RangeError);
    expect(await table.getMany(partition, keys.slice(1))).toEqual([]);
  });
});

describe('a write', () => {
  test('of nothing asks nothing', async () => {
    await table.write(partition, []);
    expect(calls).toEqual([]);
  });

  test('is one call, whether of one change or of a hundred', async () => {
    await table.write(partition, [insert('one')]);
    await table.write(
      partition,
      Array.from({ length: 100 }, (_, i) => insert(`n${i}`)),
    );
    expect(calls).toEqual(['insert devices', 'transaction devices']);
    expect((await table.page(partition)).rows).toHaveLength(101);
  });

  test.each<[string, (etag: string) => Change]>([
    ['an insert of a row that is there', () => insert('b', { by: 'me' })],
    ['a replace with an old ETag', (etag) => ({ kind: 'replace', rowKey: 'b', value: { by: 'me' }, etag })],
    ['a delete with an old ETag', (etag) => ({ kind: 'delete', rowKey: 'b', etag })],
    ['a replace of a row that is gone', (etag) => ({ kind: 'replace', rowKey: 'gone', value: {}, etag })],
    ['a delete of a row that is gone', (etag) => ({ kind: 'delete', rowKey: 'gone', etag })],
  ])('%s is a conflict, and nothing of its transaction is written', async (_, change) => {
    await table.write(partition, [insert('b', { by: 'first' })]);
    const old = await etagOf('b');
    await table.write(partition, [{ kind: 'replace', rowKey: 'b', value: { by: 'other' }, etag: old }]);
    for (const changes of [[change(old)], [insert('a'), change(old), insert('c')]]) {
      const conflict = await conflictOf(table.write(partition, changes));
      expect(conflict).toMatchObject({ rowKey: change(old).rowKey, certain: true });
    }
    const { rows } = await table.page(partition);
    expect(rows.map((row) => [row.rowKey, row.value])).toEqual([['b', { by: 'other' }]]);
  });

  test('moves a row in one transaction: deleted here, inserted there', async () => {
    await table.write(partition, [insert('3command|000000000001', { verb: 'Get' })]);
    const etag = await etagOf('3command|000000000001');
    await table.write(partition, [
      { kind: 'delete', rowKey: '3command|000000000001', etag },
      insert('~3command|000000000001', { verb: 'Get', state: 'done' }),
    ]);
    expect((await table.page(partition)).rows.map((row) => row.rowKey)).toEqual(['~3command|000000000001']);
  });

  test('an upsert writes over what is there', async () => {
    await table.write(partition, [{ kind: 'upsert', rowKey: 'u', value: { a: 1, b: 1 } }]);
    await table.write(partition, [{ kind: 'upsert', rowKey: 'u', value: { a: 2 } }]);
    await table.write(partition, [{ kind: 'upsert', rowKey: 'u', value: { c: 3 } }, insert('v')]);
    expect((await table.get(partition, 'u'))?.value).toEqual({ c: 3 });
  });

  test.each<[string, Change[]]>([
    ['101 changes', Array.from({ length: 101 }, (_, i) => insert(`n${i}`))],
    ['two changes of one row', [insert('a'), { kind: 'upsert', rowKey: 'a', value: {} }]],
    ['a replace of whatever is there', [{ kind: 'replace', rowKey: 'a', value: {}, etag: '*' }]],
    ['a delete without ETag', [{ kind: 'delete', rowKey: 'a', etag: '' }]],
    ['an ETag with a line break', [{ kind: 'delete', rowKey: 'a', etag: 'W/"1"\r\nX: y' }]],
  ])('of %s is a mistake of the caller, and nothing leaves', async (_, changes) => {
    await expect(table.write(partition, changes)).rejects.toThrow(/changes|takes the ETag/);
    expect(calls).toEqual([]);
  });

  test('16 writers of one row lose no change', async () => {
    await table.write(partition, [insert('counter', { n: 0 })]);
    let conflicts = 0;
    const add = async () => {
      for (;;) {
        const row = (await table.get<{ n: number }>(partition, 'counter'))!;
        try {
          return await table.write(partition, [
            { kind: 'replace', rowKey: 'counter', value: { n: row.value.n + 1 }, etag: row.etag },
          ]);
        } catch (error) {
          if (!(error instanceof Conflict)) throw error;
          conflicts++;
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, async () => [await add(), await add(), await add()]));
    expect((await table.get<{ n: number }>(partition, 'counter'))?.value.n).toBe(48);
    expect(conflicts).toBeGreaterThan(0);
  });

  test('16 writers of two rows in one transaction keep them equal', async () => {
    await table.write(partition, [insert('a', { n: 0 }), insert('b', { n: 0 })]);
    const add = async () => {
      for (;;) {
        const { rows } = await table.page<{ n: number }>(partition);
        const n = rows[0]!.value.n + 1;
        try {
          return await table.write(
            partition,
            rows.map(({ rowKey, etag }) => ({ kind: 'replace', rowKey, value: { n }, etag })),
          );
        } catch (error) {
          if (!(error instanceof Conflict)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, add));
    const { rows } = await table.page<{ n: number }>(partition);
    expect(rows.map((row) => row.value.n)).toEqual([16, 16]);
  });

  test('of 20 that insert one row, one wins', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => table.write(partition, [insert('one', { i })])),
    );
    const winners = outcomes.flatMap((o, i) => (o.status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    expect((await table.get(partition, 'one'))?.value).toEqual({ i: winners[0] });
  });
});

describe('a page', () => {
  test('is one call, in the ordinal order of the keys', async () => {
    const keys = [
      '0device',
      '1session',
      '2profiles',
      '3command|000000000002',
      '3command|000000000010',
      'A',
      'B',
      'a',
      'é',
      '~3command|000000000001',
    ];
    await table.write(
      partition,
      keys.toReversed().map((key) => insert(key)),
    );
    calls.length = 0;
    const { rows, next } = await table.page(partition);
    expect(rows.map((row) => row.rowKey)).toEqual(keys.toSorted());
    expect(next).toBeUndefined();
    expect(calls).toEqual(['query devices']);
  });

  test('holds the rows from a key on and before another', async () => {
    await table.write(
      partition,
      ['a', 'b', 'b ', 'c', 'd'].map((key) => insert(key)),
    );
    const keys = async (options: Parameters<Table['page']>[1]) =>
      (await table.page(partition, options)).rows.map((row) => row.rowKey);
    expect(await keys({ from: 'b', before: 'd' })).toEqual(['b', 'b ', 'c']);
    expect(await keys({ before: 'b' })).toEqual(['a']);
    expect(await keys({ from: 'c' })).toEqual(['c', 'd']);
    expect(await keys({ from: 'd', before: 'a' })).toEqual([]);
    expect(await keys({ from: "it's' or PartitionKey ne 'x", before: 'z' })).toEqual([]);
  });

  test('after page, each with a call of its own, gives every row once, also those that come between', async () => {
    await table.write(
      partition,
      ['a', 'a ', 'a!', 'b', 'c', 'd', 'e'].map((key) => insert(key)),
    );
    calls.length = 0;
    const seen: string[] = [];
    let from: string | undefined;
    do {
      const page = await table.page(partition, { limit: 2, ...(from !== undefined && { from }) });
      seen.push(...page.rows.map((row) => row.rowKey));
      if (seen.length === 2)
        await table.write(partition, [{ kind: 'delete', rowKey: 'a ', etag: page.rows[1]!.etag }, insert('b0')]);
      from = page.next;
    } while (from !== undefined);
    expect(seen).toEqual(['a', 'a ', 'a!', 'b', 'b0', 'c', 'd', 'e']);
    expect(calls.filter((c) => c === 'query devices')).toHaveLength(4);
  });

  test('has at most 1,000 rows, and the next has the rest', async () => {
    const keys = Array.from({ length: 1_250 }, (_, i) => String(i).padStart(6, '0'));
    for (let i = 0; i < keys.length; i += 100)
      await table.write(
        partition,
        keys.slice(i, i + 100).map((key) => insert(key)),
      );
    const first = await table.page(partition, { limit: 5000 });
    const second = await table.page(partition, { from: first.next! });
    expect(first.rows).toHaveLength(1000);
    expect([...first.rows, ...second.rows].map((row) => row.rowKey)).toEqual(keys);
    expect(second.next).toBeUndefined();
  });

  test('that ends with the last row has no next', async () => {
    await table.write(
      partition,
      ['a', 'b'].map((key) => insert(key)),
    );
    expect((await table.page(partition, { limit: 2 })).next).toBeUndefined();
  });

  test.each([0, -1, 1.5])('of %d rows cannot be asked for', async (limit) => {
    await expect(table.page(partition, { limit })).rejects.toThrow(RangeError);
  });
});

describe('the tables', () => {
  test('are made once, and making them again changes nothing', async () => {
    await table.write(partition, [insert('kept')]);
    await createTables(storage);
    expect(await table.get(partition, 'kept')).toBeDefined();
    for (const name of TABLE_NAMES) expect((await storage.table(name).page('none')).rows).toEqual([]);
  });

  test('that do not exist are named in the error, which is neither a conflict nor an absent row', async () => {
    const missing = openStorage({ tables: azurite.connectionString, blobs: azurite.connectionString }).table(
      'nosuch' as 'devices',
    );
    for (const act of [
      missing.get('p', 'r'),
      missing.page('p'),
      missing.write('p', [insert('r')]),
      missing.write('p', [insert('r'), insert('s')]),
    ]) {
      await expect(act).rejects.toThrow(StorageRefused);
      await expect(act).rejects.toThrow(/nosuch.*TableNotFound/);
    }
  });

  test('a wrong key is refused without being shown', async () => {
    const wrong = azurite.connectionString.replace(
      /AccountKey=[^;]+/,
      `AccountKey=${Buffer.alloc(64, 7).toString('base64')}`,
    );
    const act = openStorage({ tables: wrong, blobs: wrong }).table('devices').get('p', 'r');
    await expect(act).rejects.toThrow(/Storage refused get in devices: 403/);
    const error = await act.catch((e) => e);
    expect(JSON.stringify({ ...error, m: error.message, s: error.stack })).not.toContain('BwcHBwcH');
  });
});
