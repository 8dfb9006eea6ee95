import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type MakeKey, makeKey } from '../../local/device/make-key.ts';
import { openKeyFolder } from '../../shared/certificates/file-keys.ts';
import { runFolder } from './run-folder.ts';

/** More than most files need, so that a key comes back late if ever, and to somebody else. */
const KEYS = 48;
const BITS = 2048;
let taken = 0;

/** Another RSA 2048 key: half of the time of all tests went into making them. Each is made once in a run. */
export function anotherKey(): KeyObject {
  const file = join(runFolder(), `key-${taken++ % KEYS}.pem`);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: BITS });
    const unfinished = `${file}.${randomUUID()}`;
    writeFileSync(unfinished, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    renameSync(unfinished, file);
  }
  return createPrivateKey(readFileSync(file));
}

/** For simulated PCs; a length that nothing asks for by default is made anew. */
export const pooledKeys: MakeKey = async (bits) => (bits === BITS ? anotherKey() : makeKey(bits));

/** Puts a CA into a folder that has none: the same for all files of a run. */
export async function putAuthority(folder: string): Promise<void> {
  await copyAuthority(folder, () => true);
}

/** Puts the keys of a CA there, which then makes its certificates when it is opened, at the hour of that moment. */
export async function putAuthorityKeys(folder: string): Promise<void> {
  await copyAuthority(folder, (name) => name.endsWith('.key.pem'));
}

async function copyAuthority(folder: string, isWanted: (name: string) => boolean): Promise<void> {
  const made = join(runFolder(), 'ca');
  await openKeyFolder(made, new Date());
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await cp(made, folder, { recursive: true, filter: (source) => source === made || isWanted(source) });
}
