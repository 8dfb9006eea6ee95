import type { X509Certificate } from 'node:crypto';

/** @returns whether `issuer` is named as the issuer and its key made the signature */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // a key or an algorithm that OpenSSL does not know
  }
}

/** @returns whether `now` lies in the dates. A date that cannot be read compares as false, and so counts as out of date. */
export function isInDate(certificate: X509Certificate, now: Date): boolean {
  return Date.parse(certificate.validFrom) <= now.getTime() && now.getTime() <= Date.parse(certificate.validTo);
}
