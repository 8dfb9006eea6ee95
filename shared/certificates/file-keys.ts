import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomUUID,
  sign,
  X509Certificate,
} from 'node:crypto';
import { access, chmod, link, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeIssuingCertificate, makeRootCertificate, type SigningKey } from './ca-certificates.ts';
import { CertificateAuthorityError } from './certificate-authority-error.ts';

const FILES = {
  rootKey: 'device-root.key.pem',
  issuingKey: 'issuing-ca.key.pem',
  root: 'device-root.pem',
  issuing: 'issuing-ca.pem',
} as const;
const KEY_BITS = 3072;
const UNFINISHED = /\.pem\.[0-9a-f-]{36}\.new$/;
const WAY_OUT =
  'Restore the folder from a backup. Only if no device holds a certificate of this CA: move the folder away, and the next start makes a new CA.';

/**
 * Opens the certificate authority in a folder and makes what is not there yet: RSA 3072 keys as PKCS#8 PEM that only the
 * owner can read (600, the folder 700), certificates as PEM. The files appear in a fixed order, both keys before any
 * certificate, each one whole or not at all and never replaced:
 *
 * - of two processes that start at once, the later one takes what the earlier one put there, so both end with one CA;
 * - after a crash the next start finds a beginning of that order and goes on from there with the same keys;
 * - a key that is missing beside a certificate was lost, not interrupted, and is never made anew.
 *
 * @param at the moment of making
 * @throws CertificateAuthorityError that names the file and what to do
 */
export async function openKeyFolder(
  folder: string,
  at: Date,
): Promise<{ rootCertificate: Buffer; issuingCertificate: Buffer; sign(tbs: Buffer): Promise<Buffer> }> {
  const path = resolve(folder);
  try {
    await makePrivateFolder(path);
    await refuseLosses(path);
    const rootKey = await keepKey(join(path, FILES.rootKey));
    const issuingKey = await keepKey(join(path, FILES.issuingKey));
    const root = await keepRoot(path, rootKey, at);
    const issuing = await keepIssuing(path, root, rootKey, issuingKey, at);
    await removeUnfinished(path);
    return { rootCertificate: root.raw, issuingCertificate: issuing.raw, sign: signingKey(issuingKey).sign };
  } catch (error) {
    if (error instanceof CertificateAuthorityError) throw error;
    const what = error instanceof Error ? error.message : String(error);
    throw new CertificateAuthorityError(
      `The folder of the certificate authority, ${path}, cannot be used: ${what}. ` +
        'It must be on a local disk, and this process must be able to write there.',
      { cause: error },
    );
  }
}

/** Looks in the reverse of the order of making, so that another process in the middle of making is never taken for a loss. */
async function refuseLosses(path: string): Promise<void> {
  const has = async (name: string) => exists(join(path, name));
  const refuse = (missing: string, beside: string) => {
    throw new CertificateAuthorityError(`${join(path, missing)} is missing, but ${beside} is there. ${WAY_OUT}`);
  };
  const issuing = await has(FILES.issuing);
  const root = await has(FILES.root);
  if (!issuing && !root) return;
  const beside = issuing ? FILES.issuing : FILES.root;
  if (!root) refuse(FILES.root, beside);
  if (!(await has(FILES.issuingKey))) refuse(FILES.issuingKey, beside);
  if (!(await has(FILES.rootKey))) refuse(FILES.rootKey, beside);
}

/**
 * The key in a file, made there (RSA 3072, mode 600) unless `existing` says that it must be there.
 *
 * @throws CertificateAuthorityError where the file is missing or holds something else
 */
export async function keepKey(file: string, must?: 'existing'): Promise<KeyObject> {
  if (must && !(await exists(file))) throw unusable(file, 'is missing');
  await keepOnce(file, 0o600, async () => {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: KEY_BITS });
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  });
  await narrow(file, 0o600);
  const key = readPem(file, await readFile(file, 'utf8'), 'an unencrypted private key', createPrivateKey);
  if (key.asymmetricKeyType !== 'rsa') throw unusable(file, 'does not hold an RSA key');
  return key;
}

async function keepRoot(path: string, key: KeyObject, at: Date): Promise<X509Certificate> {
  const file = join(path, FILES.root);
  await keepOnce(file, 0o644, async () => certificatePem(await makeRootCertificate(signingKey(key), at)));
  const root = await readCertificate(file);
  if (!root.checkPrivateKey(key)) throw unusable(file, `does not belong to ${FILES.rootKey}`);
  if (!root.verify(root.publicKey)) throw unusable(file, 'is not signed by itself');
  return root;
}

async function keepIssuing(
  path: string,
  root: X509Certificate,
  rootKey: KeyObject,
  key: KeyObject,
  at: Date,
): Promise<X509Certificate> {
  const file = join(path, FILES.issuing);
  await keepOnce(file, 0o644, async () => {
    const signer = { certificate: root.raw, notAfter: new Date(root.validTo), key: signingKey(rootKey) };
    return certificatePem(await makeIssuingCertificate(signer, signingKey(key), at));
  });
  const issuing = await readCertificate(file);
  if (!issuing.checkPrivateKey(key)) throw unusable(file, `does not belong to ${FILES.issuingKey}`);
  if (!issuing.checkIssued(root) || !issuing.verify(root.publicKey))
    throw unusable(file, `is not signed by ${FILES.root}`);
  return issuing;
}

export function signingKey(key: KeyObject): SigningKey {
  return {
    subjectPublicKeyInfo: createPublicKey(key).export({ type: 'spki', format: 'der' }),
    sign: (tbs) => promisify(sign)('sha256', tbs, key),
  };
}

/**
 * Puts a file in place unless one of that name is there. The bytes are on the disk before the name appears: a hard link
 * comes into being at once and fails where the name is taken, which `rename` does not.
 */
export async function keepOnce(file: string, mode: number, make: () => Promise<string>): Promise<void> {
  if (await exists(file)) return;
  const text = await make();
  const unfinished = `${file}.${randomUUID()}.new`;
  try {
    const handle = await open(unfinished, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(unfinished, file);
    await syncFolder(dirname(file));
  } catch (error) {
    // Somebody else was first; having finished, they may even have cleared away our unfinished file.
    if (!(await exists(file))) throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Makes the new name survive a power cut, before the next file is begun. Windows does not let a folder be opened for this. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The certificate in a PEM file. @throws CertificateAuthorityError */
export async function readCertificate(file: string): Promise<X509Certificate> {
  return readPem(file, await readFile(file, 'utf8'), 'a certificate', (text) => new X509Certificate(text));
}

function readPem<T>(file: string, text: string, what: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    throw unusable(file, `cannot be read as ${what} in PEM`, error);
  }
}

function unusable(file: string, what: string, cause?: unknown): CertificateAuthorityError {
  return new CertificateAuthorityError(`${file} ${what}. ${WAY_OUT}`, { cause });
}

/** RFC 7468 section 5. */
export function certificatePem(der: Buffer): string {
  return new X509Certificate(der).toString();
}

async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await narrow(path, 0o700);
}

/** Takes away from everybody but the owner what a copy or a restored backup gave them. Windows has no such modes. */
async function narrow(path: string, mode: number): Promise<void> {
  if (process.platform === 'win32') return;
  const current = (await stat(path)).mode;
  if ((current & 0o077) !== 0) await chmod(path, mode);
}

/** What a crash left of files that never got their name. Nobody needs them once all four files are there. */
async function removeUnfinished(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (UNFINISHED.test(name)) await rm(join(path, name), { force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );
}
