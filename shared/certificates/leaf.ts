import { X509Certificate } from 'node:crypto';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import type { CertificateAuthority } from './certificate-authority.ts';
import { CertificateAuthorityError } from './certificate-authority-error.ts';
import { buildCertificate } from './certificate-builder.ts';
import { isEnrollmentId } from './enrollment-subject.ts';
import { LEAF_VALIDITY_DAYS } from './leaf-validity.ts';
import { sha1Thumbprint, sha256Thumbprint } from './thumbprint.ts';

export { LEAF_VALIDITY_DAYS };

/** A device's certificate. */
export interface Leaf {
  der: Buffer;
  /** SHA-1, 40 upper-case hex digits: the name of its node below CertificateStore */
  sha1: string;
  /** SHA-256, 64 lower-case hex digits: what is stored and compared */
  thumbprint: string;
  /** upper-case hex, as node:crypto and Windows print it */
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;
// A PC's clock may be a little behind ours when it looks at its new certificate.
const BACKDATED_MS = 10 * 60 * 1000;

/**
 * Issues the certificate by which a device is known: subject `CN=<enrollment id>`, one year but never past the end of the
 * issuing CA, client authentication only.
 *
 * @param v.enrollmentId GUID, lower case
 * @param v.subjectPublicKeyInfo DER, out of a signing request that was checked
 * @throws TypeError where the enrollment id is not one; CertificateAuthorityError where the issuing CA is out of date; what
 *   the CA's `sign` throws
 * @see MS-MDE2 section 3.4.4.1; RFC 5280 section 4
 */
export async function issueLeaf(v: {
  ca: CertificateAuthority;
  enrollmentId: string;
  subjectPublicKeyInfo: Buffer;
  now: Date;
}): Promise<Leaf> {
  if (!isEnrollmentId(v.enrollmentId)) throw new TypeError(`not an enrollment id: '${v.enrollmentId}'`);
  const { notBefore, notAfter } = validity(v.ca.issuingCertificate, v.now);
  const der = await buildCertificate(
    {
      commonName: v.enrollmentId,
      issuer: v.ca.issuingCertificate,
      subjectPublicKeyInfo: v.subjectPublicKeyInfo,
      notBefore,
      notAfter,
      keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment,
    },
    (tbs) => v.ca.sign(tbs),
  );
  const { serialNumber } = new X509Certificate(der);
  return { der, sha1: sha1Thumbprint(der), thumbprint: sha256Thumbprint(der), serialNumber, notBefore, notAfter };
}

/** In whole seconds, as they stand in the certificate. */
function validity(issuingCertificate: Buffer, now: Date): { notBefore: Date; notAfter: Date } {
  const issuer = new X509Certificate(issuingCertificate);
  const second = Math.floor(now.getTime() / 1000) * 1000;
  const issuerEnd = Date.parse(issuer.validTo);
  if (second < Date.parse(issuer.validFrom) || second >= issuerEnd) {
    throw new CertificateAuthorityError(
      `The issuing CA is good from ${issuer.validFrom} to ${issuer.validTo} and cannot issue now (${now.toISOString()}). ` +
        "Check this machine's clock; when the CA has ended, devices need a new one.",
    );
  }
  return {
    notBefore: new Date(second - BACKDATED_MS),
    notAfter: new Date(Math.min(second + LEAF_VALIDITY_DAYS * DAY_MS, issuerEnd)),
  };
}
