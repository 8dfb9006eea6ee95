import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type BaseBlock, BitString, Constructed, fromBER, Integer, Null, ObjectIdentifier, Sequence } from 'asn1js';

export interface SigningRequest {
  /** DER of the SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), in OpenSSL's own encoding: one key has one form */
  subjectPublicKeyInfo: Buffer;
  /** SHA-256 over `subjectPublicKeyInfo`, 64 lower-case hex digits: tells whether two requests are about the same key */
  publicKeyHash: string;
}

export type SigningRequestReason =
  | 'tooLarge'
  | 'notPkcs10'
  | 'trailingBytes'
  | 'unsupportedAlgorithm'
  | 'notRsa'
  | 'keySize'
  | 'keyExponent'
  | 'badSignature';

/** A certificate request that is refused. `message` says what is wrong in words that may go to the journal. */
export class SigningRequestError extends Error {
  readonly reason: SigningRequestReason;
  constructor(reason: SigningRequestReason, message: string) {
    super(message);
    this.name = 'SigningRequestError';
    this.reason = reason;
  }
}

/** A request for RSA 4096 takes 1.6 KB; what is larger is not from a device. In bytes. */
const MAX_REQUEST = 16 * 1024;
const MIN_KEY_BITS = 2048;
const MAX_KEY_BITS = 8192;
// FIPS 186-5 section A.1.1 wants an odd exponent above 2^16. Windows always takes 65537; a huge one only costs us time.
const MIN_EXPONENT = 65537n;
const MAX_EXPONENT = 2n ** 32n;

// Windows names SHA-1 by the OIW identifier where no hash was negotiated. X.509 libraries do not know it, OpenSSL's
// primitives need not: here the identifier only chooses the digest. The signature proves that the caller holds the
// key, nothing else, so SHA-1 does no harm (a collision is of no use to somebody who signs his own bytes).
const DIGESTS: Record<string, string> = {
  '1.3.14.3.2.29': 'sha1', // OIW sha1WithRSA
  '1.2.840.113549.1.1.5': 'sha1', // sha1WithRSAEncryption, RFC 8017 appendix A.2.4
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

/**
 * Reads a PKCS#10 certificate request as Windows makes it and checks that its sender holds the private key.
 *
 * Subject and extensions are not looked at: Windows puts `!` and NUL into a PrintableString and an extension value that
 * is no ASN.1, and the certificate gets a subject of our own. Only the structure around the signed bytes, the
 * algorithm, the key and the signature count.
 *
 * @param der the request, DER
 * @throws SigningRequestError with the reason
 * @see RFC 2986 section 4; MS-MDE2 section 3.4.4.1
 */
export function readSigningRequest(der: Buffer): SigningRequest {
  if (der.length > MAX_REQUEST) {
    throw new SigningRequestError('tooLarge', `the certificate request is longer than ${MAX_REQUEST} bytes`);
  }
  const { signedBytes, keyBytes, algorithm, signature } = takeApart(der);
  const digest = readDigest(algorithm);
  const key = readRsaKey(keyBytes);
  if (!verify(digest, signedBytes, key, signature)) {
    throw new SigningRequestError(
      'badSignature',
      'the certificate request is not signed with the key that it asks for',
    );
  }
  const subjectPublicKeyInfo = key.export({ type: 'spki', format: 'der' });
  return { subjectPublicKeyInfo, publicKeyHash: createHash('sha256').update(subjectPublicKeyInfo).digest('hex') };
}

/** The parts of a CertificationRequest as the bytes that were sent, because the signature is over these and no others. */
function takeApart(der: Buffer): { signedBytes: Buffer; keyBytes: Buffer; algorithm: Sequence; signature: Buffer } {
  const [info, algorithm, signature, ...rest] = membersOf(parse(der), 'CertificationRequest');
  if (
    !(info instanceof Sequence) ||
    !(algorithm instanceof Sequence) ||
    !(signature instanceof BitString) ||
    rest.length
  ) {
    throw notPkcs10('it is not a sequence of request info, algorithm and signature');
  }
  const [version, subject, key, attributes, ...more] = membersOf(info, 'CertificationRequestInfo');
  if (!(version instanceof Integer) || !isVersionOne(version)) throw notPkcs10('its version is not 1');
  if (!(subject instanceof Sequence) || !(key instanceof Sequence)) throw notPkcs10('subject or public key is missing');
  // Attributes may be empty; some clients leave them out altogether. What they hold is not needed.
  if ((attributes && !isAttributes(attributes)) || more.length)
    throw notPkcs10('something else follows the public key');
  const { unusedBits, valueHexView } = signature.valueBlock;
  if (unusedBits !== 0 || signature.idBlock.isConstructed)
    throw notPkcs10('the signature is not a whole number of bytes');
  return { signedBytes: sentBytes(info), keyBytes: sentBytes(key), algorithm, signature: Buffer.from(valueHexView) };
}

function parse(der: Buffer): BaseBlock {
  let parsed: ReturnType<typeof fromBER>;
  try {
    parsed = fromBER(der, { parseEmbedded: false });
  } catch {
    throw notPkcs10('it cannot be read as DER');
  }
  if (parsed.offset === -1 || parsed.result.error) throw notPkcs10('it cannot be read as DER');
  if (!(parsed.result instanceof Sequence)) throw notPkcs10('it is not a sequence');
  if (parsed.offset !== der.length) {
    throw new SigningRequestError(
      'trailingBytes',
      `${der.length - parsed.offset} bytes follow the certificate request`,
    );
  }
  return parsed.result;
}

function readDigest(algorithm: Sequence): string {
  const [identifier, parameters, ...rest] = membersOf(algorithm, 'AlgorithmIdentifier');
  if (!(identifier instanceof ObjectIdentifier)) throw notPkcs10('the signature algorithm has no identifier');
  const oid = identifier.valueBlock.toString();
  const digest = DIGESTS[oid];
  if (!digest) throw new SigningRequestError('unsupportedAlgorithm', `signature algorithm ${oid} is not supported`);
  if ((parameters && !(parameters instanceof Null)) || rest.length) {
    throw new SigningRequestError('unsupportedAlgorithm', `signature algorithm ${oid} has parameters other than NULL`);
  }
  return digest;
}

function readRsaKey(spki: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    throw notPkcs10('its public key cannot be read');
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new SigningRequestError(
      'notRsa',
      `the public key is ${key.asymmetricKeyType ?? 'of an unknown kind'}, not RSA`,
    );
  }
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_KEY_BITS || modulusLength > MAX_KEY_BITS) {
    throw new SigningRequestError(
      'keySize',
      `the RSA key has ${modulusLength} bits; it must have ${MIN_KEY_BITS} to ${MAX_KEY_BITS}`,
    );
  }
  if (publicExponent < MIN_EXPONENT || publicExponent > MAX_EXPONENT || publicExponent % 2n === 0n) {
    throw new SigningRequestError(
      'keyExponent',
      `the RSA key has the public exponent ${publicExponent}; 65537 is usual`,
    );
  }
  return key;
}

/** The members of a sequence. The library reads more than DER: primitive ones, and members that end elsewhere than the sequence. */
function membersOf(block: BaseBlock, name: string): BaseBlock[] {
  if (!(block instanceof Sequence) || !block.idBlock.isConstructed) throw notPkcs10(`${name} is not a sequence`);
  const members = block.valueBlock.value;
  const length = members.reduce((sum, member) => sum + member.valueBeforeDecodeView.length, 0);
  if (block.lenBlock.isIndefiniteForm || block.lenBlock.length !== length)
    throw notPkcs10(`${name} has a wrong length`);
  return members;
}

/** RFC 2986 writes version 1 as 0. */
function isVersionOne(version: Integer): boolean {
  return Buffer.from(version.valueBlock.valueHexView).equals(Buffer.from([0]));
}

function isAttributes(block: BaseBlock): boolean {
  const contextSpecific = 3;
  return block instanceof Constructed && block.idBlock.tagClass === contextSpecific && block.idBlock.tagNumber === 0;
}

function sentBytes(block: BaseBlock): Buffer {
  return Buffer.from(block.valueBeforeDecodeView);
}

function notPkcs10(what: string): SigningRequestError {
  return new SigningRequestError('notPkcs10', `not a PKCS#10 certificate request: ${what}`);
}
