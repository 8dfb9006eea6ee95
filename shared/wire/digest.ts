import { createHash, timingSafeEqual } from 'node:crypto';

const md5 = (data: Buffer | string) => createHash('md5').update(data).digest('base64');

/**
 * What a server keeps instead of a name and secret: B64(MD5(name ":" secret)) (OMA DM Security 5.1.3.2). It is as good as
 * the secret itself for this scheme.
 */
export function hashedCredential(name: string, secret: string): string {
  return md5(`${name}:${secret}`);
}

/**
 * The Data of a `syncml:auth-md5` credential: B64(MD5(hashedCredential ":" nonce)) (OMA DM Security 5.1.3.2).
 *
 * @param nonce the raw bytes; on the wire a nonce is base64, in the hash it is not
 */
export function digestCredential(hash: string, nonce: Buffer): string {
  return md5(Buffer.concat([Buffer.from(`${hash}:`), nonce]));
}

/** Whether a credential's Data is the digest of this hash and nonce; takes the same time for every wrong answer. */
export function digestMatches(data: string, hash: string, nonce: Buffer): boolean {
  const given = Buffer.from(data.replace(/\s/g, ''));
  const expected = Buffer.from(digestCredential(hash, nonce));
  return given.length === expected.length && timingSafeEqual(given, expected);
}
