import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const commonName = '2.5.4.3';
const day = 86_400_000;
/** Clocks of test machines differ. */
const backdated = day;
const rootDays = 3650;
/** Browsers and Windows refuse server certificates of more than 398 days. */
const serverDays = 395;

export interface Issuer {
  key: KeyObject;
  certificate: X509Certificate;
}

/** A self-signed root (RFC 5280) that may only issue certificates, only for TLS servers, and no CA below it. */
export function issueRoot(key: KeyObject): X509Certificate {
  const publicKey = createPublicKey(key);
  const subject = nameOf(`Local TLS root ${randomBytes(3).toString('hex')}`);
  const extensions = [
    extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: true, pathLenConstraint: 0 })),
    extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
  ];
  return issue({ issuer: subject, subject, publicKey, days: rootDays, extensions }, key);
}

/** A server key and certificate below the root, for DNS names and IP addresses. Both in PEM. */
export function issueServerCertificate(issuer: Issuer, hostNames: string[]): { key: string; cert: string } {
  const names = hostNames.map(generalName);
  if (names.length === 0) throw new Error('A server certificate needs at least one host name.');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const root = AsnConvert.parse(issuer.certificate.raw, Certificate).tbsCertificate;
  const authority = new AuthorityKeyIdentifier({
    keyIdentifier: new KeyIdentifier(keyIdentifier(issuer.certificate.publicKey)),
  });
  const extensions = [
    extension(id_ce_basicConstraints, true, new BasicConstraints()),
    extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(id_ce_subjectAltName, false, new SubjectAlternativeName(names)),
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
    extension(id_ce_authorityKeyIdentifier, false, authority),
  ];
  // a common name has at most 64 characters
  const subject = nameOf((hostNames[0] as string).slice(0, 64));
  const parts = { issuer: root.subject, subject, publicKey, days: serverDays, extensions };
  const certificate = issue(parts, issuer.key);
  return { key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), cert: certificate.toString() };
}

interface Parts {
  issuer: Name;
  subject: Name;
  publicKey: KeyObject;
  days: number;
  extensions: Extension[];
}

function issue(parts: Parts, signer: KeyObject): X509Certificate {
  const now = Date.now();
  const algorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const notBefore = new Date(now - backdated);
  const notAfter = new Date(now + parts.days * day);
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: parts.issuer,
    validity: new Validity({ notBefore, notAfter }),
    subject: parts.subject,
    subjectPublicKeyInfo: AsnConvert.parse(
      parts.publicKey.export({ type: 'spki', format: 'der' }),
      SubjectPublicKeyInfo,
    ),
    extensions: new Extensions(parts.extensions),
  });
  const signatureValue = sign('sha256', Buffer.from(AsnConvert.serialize(tbs)), signer);
  const certificate = new Certificate({
    tbsCertificate: tbs,
    signatureAlgorithm: algorithm,
    signatureValue: new Uint8Array(signatureValue).buffer,
  });
  return new X509Certificate(Buffer.from(AsnConvert.serialize(certificate)));
}

/** 16 random bytes, positive and without a leading zero. */
function serialNumber(): ArrayBuffer {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.buffer;
}

function nameOf(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonName, value })])]);
}

function extension(extnID: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** SHA-1 of the public key's bits (RFC 5280 section 4.2.1.2, method 1). */
function keyIdentifier(publicKey: KeyObject): ArrayBuffer {
  const info = AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo);
  return new Uint8Array(createHash('sha1').update(Buffer.from(info.subjectPublicKey)).digest()).buffer;
}

function generalName(hostName: string): GeneralName {
  if (isIP(hostName)) return new GeneralName({ iPAddress: hostName });
  const ascii = domainToASCII(hostName.replace(/^\*\./, 'wildcard.'));
  if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(ascii)) {
    throw new Error(`"${hostName}" is neither a host name nor an IP address.`);
  }
  return new GeneralName({ dNSName: hostName.startsWith('*.') ? ascii.replace(/^wildcard\./, '*.') : ascii });
}
