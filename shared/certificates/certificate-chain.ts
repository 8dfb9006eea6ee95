import { X509Certificate } from 'node:crypto';
import { type BaseBlock, Constructed, fromBER, ObjectIdentifier, Sequence } from 'asn1js';
import { OwnRootError } from './own-root.ts';

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const CONTEXT_SPECIFIC = 3;
const WHAT = 'PEM, DER, or PKCS #7 (.p7b)';
/** Nobody's chain is longer; what is, is not looked at. */
const MAX_CERTIFICATES = 10;

/**
 * Reads certificates as a CA hands them out: PEM blocks (RFC 7468), DER one after the other, or a PKCS #7 without signers
 * (RFC 5652 section 5.1) in either form. A certificate that is there twice comes once.
 *
 * @throws OwnRootError where it is something else, or holds a private key, which nobody should send
 */
export function readCertificates(bytes: Buffer): X509Certificate[] {
  const text = bytes.toString('latin1');
  const found = text.includes('-----BEGIN ') ? readPem(text) : readDer(bytes);
  const different = new Map(found.map((certificate) => [certificate.fingerprint256, certificate]));
  if (different.size === 0) throw new OwnRootError(`There is no certificate in what was sent. Send ${WHAT}.`);
  if (different.size > MAX_CERTIFICATES)
    throw new OwnRootError(`More than ${MAX_CERTIFICATES} certificates were sent.`);
  return [...different.values()];
}

function readPem(text: string): X509Certificate[] {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new OwnRootError('A private key was sent along. It is not needed here; treat it as known to others.');
  }
  return [...text.matchAll(PEM)].flatMap(([, label, base64 = '']) => {
    if (!/^(X509 )?CERTIFICATE$|^PKCS7$|^CMS$/.test(label ?? '')) {
      throw new OwnRootError(`The PEM block ${label} is not a certificate.`);
    }
    return readDer(Buffer.from(base64, 'base64'));
  });
}

function readDer(bytes: Buffer): X509Certificate[] {
  const found: X509Certificate[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const { offset, result } = parse(rest);
    found.push(...certificatesOf(result, rest.subarray(0, offset)));
    rest = rest.subarray(offset);
  }
  return found;
}

function parse(bytes: Buffer): { offset: number; result: BaseBlock } {
  let parsed: ReturnType<typeof fromBER> | undefined;
  try {
    parsed = fromBER(new Uint8Array(bytes));
  } catch {
    // Some bytes are too much for the reader itself; they are said to be unreadable below.
  }
  if (!parsed || parsed.offset <= 0 || parsed.result.error) {
    throw new OwnRootError(`What was sent cannot be read as ${WHAT}.`);
  }
  return parsed;
}

function certificatesOf(block: BaseBlock, bytes: Buffer): X509Certificate[] {
  const [type, content] = members(block);
  if (!(type instanceof ObjectIdentifier) || type.valueBlock.toString() !== SIGNED_DATA) return [readOne(bytes)];
  const set = members(members(content)[0]).find(
    ({ idBlock }) => idBlock.tagClass === CONTEXT_SPECIFIC && idBlock.tagNumber === 0,
  );
  return members(set).map((member) => readOne(Buffer.from(member.toBER())));
}

function members(block: BaseBlock | undefined): BaseBlock[] {
  return block instanceof Sequence || block instanceof Constructed ? block.valueBlock.value : [];
}

function readOne(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new OwnRootError(`What was sent cannot be read as ${WHAT}.`);
  }
}
