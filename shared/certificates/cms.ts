import { createHash, timingSafeEqual, verify, X509Certificate } from 'node:crypto';
import {
  Set as AsnSet,
  type BaseBlock,
  Constructed,
  fromBER,
  Integer,
  ObjectIdentifier,
  OctetString,
  Sequence,
} from 'asn1js';

/** What was signed, and by whom. */
export interface SignedContent {
  content: Buffer;
  signer: X509Certificate;
}

export type CmsReason =
  | 'tooLarge'
  | 'notSignedData'
  | 'trailingBytes'
  | 'detached'
  | 'notOneSigner'
  | 'noCertificate'
  | 'unsupportedAlgorithm'
  | 'badAttributes'
  | 'badSignature';

/** A signed message that is refused. `message` says what is wrong in words that may go to the journal. */
export class CmsError extends Error {
  override readonly name = 'CmsError';
  readonly reason: CmsReason;

  constructor(reason: CmsReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A request for RSA 4096 with the signer's certificate and two CAs takes 6 KB. In bytes. */
export const MAX_SIGNED_DATA = 32 * 1024;
const MAX_CERTIFICATES = 10;

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const DATA = '1.2.840.113549.1.7.1';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';

const DIGESTS: Record<string, string> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** RSA PKCS#1 v1.5 (RFC 3370 section 3.2, RFC 5754 section 3.2); `any` takes the digest that the signer names. */
const SIGNATURES: Record<string, string> = {
  '1.2.840.113549.1.1.1': 'any',
  '1.2.840.113549.1.1.5': 'sha1',
  '1.3.14.3.2.29': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};

/**
 * Reads a CMS SignedData (PKCS#7) that holds its content and has one signer, and checks the signature over the bytes that
 * came. BER with indefinite lengths is read; signed attributes may be there or not.
 *
 * @param ber the ContentInfo, whole
 * @param trust throws for a signer whose certificate is not good. Asked before the signature is looked at, so that a
 *   stranger's key, which may be as large as he likes, is never used
 * @throws CmsError with the reason; and what `trust` throws
 * @see RFC 5652 sections 3, 5.1 to 5.6; RFC 2315 for the elder form
 */
export function readSignedData(ber: Buffer, trust: (signer: X509Certificate) => void): SignedContent {
  const { content, contentType, certificates, signerInfo } = takeApart(ber);
  const parts = readSignerInfo(signerInfo);
  const signer = findSigner(certificates, parts.identifier);
  trust(signer);
  const signedBytes = parts.attributes ? bytesOfAttributes(parts, content, contentType) : content;
  // RFC 5652 section 5.3: content of another type than data is never signed without attributes.
  if (!parts.attributes && contentType !== DATA) throw badAttributes('they are missing');
  if (!isSignedBy(signer, parts, signedBytes)) {
    throw new CmsError('badSignature', 'the message is not signed with the key of the certificate that it names');
  }
  return { content, signer };
}

function isSignedBy(signer: X509Certificate, { digest, signature }: SignerParts, signedBytes: Buffer): boolean {
  try {
    return verify(digest, signedBytes, signer.publicKey, signature);
  } catch {
    return false; // a key that OpenSSL does not know
  }
}

interface SignedDataParts {
  content: Buffer;
  contentType: string;
  /** DER, as they came */
  certificates: Buffer[];
  signerInfo: BaseBlock;
}

function takeApart(ber: Buffer): SignedDataParts {
  const [type, wrapped, ...rest] = membersOf(parse(ber));
  if (identifierOf(type) !== SIGNED_DATA || !isTagged(wrapped, 0) || rest.length > 0) {
    throw notSignedData('it is no ContentInfo of type signedData');
  }
  const [signedData, ...more] = membersOf(wrapped);
  const [version, digests, encapsulated, ...tail] = membersOf(signedData);
  if (!(version instanceof Integer) || !(digests instanceof AsnSet) || more.length > 0) {
    throw notSignedData('version or digest algorithms are missing');
  }
  const signers = tail.at(-1);
  const [signerInfo, ...others] = signers instanceof AsnSet ? membersOf(signers) : [];
  if (!signerInfo || others.length > 0) throw new CmsError('notOneSigner', 'the message has not exactly one signer');
  const sets = tail.slice(0, -1);
  if (sets.some((block) => !isTagged(block, 0) && !isTagged(block, 1)) || sets.length > 2) {
    throw notSignedData('something else than certificates and revocations stands before the signer');
  }
  const certificates = sets.filter((block) => isTagged(block, 0)).flatMap(membersOf);
  if (certificates.length > MAX_CERTIFICATES) throw notSignedData(`it has more than ${MAX_CERTIFICATES} certificates`);
  return {
    ...readContent(encapsulated),
    certificates: certificates.filter((block) => block instanceof Sequence).map(sentBytes),
    signerInfo,
  };
}

function parse(ber: Buffer): BaseBlock {
  if (ber.length > MAX_SIGNED_DATA) {
    throw new CmsError('tooLarge', `the signed message is longer than ${MAX_SIGNED_DATA} bytes`);
  }
  let parsed: ReturnType<typeof fromBER>;
  try {
    parsed = fromBER(ber, { parseEmbedded: false });
  } catch {
    throw notSignedData('it cannot be read as BER');
  }
  if (parsed.offset === -1 || parsed.result.error) throw notSignedData('it cannot be read as BER');
  if (parsed.offset !== ber.length) {
    throw new CmsError('trailingBytes', `${ber.length - parsed.offset} bytes follow the signed message`);
  }
  return parsed.result;
}

function readContent(encapsulated: BaseBlock | undefined): { content: Buffer; contentType: string } {
  const [type, wrapped, ...rest] = membersOf(encapsulated);
  if (!wrapped) throw new CmsError('detached', 'the message does not hold what it signs');
  const [octets, ...more] = isTagged(wrapped, 0) ? membersOf(wrapped) : [];
  if (!(octets instanceof OctetString) || rest.length > 0 || more.length > 0) {
    throw notSignedData('its content is no OCTET STRING');
  }
  return { content: contentOf(octets), contentType: identifierOf(type) };
}

/** Written as a stream, an OCTET STRING comes in pieces (X.690 section 8.7.3). */
function contentOf(octets: OctetString): Buffer {
  if (!octets.idBlock.isConstructed) return Buffer.from(octets.valueBlock.valueHexView);
  const pieces = octets.valueBlock.value as BaseBlock[];
  return Buffer.concat(
    pieces.map((piece) => {
      if (!(piece instanceof OctetString)) throw notSignedData('its content has a piece that is no OCTET STRING');
      return contentOf(piece);
    }),
  );
}

type SignerIdentifier = { issuer: Buffer; serialNumber: Buffer } | { keyIdentifier: Buffer };

interface SignerParts {
  identifier: SignerIdentifier;
  digest: string;
  attributes?: BaseBlock;
  signature: Buffer;
}

function readSignerInfo(signerInfo: BaseBlock): SignerParts {
  const [version, identifier, digestAlgorithm, ...tail] = membersOf(signerInfo);
  if (!(version instanceof Integer) || !identifier) throw notSignedData('the signer has no version or identifier');
  const attributes = isTagged(tail[0], 0) ? tail.shift() : undefined;
  const [signatureAlgorithm, signature, unsigned, ...rest] = tail;
  if (!(signature instanceof OctetString) || (unsigned && !isTagged(unsigned, 1)) || rest.length > 0) {
    throw notSignedData('the signer has no signature');
  }
  const digest = DIGESTS[identifierOf(membersOf(digestAlgorithm)[0])];
  const signatureDigest = SIGNATURES[identifierOf(membersOf(signatureAlgorithm)[0])];
  if (!digest || !signatureDigest || (signatureDigest !== 'any' && signatureDigest !== digest)) {
    throw new CmsError('unsupportedAlgorithm', 'the message is signed with algorithms that are not supported');
  }
  return { identifier: readIdentifier(identifier), digest, attributes, signature: contentOf(signature) };
}

/** IssuerAndSerialNumber, or [0] SubjectKeyIdentifier (RFC 5652 section 5.3). */
function readIdentifier(block: BaseBlock): SignerIdentifier {
  const isKeyIdentifier = block.idBlock.tagClass === CONTEXT_SPECIFIC && block.idBlock.tagNumber === 0;
  if (isKeyIdentifier && !block.idBlock.isConstructed) {
    const { valueHexView } = block.valueBlock as unknown as { valueHexView: Uint8Array };
    return { keyIdentifier: Buffer.from(valueHexView) };
  }
  const [issuer, serialNumber, ...rest] = membersOf(block);
  if (!(issuer instanceof Sequence) || !(serialNumber instanceof Integer) || rest.length > 0) {
    throw notSignedData('the signer is named by nothing that is known');
  }
  return { issuer: sentBytes(issuer), serialNumber: Buffer.from(serialNumber.valueBlock.valueHexView) };
}

function findSigner(certificates: readonly Buffer[], identifier: SignerIdentifier): X509Certificate {
  const der = certificates.find((certificate) => isNamed(certificate, identifier));
  if (!der) throw new CmsError('noCertificate', "the signer's certificate is not in the message");
  try {
    return new X509Certificate(der);
  } catch {
    throw new CmsError('noCertificate', "the signer's certificate cannot be read");
  }
}

function isNamed(certificate: Buffer, identifier: SignerIdentifier): boolean {
  const [version, ...members] = membersOf(membersOf(parse(certificate))[0]);
  const [serialNumber, , issuer] = isTagged(version, 0) ? members : [version, ...members];
  if ('keyIdentifier' in identifier) {
    return keyIdentifierOf(members.find((member) => isTagged(member, 3)))?.equals(identifier.keyIdentifier) ?? false;
  }
  if (!(serialNumber instanceof Integer) || !issuer) return false;
  const serial = Buffer.from(serialNumber.valueBlock.valueHexView);
  return serial.equals(identifier.serialNumber) && sentBytes(issuer).equals(identifier.issuer);
}

/** RFC 5280 section 4.2.1.2: an OCTET STRING in the extension's own OCTET STRING. */
function keyIdentifierOf(extensions: BaseBlock | undefined): Buffer | undefined {
  for (const extension of membersOf(extensions && membersOf(extensions)[0])) {
    const members = membersOf(extension);
    const value = members.at(-1);
    if (identifierOf(members[0]) !== SUBJECT_KEY_IDENTIFIER || !(value instanceof OctetString)) continue;
    const inner = parse(contentOf(value));
    return inner instanceof OctetString ? contentOf(inner) : undefined;
  }
  return undefined;
}

/**
 * What a signature over attributes is made of: they name the content's type and its digest, and are signed as a SET instead
 * of the [0] under which they are sent (RFC 5652 section 5.4).
 */
function bytesOfAttributes(parts: SignerParts, content: Buffer, contentType: string): Buffer {
  const { attributes, digest } = parts;
  if (!attributes || attributes.lenBlock.isIndefiniteForm) throw badAttributes('they are not DER');
  const type = attributeValue(attributes, CONTENT_TYPE);
  if (!(type instanceof ObjectIdentifier) || identifierOf(type) !== contentType) {
    throw badAttributes('the content type is missing or another');
  }
  const signedDigest = attributeValue(attributes, MESSAGE_DIGEST);
  const actual = createHash(digest).update(content).digest();
  const claimed = signedDigest instanceof OctetString ? contentOf(signedDigest) : Buffer.alloc(0);
  if (claimed.length !== actual.length || !timingSafeEqual(claimed, actual)) {
    throw badAttributes('the digest is not that of the content');
  }
  const bytes = sentBytes(attributes);
  bytes[0] = 0x31;
  return bytes;
}

/** The one value of an attribute that must be there once (RFC 5652 sections 11.1 and 11.2). */
function attributeValue(attributes: BaseBlock, type: string): BaseBlock | undefined {
  const found = membersOf(attributes).filter((attribute) => identifierOf(membersOf(attribute)[0]) === type);
  const values = found.length === 1 ? membersOf(membersOf(found[0])[1]) : [];
  return values.length === 1 ? values[0] : undefined;
}

const CONTEXT_SPECIFIC = 3;

function isTagged(block: BaseBlock | undefined, tag: number): block is Constructed {
  return block instanceof Constructed && block.idBlock.tagClass === CONTEXT_SPECIFIC && block.idBlock.tagNumber === tag;
}

/** The members of a constructed value; none of anything else. */
function membersOf(block: BaseBlock | undefined): BaseBlock[] {
  return block instanceof Constructed && block.idBlock.isConstructed ? block.valueBlock.value : [];
}

function identifierOf(block: BaseBlock | undefined): string {
  return block instanceof ObjectIdentifier ? block.valueBlock.toString() : '';
}

/** A copy of the bytes as they came. */
function sentBytes(block: BaseBlock): Buffer {
  return Buffer.from(block.valueBeforeDecodeView);
}

const notSignedData = (what: string) => new CmsError('notSignedData', `not a signed message (PKCS#7): ${what}`);
const badAttributes = (what: string) => new CmsError('badAttributes', `signed attributes: ${what}`);
