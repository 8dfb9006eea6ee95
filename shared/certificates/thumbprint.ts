import { createHash } from 'node:crypto';

/**
 * The thumbprint by which Windows names a certificate: SHA-1 over the DER, 40 upper-case hex digits.
 * It is a name, not a proof: the nodes below `CertificateStore` are called by it (MS-MDE2 2.2.9.2).
 */
export function sha1Thumbprint(der: Buffer): string {
  return createHash('sha1').update(der).digest('hex').toUpperCase();
}

/** The thumbprint that this product stores and compares: SHA-256 over the DER, 64 lower-case hex digits. */
export function sha256Thumbprint(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}
