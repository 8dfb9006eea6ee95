// A writer of CMS SignedData by hand, with every part to be bent, so that the reader is not judged by its own library.
import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { integer, nothing, objectIdentifier, octetString, sequence, set, tlv } from './der.ts';

export const DIGESTS = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
export const RSA = '1.2.840.113549.1.1.1';
const SIGNED_DATA = objectIdentifier('1.2.840.113549.1.7.2');
export const DATA = '1.2.840.113549.1.7.1';
const CONTENT_TYPE = objectIdentifier('1.2.840.113549.1.9.3');
const MESSAGE_DIGEST = objectIdentifier('1.2.840.113549.1.9.4');

export interface SignedDataParts {
  content: Buffer;
  key: KeyObject;
  /** DER */
  certificate: Buffer;
  digest?: keyof typeof DIGESTS;
  /** OID */
  signatureAlgorithm?: string;
  attributes?: boolean;
  /** what the attributes say, where that is not the truth */
  signedDigest?: Buffer;
  signedType?: string;
  contentType?: string;
  namedBy?: 'issuer' | 'keyIdentifier';
  /** DER of the certificates that are sent */
  certificates?: Buffer[];
  detached?: boolean;
  signers?: number;
  /** as a stream writes it: indefinite lengths, and the content in pieces */
  stream?: boolean;
}

const algorithm = (oid: string) => sequence(objectIdentifier(oid), nothing());
const END = Buffer.of(0, 0);
const indefinite = (tag: number, ...parts: Buffer[]) => Buffer.concat([Buffer.of(tag, 0x80), ...parts, END]);

export function signedData(parts: SignedDataParts): Buffer {
  const { content, contentType = DATA, digest = 'sha256', stream = false, signers = 1 } = parts;
  const wrap = (tag: number, ...inner: Buffer[]) => (stream ? indefinite(tag, ...inner) : tlv(tag, ...inner));
  const half = Math.ceil(content.length / 2);
  const octets = stream
    ? indefinite(0x24, octetString(content.subarray(0, half)), octetString(content.subarray(half)))
    : octetString(content);
  const encapsulated = wrap(0x30, objectIdentifier(contentType), ...(parts.detached ? [] : [wrap(0xa0, octets)]));
  const info = signerInfo(parts);
  const body = wrap(
    0x30,
    integer(1),
    set(algorithm(DIGESTS[digest])),
    encapsulated,
    tlv(0xa0, ...(parts.certificates ?? [parts.certificate])),
    set(...Array.from({ length: signers }, () => info)),
  );
  return wrap(0x30, SIGNED_DATA, wrap(0xa0, body));
}

function signerInfo(parts: SignedDataParts): Buffer {
  const { content, key, digest = 'sha256', contentType = DATA, attributes = true } = parts;
  const hash = createHash(digest).update(content).digest();
  const signed = [
    sequence(CONTENT_TYPE, set(objectIdentifier(parts.signedType ?? contentType))),
    sequence(MESSAGE_DIGEST, set(octetString(parts.signedDigest ?? hash))),
  ];
  return sequence(
    integer(1),
    signerIdentifier(parts),
    algorithm(DIGESTS[digest]),
    ...(attributes ? [tlv(0xa0, ...signed)] : []),
    algorithm(parts.signatureAlgorithm ?? RSA),
    octetString(sign(digest, attributes ? set(...signed) : content, key)),
  );
}

function signerIdentifier({ certificate, namedBy = 'issuer' }: SignedDataParts): Buffer {
  if (namedBy === 'keyIdentifier') return tlv(0x80, keyIdentifier(certificate));
  const tbs = members(members(certificate)[0]!);
  return sequence(tbs[3]!, tbs[1]!);
}

/** RFC 5280 section 4.2.1.2, method (1). */
function keyIdentifier(certificate: Buffer): Buffer {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  const key = members(spki)[1]!;
  return createHash('sha1')
    .update(key.subarray(headerOf(key) + 1))
    .digest();
}

function headerOf(der: Buffer): number {
  return der[1]! & 0x80 ? 2 + (der[1]! & 0x7f) : 2;
}

function members(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = headerOf(der); at < der.length; ) {
    const rest = der.subarray(at);
    const header = headerOf(rest);
    const end = header + (header === 2 ? rest[1]! : rest.readUIntBE(2, header - 2));
    found.push(rest.subarray(0, end));
    at += end;
  }
  return found;
}
