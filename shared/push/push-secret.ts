import { dataKey, readDataKey } from '../commands/data-key.ts';
import { seal, unseal } from '../commands/seal.ts';
import type { Storage } from '../storage/storage.ts';

/**
 * The client secret of the app whose identity wakes PCs. It lies encrypted under the data key, in a partition of the
 * catalogue that no message and no view reads.
 */

const PARTITION = 'push';
const ROW = 'secret';
const PLACE = ['push', 'secret'];

interface SecretRow {
  sealed: string;
}

/** Puts a secret in the place of the one that was there. */
export async function writePushSecret(storage: Storage, secret: string): Promise<void> {
  const sealed = seal(await dataKey(storage), PLACE, Buffer.from(secret)).toString('base64');
  await storage.table('catalogue').write(PARTITION, [{ kind: 'upsert', rowKey: ROW, value: { sealed } }]);
}

/** @returns whether there was one */
export async function deletePushSecret(storage: Storage): Promise<boolean> {
  const table = storage.table('catalogue');
  const row = await table.get<SecretRow>(PARTITION, ROW);
  if (!row) return false;
  await table.write(PARTITION, [{ kind: 'delete', rowKey: ROW, etag: row.etag }]);
  return true;
}

export async function hasPushSecret(storage: Storage): Promise<boolean> {
  return (await storage.table('catalogue').get<SecretRow>(PARTITION, ROW)) !== undefined;
}

/** @returns the secret; undefined where there is none, or where the data key is another one by now */
export async function readPushSecret(storage: Storage): Promise<string | undefined> {
  const row = await storage.table('catalogue').get<SecretRow>(PARTITION, ROW);
  const key = row && (await readDataKey(storage));
  return key && unseal(key, PLACE, Buffer.from(row.value.sealed, 'base64'))?.toString();
}
