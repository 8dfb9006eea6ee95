import { randomBytes } from 'node:crypto';
import { AzureBlobs, type BlobService } from './blobs.ts';
import { type OnCall, PATIENCE } from './calls.ts';

const CONTAINER = 'lanyard';
const NAME = 'hmac';
const BYTES = 32;

const keys = new Map<string, Promise<Buffer>>();

/**
 * The key with which an app signs what it gives out and takes back: tokens, nonces, cookies, cursors. 32 random bytes in the
 * app's own host storage account, which no other app can read. Made by whichever instance is first; the same for all, and kept
 * for the life of the process.
 *
 * @param hostStorage the app's host storage account
 * @param onCall runs before each HTTP request that leaves
 * @throws StorageUnavailable, StorageRefused; the next call then tries again
 */
export function appKey(hostStorage: BlobService, onCall?: OnCall): Promise<Buffer> {
  const known = keys.get(hostStorage.blobs);
  if (known) return known;
  const key = readOrCreate(new AzureBlobs(hostStorage, CONTAINER, { onCall, patience: PATIENCE })).catch((error) => {
    keys.delete(hostStorage.blobs);
    throw error;
  });
  keys.set(hostStorage.blobs, key);
  return key;
}

/** The key that is there, or a new one. Of two instances that both find none, the second reads what the first has written. */
export async function readOrCreate(blobs: Pick<AzureBlobs, 'read' | 'createOnce'>): Promise<Buffer> {
  const stored = await blobs.read(NAME);
  if (stored) return checked(stored);
  const made = randomBytes(BYTES);
  if (await blobs.createOnce(NAME, made)) return made;
  const other = await blobs.read(NAME);
  if (!other) throw new Error(`Blob ${CONTAINER}/${NAME} was deleted while it was being made`);
  return checked(other);
}

function checked(key: Buffer): Buffer {
  if (key.length !== BYTES) throw new Error(`Blob ${CONTAINER}/${NAME} holds ${key.length} bytes; a key has ${BYTES}`);
  return key;
}
