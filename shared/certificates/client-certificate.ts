// Loaded at every cold start of the app that devices call for management, so: node:crypto and nothing else.
import { X509Certificate } from 'node:crypto';
import { enrollmentIdOfSubject } from './enrollment-subject.ts';
import { sha256Thumbprint } from './thumbprint.ts';
import { isInDate, isIssuedBy } from './validity.ts';

export type ClientCertificateResult =
  | { ok: true; enrollmentId: string; thumbprint: string }
  | { ok: false; reason: string };

/** The longest header that is looked at, in characters. A certificate of ours takes about 1,330. */
const MAX_HEADER = 8 * 1024;
const ONE_BASE64_VALUE = /^[A-Za-z0-9+/]+=*$/;
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';

/**
 * Checks the certificate that the platform's TLS front took from a device and handed on in the header `X-ARR-ClientCert`.
 *
 * The front proved that the caller holds the private key and nothing more; whose certificate it is, is decided here.
 * Whether the thumbprint is one of those of the enrollment, and what the enrollment may do, the caller decides.
 *
 * @param header the header as it came: base64 (RFC 4648 section 4) of the DER, without PEM lines and without a chain
 * @param issuers the issuing CAs whose certificates are good; a retired one is left out
 * @param now the moment at which both certificates must be in date
 * @returns the enrollment id and the SHA-256 thumbprint (64 lower-case hex digits), or a reason that is meant for the log
 *   and not for the caller. Never throws for what a caller sent.
 * @see RFC 5280 sections 4.1.2.5 (validity) and 4.2.1.12 (extended key usage)
 */
export function checkClientCertificate(
  header: string | null,
  issuers: X509Certificate[],
  now: Date,
): ClientCertificateResult {
  const certificate = readHeader(header);
  if (typeof certificate === 'string') return { ok: false, reason: certificate };
  return checkLeaf(certificate, issuers, now);
}

/** The same check of a certificate that came another way: a renewal is signed with it and brings it along (RFC 5652). */
export function checkLeaf(
  certificate: X509Certificate,
  issuers: X509Certificate[],
  now: Date,
): ClientCertificateResult {
  const issuer = issuers.find((candidate) => isIssuedBy(certificate, candidate));
  if (!issuer) return { ok: false, reason: 'the certificate is not signed by an issuing CA of this server' };
  if (!isInDate(issuer, now)) return { ok: false, reason: 'the issuing CA is out of date' };
  if (!isInDate(certificate, now)) {
    return { ok: false, reason: `the certificate is out of date: ${certificate.validFrom} to ${certificate.validTo}` };
  }
  if (certificate.ca) return { ok: false, reason: 'the certificate is that of a CA' };
  // node:crypto calls the list of extended key usages `keyUsage`; undefined where the extension is missing
  if (!certificate.keyUsage?.includes(CLIENT_AUTHENTICATION)) {
    return { ok: false, reason: 'the certificate is not for client authentication' };
  }
  const enrollmentId = enrollmentIdOfSubject(certificate.subject);
  if (!enrollmentId) return { ok: false, reason: 'the subject is not exactly CN=<enrollment id>' };
  return { ok: true, enrollmentId, thumbprint: sha256Thumbprint(certificate.raw) };
}

/** The certificate in the header, or the reason why there is none. */
function readHeader(header: string | null): X509Certificate | string {
  if (!header) return 'no client certificate';
  if (header.length > MAX_HEADER) return `the header is longer than ${MAX_HEADER} characters`;
  // Two headers of this name arrive joined by a comma, which is how a forged one beside the platform's shows itself.
  if (!ONE_BASE64_VALUE.test(header)) return 'the header is not exactly one base64 value';
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(Buffer.from(header, 'base64'));
  } catch {
    return 'the header does not hold a certificate';
  }
  // Loose base64, PEM inside base64 and bytes after the certificate all read well and all come out different.
  if (certificate.raw.toString('base64') !== header) return 'the header is not the plain encoding of its certificate';
  return certificate;
}
