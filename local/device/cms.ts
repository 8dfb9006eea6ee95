import { createHash, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { integer, nullValue, octetString, oid, sequence, set, tagged } from './der.ts';

const SIGNED_DATA = oid('1.2.840.113549.1.7.2');
const DATA = oid('1.2.840.113549.1.7.1');
const CONTENT_TYPE = oid('1.2.840.113549.1.9.3');
const MESSAGE_DIGEST = oid('1.2.840.113549.1.9.4');
const SHA256 = sequence(oid('2.16.840.1.101.3.4.2.1'), nullValue());
const RSA = sequence(oid('1.2.840.113549.1.1.1'), nullValue());

/**
 * A PKCS#7 SignedData around some content (RFC 5652 section 5): SHA-256, signed attributes, the signer named by issuer and
 * serial number, his certificate with it.
 * In: the content, the signer's key and certificate. Out: DER of the ContentInfo.
 */
export function signedData(content: Buffer, signer: { key: KeyObject; certificate: X509Certificate }): Buffer {
  const digest = createHash('sha256').update(content).digest();
  // In DER order: the shorter attribute first.
  const attributes = [sequence(CONTENT_TYPE, set(DATA)), sequence(MESSAGE_DIGEST, set(octetString(digest)))];
  const signature = sign('sha256', set(...attributes), signer.key);
  const signerInfo = sequence(
    integer(1),
    issuerAndSerialNumber(signer.certificate.raw),
    SHA256,
    tagged(0, ...attributes),
    RSA,
    octetString(signature),
  );
  const body = sequence(
    integer(1),
    set(SHA256),
    sequence(DATA, tagged(0, octetString(content))),
    tagged(0, signer.certificate.raw),
    set(signerInfo),
  );
  return sequence(SIGNED_DATA, tagged(0, body));
}

/** The two as they stand in the certificate: version, serial number, algorithm, issuer (RFC 5280 section 4.1). */
function issuerAndSerialNumber(certificate: Buffer): Buffer {
  const [toBeSigned = Buffer.alloc(0)] = membersOf(certificate);
  const [, serialNumber = Buffer.alloc(0), , issuer = Buffer.alloc(0)] = membersOf(toBeSigned);
  return sequence(issuer, serialNumber);
}

/** The values that a constructed DER value is made of, each whole. */
function membersOf(value: Buffer): Buffer[] {
  const members: Buffer[] = [];
  const outer = sizeOf(value, 0);
  for (let at = outer.header; at < outer.end; ) {
    const { end } = sizeOf(value, at);
    members.push(value.subarray(at, end));
    at = end;
  }
  return members;
}

/** Where the content of the value at `at` begins, counted from there, and where the value ends. */
function sizeOf(der: Buffer, at: number): { header: number; end: number } {
  const first = der[at + 1] ?? 0;
  const digits = first & 0x80 ? first & 0x7f : 0;
  const length = digits ? der.readUIntBE(at + 2, digits) : first;
  return { header: 2 + digits, end: at + 2 + digits + length };
}
