import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { AsnParser, AsnSerializer, OctetString } from '@peculiar/asn1-schema';
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
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  KeyIdentifier,
  KeyUsage,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** Signs the bytes of a TBSCertificate with sha256WithRSAEncryption and gives the bare signature (RFC 8017 section 8.2). */
export type Sign = (tbs: Buffer) => Promise<Buffer>;

export interface CertificateProfile {
  /** the one attribute of the subject */
  commonName: string;
  /** the issuer's certificate, DER; undefined: the certificate is its own issuer */
  issuer?: Buffer;
  /** DER */
  subjectPublicKeyInfo: Buffer;
  /** whole seconds count, as a certificate knows no smaller ones */
  notBefore: Date;
  notAfter: Date;
  /** how many CAs may follow below this one; undefined: not a CA */
  pathLength?: number;
  /** `KeyUsageFlags` of RFC 5280 section 4.2.1.3, added up */
  keyUsage: number;
}

const COMMON_NAME = '2.5.4.3';
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';

/**
 * Builds a version 3 certificate for client authentication and has it signed. Every certificate of this product has this
 * one purpose, CAs included, so that a PC that trusts our root trusts it for nothing else.
 *
 * @returns the certificate, DER
 * @throws Error where the signature is not that of the issuer's key (a vault that signs with another version of the key),
 *   and what `sign` throws
 * @see RFC 5280 section 4
 */
export async function buildCertificate(profile: CertificateProfile, sign: Sign): Promise<Buffer> {
  const subjectPublicKeyInfo = AsnParser.parse(profile.subjectPublicKeyInfo, SubjectPublicKeyInfo);
  const subject = nameOf(profile.commonName);
  const issuer = profile.issuer ? readIssuer(profile.issuer) : { name: subject, subjectPublicKeyInfo };
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(randomSerialNumber()),
    signature: sha256WithRsa(),
    issuer: issuer.name,
    validity: new Validity({ notBefore: profile.notBefore, notAfter: profile.notAfter }),
    subject,
    subjectPublicKeyInfo,
    extensions: extensionsOf(profile, subjectPublicKeyInfo, issuer.subjectPublicKeyInfo),
  });
  const signature = await sign(Buffer.from(AsnSerializer.serialize(tbsCertificate)));
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: sha256WithRsa(),
    signatureValue: toArrayBuffer(signature),
  });
  const der = Buffer.from(AsnSerializer.serialize(certificate));
  const issuerKey = profile.issuer ? new X509Certificate(profile.issuer).publicKey : new X509Certificate(der).publicKey;
  if (!new X509Certificate(der).verify(issuerKey)) {
    throw new Error(`the certificate for ${profile.commonName} was not signed with the key of its issuer`);
  }
  return der;
}

/**
 * 128 random bits, never zero, as the content of a positive DER INTEGER (RFC 5280 section 4.1.2.2 allows 20 bytes). A first
 * byte of zero would have to be left out, so it is drawn again; a first bit of one gets a zero byte in front.
 */
function randomSerialNumber(): Buffer {
  const bytes = randomBytes(16);
  if (bytes[0] === 0) return randomSerialNumber();
  return bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
}

function readIssuer(der: Buffer): { name: Name; subjectPublicKeyInfo: SubjectPublicKeyInfo } {
  const { subject, subjectPublicKeyInfo } = AsnParser.parse(der, Certificate).tbsCertificate;
  return { name: subject, subjectPublicKeyInfo };
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

/** RFC 4055 section 5: the parameters are NULL, not left out. */
function sha256WithRsa(): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithm: SHA256_WITH_RSA, parameters: null });
}

function extensionsOf(
  profile: CertificateProfile,
  subjectKey: SubjectPublicKeyInfo,
  issuerKey: SubjectPublicKeyInfo,
): Extensions {
  const constraints =
    profile.pathLength === undefined
      ? new BasicConstraints({ cA: false })
      : new BasicConstraints({ cA: true, pathLenConstraint: profile.pathLength });
  const authority = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuerKey)) });
  return new Extensions([
    extension(id_ce_basicConstraints, true, constraints),
    extension(id_ce_keyUsage, true, new KeyUsage(profile.keyUsage)),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_clientAuth])),
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(subjectKey))),
    extension(id_ce_authorityKeyIdentifier, false, authority),
  ]);
}

function extension(id: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID: id, critical, extnValue: new OctetString(AsnSerializer.serialize(value)) });
}

/** RFC 5280 section 4.2.1.2, method (1): SHA-1 over the content of the key's BIT STRING. It names a key and proves nothing. */
function keyIdentifier(key: SubjectPublicKeyInfo): ArrayBuffer {
  return toArrayBuffer(createHash('sha1').update(Buffer.from(key.subjectPublicKey)).digest());
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
