import { createHash } from 'node:crypto';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { buildCertificate, type Sign } from './certificate-builder.ts';
import type { CaKind } from './key-place.ts';

/** A key that signs, wherever it lives: a file, or a vault that never gives it away. */
export interface SigningKey {
  /** DER */
  subjectPublicKeyInfo: Buffer;
  /** the name in its signing request, where it has one; otherwise the certificate's name is made from the key */
  commonName?: string;
  sign: Sign;
}

export const CA_NAMES: Record<CaKind, string> = { root: 'Lanyard Device Root', issuing: 'Lanyard Device Issuing CA' };

const ROOT_YEARS = 10;
// Devices get the issuing CA with every certificate, so it can be followed by another one below the same root at any
// time. Five years are half of the root's life: two generations, each tried in practice before the root ends.
const ISSUING_YEARS = 5;
// Backdated so that a leaf, itself backdated by minutes, never begins before its CA.
const BACKDATED_MS = 24 * 60 * 60 * 1000;
const CA_KEY_USAGE = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

/**
 * Makes the device root: self-signed, ten years, one CA below it. Devices trust it; it signs issuing CAs and nothing else.
 *
 * @param at the moment of making; validity begins a day earlier
 * @returns the certificate, DER
 * @see RFC 5280 sections 4.2.1.3 and 4.2.1.9
 */
export function makeRootCertificate(key: SigningKey, at: Date): Promise<Buffer> {
  return buildCertificate(
    {
      commonName: key.commonName ?? caName('root', key.subjectPublicKeyInfo),
      subjectPublicKeyInfo: key.subjectPublicKeyInfo,
      ...validity(at, ROOT_YEARS),
      pathLength: 1,
      keyUsage: CA_KEY_USAGE,
    },
    key.sign,
  );
}

/**
 * Makes the certificate of the issuing CA: signed by the root, five years but never past the root's end, no CA below it.
 *
 * @param root the root's certificate (DER, with its end) and its key
 * @param key the issuing key, of which only the public half is used
 * @param at the moment of making; validity begins a day earlier
 * @returns the certificate, DER
 */
export function makeIssuingCertificate(
  root: { certificate: Buffer; notAfter: Date; key: SigningKey },
  key: SigningKey,
  at: Date,
): Promise<Buffer> {
  const { notBefore, notAfter } = validity(at, ISSUING_YEARS);
  return buildCertificate(
    {
      commonName: key.commonName ?? caName('issuing', key.subjectPublicKeyInfo),
      issuer: root.certificate,
      subjectPublicKeyInfo: key.subjectPublicKeyInfo,
      notBefore,
      notAfter: new Date(Math.min(notAfter.getTime(), root.notAfter.getTime())),
      pathLength: 0,
      keyUsage: CA_KEY_USAGE,
    },
    root.key.sign,
  );
}

/**
 * The name of a CA by its public key (DER). Eight digits of the key's hash tell the CAs of two deployments apart in a
 * certificate store, and one key has one name.
 */
export function caName(kind: CaKind, subjectPublicKeyInfo: Buffer): string {
  const hash = createHash('sha256').update(subjectPublicKeyInfo).digest('hex');
  return `${CA_NAMES[kind]} ${hash.slice(0, 8).toUpperCase()}`;
}

function validity(at: Date, years: number): { notBefore: Date; notAfter: Date } {
  const notAfter = new Date(at);
  notAfter.setUTCFullYear(at.getUTCFullYear() + years);
  return { notBefore: new Date(at.getTime() - BACKDATED_MS), notAfter };
}
