import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** Crockford base32: without I, L, O and U, which people mistake for other characters. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SECRET_BYTES = 10;

/** A random GUID (RFC 9562, version 4) in lower case, without braces. */
export function newGuid(): string {
  return randomUUID();
}

/**
 * A new invitation secret: 80 random bits as `XXXX-XXXX-XXXX-XXXX` in Crockford base32,
 * short enough to be typed into Windows Settings.
 *
 * @param random ten bytes that nobody can guess
 */
export function newInvitationSecret(random: Buffer = randomBytes(SECRET_BYTES)): string {
  if (random.length !== SECRET_BYTES) throw new RangeError(`An invitation secret is made of ${SECRET_BYTES} bytes`);
  let bits = BigInt(`0x${random.toString('hex')}`);
  let text = '';
  for (let i = 0; i < (SECRET_BYTES * 8) / 5; i++) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text.replace(/(.{4})(?=.)/g, '$1-');
}

/**
 * The form of an invitation secret that is hashed and compared: 16 characters without groups.
 * Spaces, every kind of dash and case do not matter, and I, L and O are read as the digits they are mistaken for.
 * Text that is no invitation secret comes back changed in the same way, and so matches none.
 *
 * @param text what a person typed
 */
export function normaliseSecret(text: string): string {
  return text
    .replace(/[\s\p{Dash}\u00AD\u200B-\u200D\u2060\uFEFF]/gu, '')
    .toUpperCase()
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0');
}

/** SHA-256 (FIPS 180-4) of bytes, or of text in UTF-8: 32 bytes. */
export function sha256(data: Buffer | string): Buffer {
  return createHash('sha256').update(data).digest();
}
