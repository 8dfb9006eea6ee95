import { randomBytes } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';

/**
 * The key under which secret data of commands lies in storage: 32 random bytes in a blob of the data account. The admin
 * app makes it and writes with it; the app that devices call may read it. (Each app's own key, for what it signs, is
 * another one: `storage/app-key.ts`.)
 */

export const KEY_CONTAINER = 'keys';
const NAME = 'commands';
const BYTES = 32;

const known = new WeakMap<Storage, Promise<Buffer | undefined>>();

/**
 * @returns the key, read once in the life of a process; undefined while nobody has made one, and then there is nothing
 *   that was encrypted with it
 * @throws StorageUnavailable, StorageRefused; the next call then tries again
 */
export function readDataKey(storage: Storage): Promise<Buffer | undefined> {
  return remembered(storage, () => read(storage));
}

/**
 * @returns the key, made if there is none yet. Of two callers that both find none, the second takes what the first wrote.
 * @throws StorageUnavailable, StorageRefused; the next call then tries again
 */
export async function dataKey(storage: Storage): Promise<Buffer> {
  const key = (await readDataKey(storage)) ?? (await remembered(storage, () => create(storage)));
  if (!key) throw new Error(`Blob ${KEY_CONTAINER}/${NAME} was deleted while it was being made`);
  return key;
}

function remembered(storage: Storage, load: () => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
  const before = known.get(storage);
  if (before) return before;
  const loading = load();
  known.set(storage, loading);
  const forget = () => {
    if (known.get(storage) === loading) known.delete(storage);
  };
  // A key that is not there yet may be made at any moment, by another app.
  loading.then((key) => key ?? forget(), forget);
  return loading;
}

async function read(storage: Storage): Promise<Buffer | undefined> {
  const key = await storage.blobs(KEY_CONTAINER).read(NAME);
  if (key && key.length !== BYTES) {
    throw new Error(`Blob ${KEY_CONTAINER}/${NAME} holds ${key.length} bytes; a key has ${BYTES}`);
  }
  return key;
}

async function create(storage: Storage): Promise<Buffer | undefined> {
  const made = randomBytes(BYTES);
  return (await storage.blobs(KEY_CONTAINER).createOnce(NAME, made)) ? made : read(storage);
}
