import { X509Certificate } from 'node:crypto';
import { AsnConvert, AsnUtf8StringConverter } from '@peculiar/asn1-schema';
import { Certificate, id_ce_subjectAltName, SubjectAlternativeName } from '@peculiar/asn1-x509';
import { fromBER } from 'asn1js';
import { isInDate, isIssuedBy } from './validity.ts';

/** A certificate that does not admit its user. `message` says why in words that may go to the journal. */
export class UserCertificateError extends Error {
  override readonly name = 'UserCertificateError';
}

/** A certificate takes 1 to 3 KB. */
const MAX_CERTIFICATE = 16 * 1024;
const MIN_KEY_BITS = 2_048;
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_PURPOSE = '2.5.29.37.0';
/** The User Principal Name of Windows, in the subject's alternative names ([MS-WCCE] 2.2.2.7.7.4, szOID_NT_PRINCIPAL_NAME). */
const PRINCIPAL_NAME = '1.3.6.1.4.1.311.20.2.3';
const NAME_OF_DOMAIN = /^[^@\s\p{C}]{1,256}@[^@\s\p{C}]{1,255}$/u;

/**
 * Reads the certificate of a user, such as one on a smart card, and checks that somebody trusted issued it for what it is
 * used here. That its owner holds the key, the caller checks.
 *
 * @param der the certificate
 * @param issuers certificates of the trusted issuing CAs, PEM
 * @returns the certificate and the user that it names: the principal name, else the one e-mail address
 * @throws UserCertificateError
 * @see RFC 5280 sections 4.1.2.5 (validity), 4.2.1.6 (alternative names), 4.2.1.12 (extended key usage)
 */
export function readUserCertificate(
  der: Buffer,
  issuers: readonly string[],
  now: Date,
): { certificate: X509Certificate; user: string } {
  const certificate = parse(der);
  const issuer = issuers.map((pem) => new X509Certificate(pem)).find((each) => isIssuedBy(certificate, each));
  if (!issuer) throw new UserCertificateError('no issuer in certificates.issuers signed the certificate');
  if (!isInDate(issuer, now)) throw new UserCertificateError('its issuer is out of date');
  if (!isInDate(certificate, now)) throw new UserCertificateError('the certificate is out of date');
  if (certificate.ca) throw new UserCertificateError('the certificate is that of a CA');
  checkKey(certificate);
  // node:crypto calls the list of extended key usages `keyUsage`; undefined where the extension is missing
  const purposes = certificate.keyUsage;
  if (purposes && !purposes.includes(CLIENT_AUTHENTICATION) && !purposes.includes(ANY_PURPOSE)) {
    throw new UserCertificateError('the certificate is not for client authentication');
  }
  return { certificate, user: userOf(certificate) };
}

function parse(der: Buffer): X509Certificate {
  if (der.length > MAX_CERTIFICATE) throw new UserCertificateError('the certificate is too large');
  try {
    const certificate = new X509Certificate(der);
    // PEM inside and bytes behind the certificate read well too.
    if (certificate.raw.equals(der)) return certificate;
  } catch {
    // said below
  }
  throw new UserCertificateError('the token is not the DER of a certificate');
}

function checkKey({ publicKey }: X509Certificate): void {
  const { modulusLength = 0 } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'rsa' && modulusLength >= MIN_KEY_BITS) return;
  throw new UserCertificateError(`its key is not RSA of ${MIN_KEY_BITS} bits or more`);
}

function userOf(certificate: X509Certificate): string {
  const names = alternativeNames(certificate);
  const principals = names.flatMap(({ otherName }) => {
    return otherName?.typeId === PRINCIPAL_NAME ? [utf8String(otherName.value)] : [];
  });
  const addresses = names.flatMap(({ rfc822Name }) => (rfc822Name === undefined ? [] : [rfc822Name]));
  const [user, ...others] = principals.length > 0 ? principals : addresses;
  if (user === undefined || others.length > 0) throw new UserCertificateError('it does not name exactly one user');
  if (!NAME_OF_DOMAIN.test(user)) throw new UserCertificateError('the name of its user is not of the form user@domain');
  return user;
}

function alternativeNames(certificate: X509Certificate): SubjectAlternativeName {
  try {
    const { extensions = [] } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
    const [extension, ...more] = extensions.filter(({ extnID }) => extnID === id_ce_subjectAltName);
    if (!extension || more.length > 0) return new SubjectAlternativeName();
    return AsnConvert.parse(extension.extnValue, SubjectAlternativeName);
  } catch {
    throw new UserCertificateError('its alternative names cannot be read');
  }
}

function utf8String(der: ArrayBuffer): string {
  try {
    const { result, offset } = fromBER(der);
    if (offset === -1) throw new UserCertificateError('its principal name cannot be read');
    return AsnUtf8StringConverter.fromASN(result as Parameters<typeof AsnUtf8StringConverter.fromASN>[0]);
  } catch {
    throw new UserCertificateError('its principal name cannot be read');
  }
}
