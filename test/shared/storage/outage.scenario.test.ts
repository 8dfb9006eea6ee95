import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../../local/azurite.ts';
import { newGuid } from '../../../shared/platform/ids.ts';
import { createTables, openStorage, type Storage } from '../../../shared/storage/storage.ts';
import { type Change, Conflict, StorageUnavailable, type Table } from '../../../shared/storage/tables.ts';
import { type FaultProxy, faultProxy } from './fault-proxy.ts';

let azurite: RunningAzurite;
let proxy: FaultProxy;
/** through the proxy */
let table: Table;
/** past the proxy */
let truth: Table;
let partition: string;
const calls: string[] = [];
/** runs before the n-th call that the product makes */
let before: { n: number; act: () => Promise<void> } | undefined;

const open = (connectionString: string, onCall?: (operation: string) => Promise<void>): Storage =>
  openStorage({
    tables: connectionString,
    blobs: connectionString,
    patience: { pauseMs: 5 },
    ...(onCall && { onCall: (c: { operation: string }) => onCall(c.operation) }),
  });

beforeAll(async () => {
  azurite = await startAzurite({ inMemory: true });
  proxy = await faultProxy(azurite.connectionString, 'Table');
  const direct = open(azurite.connectionString);
  await createTables(direct);
  truth = direct.table('devices');
  table = open(proxy.connectionString, async (operation) => {
    if (calls.push(operation) === before?.n) await before.act();
  }).table('devices');
});
afterAll(async () => {
  await proxy.close();
  await azurite.stop();
});
beforeEach(() => {
  partition = newGuid();
  calls.length = 0;
  before = undefined;
});

const insert = (rowKey: string, value: object = {}): Change => ({ kind: 'insert', rowKey, value });
const truthAt = async (rowKey: string) => (await truth.get<{ by: string }>(partition, rowKey))?.value.by;

describe('a write whose answer is lost', () => {
  test('counts as done when the second try meets its own insert', async () => {
    proxy.next('loseAnswer');
    await table.write(partition, [insert('a', { by: 'me' })]);
    expect(calls).toEqual(['insert', 'insert', 'get']);
    expect(await truthAt('a')).toBe('me');
  });

  test('counts as done when the second try meets its own transaction', async () => {
    await truth.write(partition, [insert('a', { by: 'first' }), insert('b')]);
    const { rows } = await truth.page(partition);
    proxy.next('loseAnswer');
    await table.write(partition, [
      { kind: 'replace', rowKey: 'a', value: { by: 'me' }, etag: rows[0]!.etag },
      { kind: 'delete', rowKey: 'b', etag: rows[1]!.etag },
      insert('~b'),
    ]);
    expect(calls).toEqual(['transaction', 'transaction', 'get']);
    expect((await truth.page(partition)).rows.map((row) => row.rowKey)).toEqual(['a', '~b']);
  });

  test('is found among several rows, when somebody has changed the first since', async () => {
    const overwrite = async () => {
      const { etag } = (await truth.get(partition, 'a'))!;
      await truth.write(partition, [{ kind: 'replace', rowKey: 'a', value: { by: 'other' }, etag }]);
    };
    proxy.next('loseAnswer');
    before = { n: 2, act: overwrite };
    await table.write(partition, [insert('a', { by: 'me' }), insert('b', { by: 'me' })]);
    expect(await truthAt('a')).toBe('other');
    expect(await truthAt('b')).toBe('me');
  });

  test('is a conflict that is not certain when nothing of it is left to see', async () => {
    proxy.next('loseAnswer');
    before = {
      n: 2,
      act: async () => {
        const { etag } = (await truth.get(partition, 'a'))!;
        await truth.write(partition, [{ kind: 'replace', rowKey: 'a', value: { by: 'other' }, etag }]);
      },
    };
    const error = await table.write(partition, [insert('a', { by: 'me' })]).catch((e) => e);
    expect(error).toBeInstanceOf(Conflict);
    expect(error.certain).toBe(false);
    expect(await truthAt('a')).toBe('other');
  });

  test('and that was a delete is a conflict that is not certain', async () => {
    await truth.write(partition, [insert('a')]);
    const { etag } = (await truth.get(partition, 'a'))!;
    proxy.next('loseAnswer');
    const error = await table.write(partition, [{ kind: 'delete', rowKey: 'a', etag }]).catch((e) => e);
    expect(error).toBeInstanceOf(Conflict);
    expect(error.certain).toBe(false);
  });

  test('does not take the same content by somebody else for its own', async () => {
    proxy.next('loseRequest');
    before = { n: 2, act: () => truth.write(partition, [insert('a', { by: 'twin' })]) };
    const error = await table.write(partition, [insert('a', { by: 'twin' })]).catch((e) => e);
    expect(error).toBeInstanceOf(Conflict);
  });
});

test.each([
  ['a request that is lost', 'loseRequest' as const],
  ['a server error', 500],
  ['a busy server', 503],
])('%s is sent again, and each request is counted', async (_, fault) => {
  proxy.next(fault, fault);
  await table.write(partition, [insert('a', { by: 'me' }), insert('b')]);
  expect(calls).toEqual(['transaction', 'transaction', 'transaction']);
  calls.length = 0;
  proxy.next(fault);
  expect((await table.page(partition)).rows).toHaveLength(2);
  expect(calls).toEqual(['query', 'query']);
  expect(proxy.pending()).toBe(0);
});

test('a service that stays broken is unavailable after three requests', async () => {
  proxy.next(503, 503, 503);
  await expect(table.get(partition, 'a')).rejects.toThrow(StorageUnavailable);
  expect(calls).toHaveLength(3);
  expect(proxy.pending()).toBe(0);
});

test('a service that hangs is unavailable in time, and is used again when it is back', async () => {
  const storage = openStorage({
    tables: azurite.connectionString,
    blobs: azurite.connectionString,
    patience: { tries: 2, tryMs: 150, totalMs: 500, pauseMs: 5 },
  });
  azurite.pause();
  try {
    await expect(storage.table('devices').page(partition)).rejects.toThrow(StorageUnavailable);
    await expect(storage.blobs('results').read('x')).rejects.toThrow(StorageUnavailable);
  } finally {
    azurite.resume();
  }
  expect((await truth.page(partition)).rows).toEqual([]);
});

test('a service that is not there is unavailable', async () => {
  const gone = await faultProxy(azurite.connectionString, 'Table');
  await gone.close();
  const absent = open(gone.connectionString).table('devices');
  await expect(absent.write(partition, [insert('a')])).rejects.toThrow(/ECONNREFUSED, after 3 tries/);
  await expect(absent.write(partition, [insert('a'), insert('b')])).rejects.toThrow(StorageUnavailable);
});
