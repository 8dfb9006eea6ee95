import xml2js from 'xml2js';
import { replaceForbidden, XmlError } from './xml-characters.ts';
import type { XmlAttribute, XmlElement } from './xml-tree.ts';

export interface XmlLimits {
  /** bytes of UTF-8, checked before anything is decoded; default 4 MiB */
  maxBytes?: number;
  /** levels of elements, the root being the first; default 64 */
  maxDepth?: number;
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_DEPTH = 64;
/** sax looks each attribute up in a list of those before it, so thousands on one element would cost seconds. */
const MAX_ATTRIBUTES = 256;
/** At every end tag sax copies all declarations in scope, so thousands of them over many elements would cost minutes. */
const MAX_NAMESPACES = 64;
/**
 * Characters of the namespaces that all elements and attributes bear. A declaration that stands once is written at every
 * element when a value is taken out as markup (`innerXml`), so a long one would make gigabytes of a small message.
 */
const MAX_NAMESPACE_CHARACTERS = 4 * 1024 * 1024;
/** Each element costs objects, so a message of nothing but empty elements would cost a second and much memory. */
const MAX_ELEMENTS = 50_000;
/** The parser is fed in pieces, so that what it buffers inside one tag is looked at between the pieces. */
const PIECE = 4096;

/** Keys that no XML name can collide with. */
const ATTRIBUTES = '#attributes';
const TEXT = '#text';
const CHILDREN = '#children';
const NAMESPACE = `${ATTRIBUTES}ns`;

/** A node of xml2js's tree: an element has its namespace, a run of text has none. */
interface ParsedNode {
  [ATTRIBUTES]?: Record<string, { value: string; prefix: string; local: string; uri: string }>;
  [TEXT]?: string;
  [CHILDREN]?: ParsedNode[];
  [NAMESPACE]?: { uri: string; local: string };
}

interface OpenTag {
  name: string;
  uri: unknown;
  attributes: Record<string, { uri: unknown }>;
}

/** The part of sax that xml2js.Parser works on and that this file watches. */
interface Sax {
  ENTITIES: Record<string, string>;
  attribList: unknown[];
  sgmlDecl: string;
  onopentagstart: () => void;
  onattribute: () => void;
  onopentag: (tag: OpenTag) => void;
  onclosetag: (name: string) => void;
  ondoctype: () => void;
  onsgmldeclaration: () => void;
  onerror: (error: Error) => void;
  write(piece: string): void;
  close(): void;
}

/**
 * Reads an XML document (XML 1.0, Namespaces in XML 1.0) into a tree. The bytes are UTF-8 with or without a byte order
 * mark, whatever encoding the XML declaration claims: Windows labels documents utf-16 and sends UTF-8.
 *
 * A control character that XML forbids, raw or as a reference, is read as U+FFFD, because firmware puts such bytes in
 * serial numbers and a device must stay manageable; NUL alone is refused.
 *
 * @throws XmlError for bytes over the cap or not UTF-8, NUL, any markup declaration (DTD), a second root, depth, number
 *   of attributes, elements or namespaces or the length of these over the limit, an undeclared prefix or entity, and anything else not well-formed
 */
export function parseXml(bytes: Buffer | string, limits: XmlLimits = {}): XmlElement {
  const text = decode(bytes, limits.maxBytes ?? DEFAULT_MAX_BYTES);
  const parser = new xml2js.Parser({
    xmlns: true,
    explicitRoot: false,
    explicitChildren: true,
    preserveChildrenOrder: true,
    charsAsChildren: true,
    includeWhiteChars: true,
    attrkey: ATTRIBUTES,
    charkey: TEXT,
    childkey: CHILDREN,
  });
  let root: ParsedNode | undefined;
  parser.on('end', (result: ParsedNode) => {
    root ??= result;
  });
  const sax = (parser as unknown as { saxParser: Sax }).saxParser;
  watch(sax, limits.maxDepth ?? DEFAULT_MAX_DEPTH);
  feed(sax, text);
  if (!root) throw new XmlError('there is no root element');
  return toElement(root);
}

/** Bytes to characters: the size cap first, then UTF-8, NUL, line ends (XML 1.0 section 2.11), forbidden characters. */
function decode(bytes: Buffer | string, maxBytes: number): string {
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
  if (size > maxBytes) throw new XmlError(`${size} bytes are more than the ${maxBytes} that are read`);
  let text: string;
  try {
    text = typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new XmlError('the bytes are not UTF-8');
  }
  if (text.includes('\0')) throw new XmlError('the document holds a NUL character');
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
  return replaceForbidden(text).replace(/&#(x[0-9a-f]+|[0-9]+);/gi, legalReference);
}

/** A reference to a forbidden character other than NUL becomes U+FFFD; every other reference stays for the parser. */
function legalReference(reference: string, digits: string): string {
  const code = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
  if (code === 0 || code > 0x10ffff) return reference;
  const character = String.fromCodePoint(code);
  return replaceForbidden(character) === character ? reference : '\uFFFD';
}

/** Hooks the limits between sax and xml2js: each throws while the document is still being read. */
function watch(sax: Sax, maxDepth: number): void {
  const { onopentag, onclosetag } = sax;
  let depth = 0;
  let elements = 0;
  let attributes = 0;
  const namespaces = namespaceCounter();
  const refuseDeclaration = () => {
    throw new XmlError('a DTD or other markup declaration is not accepted');
  };
  // The entities of HTML, which sax would accept, are not XML; without a prototype `&constructor;` finds nothing either.
  sax.ENTITIES = Object.assign(Object.create(null), { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" });
  sax.ondoctype = refuseDeclaration;
  sax.onsgmldeclaration = refuseDeclaration;
  // xml2js would go on after the first error.
  sax.onerror = (error) => {
    throw new XmlError(withPosition(error.message));
  };
  sax.onopentagstart = () => {
    attributes = 0;
  };
  sax.onattribute = () => {
    attributes += 1;
  };
  sax.onopentag = (tag) => {
    depth += 1;
    elements += 1;
    if (depth === 1 && elements > 1) throw new XmlError('the document has a second root element');
    if (depth > maxDepth) throw new XmlError(`elements are nested deeper than ${maxDepth}`);
    if (elements > MAX_ELEMENTS) throw new XmlError(`the document has more than ${MAX_ELEMENTS} elements`);
    checkTag(tag, attributes);
    namespaces.open(tag);
    onopentag(tag);
  };
  sax.onclosetag = (name) => {
    depth -= 1;
    namespaces.close();
    onclosetag(name);
  };
}

/** Counts the declarations in scope, element by element, and how long the namespaces of all names are. */
function namespaceCounter(): { open(tag: OpenTag): void; close(): void } {
  const declared: number[] = [];
  let inScope = 0;
  let characters = 0;
  return {
    open(tag) {
      for (const { uri } of [tag, ...Object.values(tag.attributes)]) characters += String(uri).length;
      if (characters > MAX_NAMESPACE_CHARACTERS) throw new XmlError('the namespaces are too long to be written out');
      const own = Object.keys(tag.attributes).filter((name) => /^xmlns(:|$)/.test(name)).length;
      declared.push(own);
      inScope += own;
      if (inScope > MAX_NAMESPACES)
        throw new XmlError(`more than ${MAX_NAMESPACES} namespace declarations are in scope`);
    },
    close() {
      inScope -= declared.pop() ?? 0;
    },
  };
}

/** sax writes its position below the message, lines counted from 0. */
function withPosition(message: string): string {
  const [, what, line, column] = /^(.*?)\nLine: (\d+)\nColumn: (\d+)\nChar: /s.exec(message) ?? [];
  return what === undefined ? message : `${what.trim()} (line ${Number(line) + 1}, column ${column})`;
}

/** What sax lets through: doubled attributes, names with two colons, prefixes found on Object.prototype. */
function checkTag(tag: OpenTag, attributesSeen: number): void {
  const names = Object.keys(tag.attributes);
  if (names.length !== attributesSeen) throw new XmlError(`element ${tag.name} has an attribute twice`);
  if (attributesSeen > MAX_ATTRIBUTES) throw new XmlError(`element ${tag.name} has over ${MAX_ATTRIBUTES} attributes`);
  for (const name of [tag.name, ...names]) {
    if (!/^[^:]+(:[^:]+)?$/.test(name)) throw new XmlError(`${name} is not a qualified name`);
  }
  for (const { uri } of [tag, ...Object.values(tag.attributes)]) {
    if (typeof uri !== 'string') throw new XmlError(`element ${tag.name} uses an undeclared namespace prefix`);
  }
}

function feed(sax: Sax, text: string): void {
  try {
    for (let at = 0; at < text.length; at += PIECE) {
      sax.write(text.slice(at, at + PIECE));
      if (sax.attribList.length > MAX_ATTRIBUTES)
        throw new XmlError(`an element has over ${MAX_ATTRIBUTES} attributes`);
      if (sax.sgmlDecl.length > 16) throw new XmlError('a DTD or other markup declaration is not accepted');
    }
    sax.close();
  } catch (error) {
    if (error instanceof XmlError) throw error;
    throw new XmlError(`the document is not well-formed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Recursion is safe here: the depth was checked while reading. */
function toElement(node: ParsedNode): XmlElement {
  const content = (node[CHILDREN] ?? []).map((c) => (c[NAMESPACE] ? toElement(c) : (c[TEXT] ?? '')));
  return {
    name: node[NAMESPACE]!.local,
    namespace: node[NAMESPACE]!.uri,
    attributes: Object.values(node[ATTRIBUTES] ?? {})
      .filter((a) => a.prefix !== 'xmlns')
      .map((a): XmlAttribute => ({ name: a.local, namespace: a.uri, value: a.value })),
    children: content.filter((c) => typeof c !== 'string'),
    text: content.filter((c) => typeof c === 'string').join(''),
    content,
  };
}
