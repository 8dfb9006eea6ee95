import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  X509Certificate,
} from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { issueRoot, issueServerCertificate } from './tls-certificates.ts';

/** The root that the local front's server certificates hang below. */
export interface TlsRoot {
  /** The root certificate; import it where the front is to be trusted. */
  pem: string;
  /**
   * A new P-256 key and a certificate for it, for server authentication, good for at most 13 months.
   * `hostNames` are DNS names or IP addresses; the first becomes the subject. Throws an Error for an empty list or a name that is neither.
   */
  serverCertificate(hostNames: string[]): Promise<{ key: string; cert: string }>;
}

/**
 * Opens the TLS root of a folder, and makes it there when there is none: `tls-root.pem` (the certificate) and
 * `tls-root.key` (its P-256 key with the certificate, mode 600). Two processes that start at once get the same root.
 * Throws an Error when the files contradict each other or the root has expired; they are never overwritten.
 */
export async function openTlsRoot(folder: string): Promise<TlsRoot> {
  await mkdir(folder, { recursive: true });
  const keyFile = path.join(folder, 'tls-root.key');
  const pemFile = path.join(folder, 'tls-root.pem');
  const pemBefore = await readIfThere(pemFile);
  const stored = (await readIfThere(keyFile)) ?? (await makeRoot(keyFile, pemBefore, pemFile));
  const { key, certificate } = readRoot(stored, keyFile);
  const pem = certificate.toString();
  if (pemBefore === undefined) await writeWhole(pemFile, pem, 0o644);
  else if (!new X509Certificate(pemBefore).raw.equals(certificate.raw)) {
    throw new Error(`${pemFile} is not the certificate in ${keyFile}. Put the right one back, or delete both.`);
  }
  return {
    pem,
    serverCertificate: async (hostNames) => issueServerCertificate({ key, certificate }, hostNames),
  };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes a file that others see either whole or not at all. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const part = `${file}.${randomUUID()}.part`;
  await writeFile(part, text, { mode });
  await rename(part, file);
}

/**
 * Key and certificate stand in one file, which appears by a hard link: of two processes only one can make it, and the other
 * reads what the first has made.
 */
async function makeRoot(keyFile: string, pemBefore: string | undefined, pemFile: string): Promise<string> {
  if (pemBefore !== undefined) {
    throw new Error(`${keyFile} is missing, but ${pemFile} is there. Put the key back, or delete the certificate.`);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const text = `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${issueRoot(privateKey).toString()}`;
  const part = `${keyFile}.${randomUUID()}.part`;
  await writeFile(part, text, { mode: 0o600 });
  try {
    await link(part, keyFile);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await readFile(keyFile, 'utf8');
  } finally {
    await rm(part, { force: true });
  }
}

function readRoot(text: string, file: string): { key: KeyObject; certificate: X509Certificate } {
  let key: KeyObject;
  let certificate: X509Certificate;
  try {
    key = createPrivateKey(text);
    certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')));
  } catch (error) {
    throw new Error(`${file} does not hold a private key and its certificate: ${(error as Error).message}`);
  }
  if (!certificate.publicKey.equals(createPublicKey(key))) {
    throw new Error(`The key and the certificate in ${file} do not belong together.`);
  }
  if (new Date(certificate.validTo) < new Date()) {
    throw new Error(
      `The TLS root in ${file} has expired. Delete it and tls-root.pem, and import the new root on test PCs.`,
    );
  }
  return { key, certificate };
}
