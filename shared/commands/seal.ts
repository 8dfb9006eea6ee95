import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/**
 * Encryption at rest: AES-256-GCM (NIST SP 800-38D) under the deployment's data key. What is encrypted is bound to its
 * place, so that a row of one device does not open in another's.
 */

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

/** Names the place of a secret: enrollment id, and what in its partition. */
export type Place = readonly (string | number)[];

/** @returns version, nonce, tag and ciphertext */
export function seal(key: Buffer, place: Place, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(JSON.stringify(place)));
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from([VERSION]), nonce, cipher.getAuthTag(), encrypted]);
}

/** @returns what was sealed; undefined when the key, the place or a byte is another */
export function unseal(key: Buffer, place: Place, sealed: Buffer): Buffer | undefined {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) return undefined;
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(JSON.stringify(place)));
  decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/**
 * @returns a name for a secret that tells whether two are equal and nothing else: a plain hash of a password can be
 *   guessed, this only by who has the key
 */
export function fingerprint(key: Buffer, plain: string): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['fingerprint', plain]))
    .digest('hex');
}
