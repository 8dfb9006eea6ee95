import type { KeyObject, X509Certificate } from 'node:crypto';
import { AsnParser } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  KeyUsage,
  KeyUsageFlags,
} from '@peculiar/asn1-x509';

/** Certificates that cannot be installed; `message` says what is wrong and what to do, for an administrator. */
export class OwnRootError extends Error {
  override readonly name = 'OwnRootError';
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_PURPOSE = '2.5.29.37.0';

/**
 * Checks what an organisation's own root made of our signing request. The provisioning document carries one root and one
 * issuing CA and nothing between them, so the root itself must have signed.
 *
 * @param certificates the issuing certificate and the root, in any order
 * @param publicKey of the signing request
 * @throws OwnRootError
 * @see RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.12 and 6.1
 */
export function checkOwnRootChain(
  certificates: X509Certificate[],
  publicKey: KeyObject,
  at: Date,
): { issuing: X509Certificate; root: X509Certificate } {
  const issuing = certificates.find((certificate) => certificate.publicKey.equals(publicKey));
  if (!issuing) throw new OwnRootError('None of the certificates is for the key of the signing request.');
  const [root, ...more] = certificates.filter((certificate) => !certificate.raw.equals(issuing.raw));
  if (!root) throw new OwnRootError('The root is missing: send the issuing certificate and the root that signed it.');
  if (more.length > 0) {
    throw new OwnRootError(
      `The chain has ${more.length + 2} certificates. Devices get one root and one issuing CA: the root itself has to sign ` +
        'the request, without another CA between them.',
    );
  }
  if (root.subject !== root.issuer) {
    throw new OwnRootError(
      `${oneLine(root.subject)} is not a root: it is signed by ${oneLine(root.issuer)}. The root itself has to sign the request.`,
    );
  }
  // OpenSSL counts no certificate as issued by one that may not issue, so that is looked at before.
  checkAuthority(root, 'The root', at, 1);
  if (!isSignedBy(root, root)) throw new OwnRootError('The root is not signed by itself.');
  if (!isSignedBy(issuing, root)) {
    throw new OwnRootError(`The issuing certificate is not signed by ${oneLine(root.subject)}.`);
  }
  checkAuthority(issuing, 'The issuing certificate', at, 0);
  if (Date.parse(issuing.validTo) > Date.parse(root.validTo)) {
    throw new OwnRootError(
      `The issuing certificate is good until ${issuing.validTo}, its root only until ${root.validTo}.`,
    );
  }
  return { issuing, root };
}

/** @param below how many CAs there will be below this one */
function checkAuthority(certificate: X509Certificate, what: string, at: Date, below: number): void {
  const { ca, pathLength, keyUsage } = authorityExtensions(certificate);
  if (!ca) throw new OwnRootError(`${what} is not that of a CA: basic constraints must say CA true.`);
  if (pathLength !== undefined && pathLength < below) {
    throw new OwnRootError(
      `${what} has path length ${pathLength} and so allows no CA below it; it needs ${below} or none.`,
    );
  }
  if (keyUsage !== undefined && (keyUsage & KeyUsageFlags.keyCertSign) === 0) {
    throw new OwnRootError(`${what} may not sign certificates: its key usage lacks keyCertSign.`);
  }
  // node:crypto calls the list of extended key usages `keyUsage`; undefined where the extension is missing
  const purposes = certificate.keyUsage;
  if (purposes && !purposes.includes(CLIENT_AUTHENTICATION) && !purposes.includes(ANY_PURPOSE)) {
    throw new OwnRootError(
      `${what} excludes client authentication: its extended key usage has to name it, or be left out.`,
    );
  }
  if (at.getTime() < Date.parse(certificate.validFrom) || at.getTime() > Date.parse(certificate.validTo)) {
    throw new OwnRootError(
      `${what} is not in date: it is good from ${certificate.validFrom} to ${certificate.validTo}.`,
    );
  }
}

function authorityExtensions({ raw }: X509Certificate): { ca: boolean; pathLength?: number; keyUsage?: number } {
  const { extensions = [] } = AsnParser.parse(raw, Certificate).tbsCertificate;
  const valueIn = (id: string) => extensions.find(({ extnID }) => extnID === id)?.extnValue.buffer;
  const constraints = valueIn(id_ce_basicConstraints);
  const { cA, pathLenConstraint } = constraints ? AsnParser.parse(constraints, BasicConstraints) : { cA: false };
  const usage = valueIn(id_ce_keyUsage);
  return { ca: cA, pathLength: pathLenConstraint, keyUsage: usage && AsnParser.parse(usage, KeyUsage).toNumber() };
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // a key or an algorithm that OpenSSL does not know
  }
}

/** node:crypto writes each part of a name on a line of its own. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
