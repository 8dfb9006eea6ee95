import { createPublicKey, type KeyObject } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { now } from '../platform/clock.ts';
import { caName } from './ca-certificates.ts';
import type { Sign } from './certificate-builder.ts';
import { buildCertificationRequest } from './certification-request.ts';
import { certificatePem, keepKey, keepOnce, openKeyFolder, readCertificate, signingKey } from './file-keys.ts';
import { type CaCertificate, type CaKind, type KeyPlace, KeyPlaceMoved, type PendingKey } from './key-place.ts';

/** The first generation has no number: `issuing-ca.pem`, then `issuing-ca-2.pem`. */
const FILES: Record<CaKind, string> = { root: 'device-root', issuing: 'issuing-ca' };
const KEY = '.key.pem';
const CERTIFICATE = '.pem';

/**
 * The keys of the certificate authority in a folder. The first root and issuing CA are made as soon as it is looked at
 * (`openKeyFolder`); a later generation is a key file that gets its certificate beside it when that is signed.
 */
export function openFileKeyPlace(folder: string): KeyPlace {
  const path = resolve(folder);
  const place: KeyPlace = {
    async certificates(kind) {
      await openKeyFolder(path, now());
      return finished(path, kind);
    },
    async pending(kind) {
      const name = await nextName(path, kind);
      return (await readdir(path)).includes(name + KEY) ? pendingOf(path, kind, name) : undefined;
    },
    begin: async (kind) => pendingOf(path, kind, await nextName(path, kind)),
    async complete(_kind, { key }, chain) {
      const file = join(path, key.slice(0, -KEY.length) + CERTIFICATE);
      const text = certificatePem(chain[0]!);
      await keepOnce(file, 0o644, async () => text);
      if (certificatePem((await readCertificate(file)).raw) !== text)
        throw new KeyPlaceMoved(`${file} is there already`);
    },
    async cancel(kind) {
      await rm(join(path, (await nextName(path, kind)) + KEY), { force: true });
    },
    sign: fileSigner(path),
  };
  return place;
}

/** Gives the signers of the keys in a folder, by file name. The enroll app needs no more of it. */
export function fileSigner(folder: string): (key: string) => Sign {
  const path = resolve(folder);
  const kept = new Map<string, KeyObject>();
  return (name) => async (tbs) => {
    const key = kept.get(name) ?? (await keepKey(join(path, name), 'existing'));
    kept.set(name, key);
    return signingKey(key).sign(tbs);
  };
}

async function finished(path: string, kind: CaKind): Promise<CaCertificate[]> {
  const found = [];
  for (const generation of await generations(path, kind)) {
    const name = nameOf(kind, generation);
    const { raw } = await readCertificate(join(path, name + CERTIFICATE));
    found.push({ certificate: raw, key: name + KEY });
  }
  return found;
}

async function generations(path: string, kind: CaKind): Promise<number[]> {
  const pattern = new RegExp(`^${FILES[kind]}(?:-([1-9][0-9]{0,3}))?\\.pem$`);
  const files = (await readdir(path)).map((name) => pattern.exec(name)).filter((match) => match !== null);
  return files.map(([, number]) => Number(number ?? 1)).sort((a, b) => a - b);
}

async function nextName(path: string, kind: CaKind): Promise<string> {
  return nameOf(kind, ((await generations(path, kind)).at(-1) ?? 0) + 1);
}

function nameOf(kind: CaKind, generation: number): string {
  return generation === 1 ? FILES[kind] : `${FILES[kind]}-${generation}`;
}

async function pendingOf(path: string, kind: CaKind, name: string): Promise<PendingKey> {
  const key = await keepKey(join(path, name + KEY));
  const commonName = caName(kind, createPublicKey(key).export({ type: 'spki', format: 'der' }));
  return { key: name + KEY, signingRequest: await buildCertificationRequest(commonName, signingKey(key)) };
}
