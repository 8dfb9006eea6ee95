import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../../local/azurite.ts';
import { newGuid } from '../../../shared/platform/ids.ts';
import { appKey, readOrCreate } from '../../../shared/storage/app-key.ts';
import { AzureBlobs, type Blobs } from '../../../shared/storage/blobs.ts';
import { PATIENCE } from '../../../shared/storage/calls.ts';
import { StorageUnavailable } from '../../../shared/storage/errors.ts';
import { openStorage } from '../../../shared/storage/storage.ts';
import { type FaultProxy, faultProxy } from './fault-proxy.ts';

let azurite: RunningAzurite;
let proxy: FaultProxy;
let container: string;
let blobs: Blobs;
const calls: string[] = [];

beforeAll(async () => {
  azurite = await startAzurite({ inMemory: true });
  proxy = await faultProxy(azurite.connectionString, 'Blob');
});
afterAll(async () => {
  await proxy.close();
  await azurite.stop();
});
beforeEach(() => {
  container = `c${newGuid()}`;
  calls.length = 0;
  const { connectionString } = proxy;
  blobs = openStorage({
    tables: connectionString,
    blobs: connectionString,
    onCall: (c) => void calls.push(c.operation),
    patience: { pauseMs: 5 },
  }).blobs(container);
});

describe('a blob', () => {
  test('reads back byte for byte, whatever its size', async () => {
    for (const size of [0, 1, 5 * 1024 * 1024]) {
      const data = randomBytes(size);
      await blobs.write('folder/résult 1%.bin', data);
      expect((await blobs.read('folder/résult 1%.bin'))?.equals(data)).toBe(true);
    }
  });

  test('that is not there is undefined, also in a container that is not there', async () => {
    expect(await blobs.read('x')).toBeUndefined();
    await blobs.write('y', Buffer.from('1'));
    expect(await blobs.read('x')).toBeUndefined();
    await blobs.delete('x');
  });

  test('is written, read and deleted with one call each once its container is there', async () => {
    await blobs.write('a', Buffer.from('1'));
    expect(calls).toEqual(['write', 'createContainer', 'write']);
    calls.length = 0;
    await blobs.write('a', Buffer.from('2'));
    expect(String(await blobs.read('a'))).toBe('2');
    await blobs.delete('a');
    expect(calls).toEqual(['write', 'read', 'delete']);
    expect(await blobs.read('a')).toBeUndefined();
  });

  test('is created by one of 20 that try at once, with the container', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => blobs.createOnce('one', Buffer.from(String(i)))),
    );
    const winners = outcomes.flatMap((won, i) => (won ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(String(await blobs.read('one'))).toBe(String(winners[0]));
  });

  test('survives lost requests and answers, and each request is counted', async () => {
    await blobs.write('a', Buffer.from('1'));
    calls.length = 0;
    proxy.next('loseAnswer', 'loseRequest');
    await blobs.write('a', Buffer.from('2'));
    proxy.next(503, 'loseAnswer');
    expect(String(await blobs.read('a'))).toBe('2');
    proxy.next('loseAnswer');
    await blobs.delete('a');
    expect(await blobs.read('a')).toBeUndefined();
    expect(calls).toEqual(['write', 'write', 'write', 'read', 'read', 'read', 'delete', 'delete', 'read']);
  });

  test('is unavailable after three requests', async () => {
    proxy.next(503, 503, 503);
    await expect(blobs.read('a')).rejects.toThrow(StorageUnavailable);
    expect(calls).toHaveLength(3);
  });
});

describe('the key of an app', () => {
  const open = (connectionString: string) =>
    new AzureBlobs({ blobs: connectionString }, container, { patience: { ...PATIENCE, pauseMs: 5 } });

  test('is 32 bytes, the same for every instance that starts at once', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => readOrCreate(open(azurite.connectionString))));
    expect(all[0]).toHaveLength(32);
    for (const key of all) expect(key).toEqual(all[0]);
  });

  test('is the one that counts when the answer to its making was lost', async () => {
    await open(azurite.connectionString).write('other', Buffer.alloc(1));
    const read = { read: (name: string) => open(azurite.connectionString).read(name) };
    proxy.next('loseAnswer');
    const made = await readOrCreate({
      ...read,
      createOnce: (name, data) => open(proxy.connectionString).createOnce(name, data),
    });
    expect(made).toEqual(await open(azurite.connectionString).read('hmac'));
  });

  test('of the wrong length is not used', async () => {
    await open(azurite.connectionString).write('hmac', Buffer.from('short'));
    await expect(readOrCreate(open(azurite.connectionString))).rejects.toThrow(/5 bytes; a key has 32/);
  });

  test('is read once in a process, and asked for again after a failure', async () => {
    const seen: string[] = [];
    const onCall = (c: { operation: string }) => void seen.push(c.operation);
    proxy.next(503, 503, 503);
    await expect(appKey({ blobs: proxy.connectionString }, onCall)).rejects.toThrow(StorageUnavailable);
    const [a, b] = await Promise.all([
      appKey({ blobs: proxy.connectionString }, onCall),
      appKey({ blobs: proxy.connectionString }),
    ]);
    const count = seen.length;
    expect(await appKey({ blobs: proxy.connectionString }, onCall)).toEqual(a);
    expect(b).toEqual(a);
    expect(seen).toHaveLength(count);
  });
});
