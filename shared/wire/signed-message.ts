import type { KeyObject } from 'node:crypto';
import {
  DSIG,
  ENVELOPED_SIGNATURE,
  EXCLUSIVE_C14N,
  INCLUSIVE_C14N,
  RSA_SHA256,
  SHA256_DIGEST,
  SOAP,
  WSSE,
} from './namespaces.ts';
import { WireError } from './wire-error.ts';
import { attribute, child, forbiddenCharacter, parseXml, type XmlElement } from './xml.ts';
import { DOMParser, type DomNode, SignedXml } from './xml-signature.js';

/** A message whose signature is missing, of another shape than Windows signs, or wrong. */
export class SignatureError extends WireError {}

/** Parts that hold text and nothing else. */
const LEAVES = ['DigestValue', 'SignatureValue'];
/**
 * A request has some two hundred. The library's time grows with the square of their number, and it takes it before it looks at
 * the signature: a message of 200 KB by anybody who has seen a certificate would stop the process for a minute.
 */
const MAX_ELEMENTS = 1_000;

/**
 * Checks the XML Signature of a SOAP message that is signed as a whole (MS-MDE2 3.3.4.1.1.1.2; XML Signature, enveloped,
 * Reference URI="", RSA with SHA-256) and gives what the signature covers.
 *
 * Two readers of one document can see two documents, and a signature can cover another part than the one that is read. So
 * the shape is held to what Windows sends before the library sees it: one Signature at one place, one Reference to the
 * whole document, two transforms at most, no algorithm but these; no comments, CDATA sections or processing instructions,
 * in which readers differ. And nothing counts but what comes back: read that, and never the original.
 *
 * @param bytes the message; the limits of `parseXml` hold
 * @param key the public key, RSA, of the certificate that the message names
 * @returns the message without its Signature, canonical (Exclusive or Canonical XML 1.0)
 * @throws SignatureError; XmlError for what is no XML that we read
 */
export function readSignedMessage(bytes: Buffer, key: KeyObject): Buffer {
  const signature = findSignature(parseXml(bytes));
  checkShape(signature);
  const message = plainText(bytes);
  const document = new DOMParser({ errorHandler: refuseToGuess }).parseFromString(message, 'text/xml');
  const [node, ...others] = Array.from(document.getElementsByTagNameNS(DSIG, 'Signature'));
  if (!node || others.length > 0) throw new SignatureError('there is not exactly one Signature');
  const [content, ...more] = verify(node, message, key);
  if (content === undefined || more.length > 0) throw new SignatureError('not exactly one Reference was signed');
  return Buffer.from(content, 'utf8');
}

function verify(node: DomNode, message: string, key: KeyObject): string[] {
  const signed = new SignedXml({ publicCert: key, getCertFromKeyInfo: () => null });
  // What the library knows beyond these, it is not to know here.
  signed.CanonicalizationAlgorithms = only(signed.CanonicalizationAlgorithms, [
    ENVELOPED_SIGNATURE,
    EXCLUSIVE_C14N,
    INCLUSIVE_C14N,
  ]);
  signed.HashAlgorithms = only(signed.HashAlgorithms, [SHA256_DIGEST]);
  signed.SignatureAlgorithms = only(signed.SignatureAlgorithms, [RSA_SHA256]);
  try {
    signed.loadSignature(node);
    if (!signed.checkSignature(message)) throw new Error('the digest is another');
    return signed.getSignedReferences();
  } catch {
    // The library's words quote the message.
    throw new SignatureError('the signature does not fit the message and the certificate');
  }
}

function only<T>(algorithms: Record<string, T>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, algorithms[name]!]));
}

/** The one Signature of the document, which stands in the security header. */
function findSignature(root: XmlElement): XmlElement {
  if (countElements(root) > MAX_ELEMENTS) {
    throw new SignatureError(`the message has more than ${MAX_ELEMENTS} elements`);
  }
  const security = child(child(root, 'Header', SOAP), 'Security', WSSE);
  const signature = child(security, 'Signature', DSIG);
  if (!signature) throw new SignatureError('the security header has no Signature');
  if (countElements(root, 'Signature') !== 1) throw new SignatureError('there is more than one Signature');
  return signature;
}

/** The element and all below it, or those of them that have the name. */
function countElements(element: XmlElement, name?: string): number {
  const own = name === undefined || element.name === name ? 1 : 0;
  return element.children.reduce((sum, each) => sum + countElements(each, name), own);
}

/** XML Signature 4: Signature, SignedInfo and Reference with exactly the parts that are read. */
function checkShape(signature: XmlElement): void {
  const [signedInfo] = parts(signature, ['SignedInfo', 'SignatureValue'], ['KeyInfo']);
  const [canonicalization, method, reference] = parts(signedInfo!, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ]);
  checkAlgorithm(canonicalization!, EXCLUSIVE_C14N);
  checkAlgorithm(method!, RSA_SHA256);
  if (attribute(reference!, 'URI') !== '' || reference!.attributes.length !== 1) {
    throw new SignatureError('the Reference is not to the whole message');
  }
  const [transforms, digest] = parts(reference!, ['Transforms', 'DigestMethod', 'DigestValue']);
  checkAlgorithm(digest!, SHA256_DIGEST);
  const [enveloped, canonical, ...more] = transforms!.children;
  if (!enveloped || more.length > 0) throw new SignatureError('the Transforms are not one or two');
  checkAlgorithm(enveloped, ENVELOPED_SIGNATURE);
  if (canonical) checkAlgorithm(canonical, EXCLUSIVE_C14N);
}

/** The children of an element, which have to be these in this order, and then perhaps one more. */
function parts(element: XmlElement, names: readonly string[], optional: readonly string[] = []): XmlElement[] {
  const { children, name } = element;
  const expected = [...names, ...optional].slice(0, Math.max(children.length, names.length));
  const fits =
    children.length === expected.length &&
    children.every((each, i) => each.name === expected[i] && each.namespace === DSIG);
  if (!fits) throw new SignatureError(`${name} has not the parts ${expected.join(', ')}`);
  const leaf = children.find((each) => LEAVES.includes(each.name) && each.children.length > 0);
  if (leaf) throw new SignatureError(`${leaf.name} holds more than text`);
  return children;
}

function checkAlgorithm(element: XmlElement, algorithm: string): void {
  const { name, attributes, children } = element;
  const fits = attributes.length === 1 && attribute(element, 'Algorithm') === algorithm && children.length === 0;
  if (!fits) throw new SignatureError(`${name} is not ${algorithm} alone`);
}

/** The text that both readers are given. What they might read in two ways is not in it. */
function plainText(bytes: Buffer): string {
  const message = bytes.toString('utf8').replace(/^\ufeff/, '');
  const content = message.replace(/^<\?xml\s[^?]*\?>/, '');
  if (/<[!?]/.test(content)) throw new SignatureError('a comment, CDATA section or processing instruction is in it');
  if (forbiddenCharacter(message) !== undefined || /&#/.test(content)) {
    throw new SignatureError('a control character or a character reference is in it');
  }
  return message;
}

const refuseToGuess = (_level: string, message: unknown) => {
  throw new SignatureError(`the signed message is read in two ways: ${String(message).slice(0, 100)}`);
};
