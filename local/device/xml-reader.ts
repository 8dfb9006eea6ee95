import { Parser } from 'xml2js';

/**
 * The device's own XML reading. It stands in for MSXML: namespaces and letter case count, prefixes do not,
 * a document type definition is refused, and a path that begins with `//` starts at the document whatever node it is asked of.
 */
export interface XmlNode {
  name: string;
  namespace: string;
  attributes: { name: string; namespace: string; value: string }[];
  /** text and elements in document order */
  parts: (string | XmlNode)[];
  children: XmlNode[];
  document: XmlNode;
}

/** The bytes are not an XML document that MSXML would load. */
export class XmlUnreadable extends Error {}

interface RawNode {
  '#name': string;
  $?: Record<string, { name: string; value: string; uri: string; local: string; prefix: string }>;
  $ns?: { uri: string; local: string };
  $$?: RawNode[];
  _?: string;
}

interface SaxHandlers {
  onopentag: (node: unknown) => void;
  onclosetag: (name: string) => void;
  ondoctype: (text: string) => void;
  onerror: (error: Error) => void;
  ENTITIES: Record<string, string>;
}

/** Reads a whole document. In: UTF-8 bytes or text. Out: the document node, whose only child is the root element. */
export function readXml(bytes: Buffer | string): XmlNode {
  const root = parse(decode(bytes));
  const document: XmlNode = { name: '#document', namespace: '', attributes: [], parts: [], children: [] } as never;
  document.document = document;
  const node = convert(root, document);
  document.children.push(node);
  document.parts.push(node);
  return document;
}

function decode(bytes: Buffer | string): string {
  if (typeof bytes === 'string') return bytes;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new XmlUnreadable('not UTF-8', { cause });
  }
}

function parse(text: string): RawNode {
  if (text.includes('\0')) throw new XmlUnreadable('a NUL character');
  const parser = new Parser({
    xmlns: true,
    explicitChildren: true,
    preserveChildrenOrder: true,
    charsAsChildren: true,
    includeWhiteChars: true,
    explicitCharkey: true,
    explicitRoot: false,
  });
  let failure: unknown;
  watch((parser as unknown as { saxParser: SaxHandlers }).saxParser, (error) => {
    failure ??= error;
  });
  let result: (RawNode & { rootName?: string }) | undefined;
  try {
    parser.parseString(text, (error: Error | null, value: unknown) => {
      failure ??= error ?? undefined;
      result ??= (value as RawNode) ?? undefined;
    });
  } catch (error) {
    failure = error;
  }
  if (failure) throw new XmlUnreadable((failure as Error).message.split('\n')[0], { cause: failure });
  if (!result) throw new XmlUnreadable('no root element');
  return result;
}

// xml2js itself lets a DTD, a second root, text behind the root and the entities of HTML pass.
function watch(sax: SaxHandlers, onFailure: (error: Error) => void): void {
  const { onopentag, onclosetag, onerror } = sax;
  sax.ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  sax.onerror = (error) => {
    onFailure(error);
    onerror(error);
  };
  let depth = 0;
  let roots = 0;
  sax.ondoctype = () => {
    throw new XmlUnreadable('a document type definition');
  };
  sax.onopentag = (node) => {
    if (depth++ === 0 && ++roots > 1) throw new XmlUnreadable('a second root element');
    onopentag(node);
  };
  sax.onclosetag = (name) => {
    depth--;
    onclosetag(name);
  };
}

function convert(raw: RawNode, document: XmlNode): XmlNode {
  const node: XmlNode = {
    name: raw.$ns?.local ?? raw['#name'],
    namespace: raw.$ns?.uri ?? '',
    attributes: Object.values(raw.$ ?? {})
      .filter((attribute) => attribute.prefix !== 'xmlns' && attribute.name !== 'xmlns')
      .map((attribute) => ({ name: attribute.local, namespace: attribute.uri, value: attribute.value })),
    parts: [],
    children: [],
    document,
  };
  for (const part of raw.$$ ?? []) {
    if (part['#name'] === '__text__') node.parts.push(part._ ?? '');
    else {
      const element = convert(part, document);
      node.parts.push(element);
      node.children.push(element);
    }
  }
  return node;
}

/** All text below a node, in order, nothing cut. */
export function rawText(node: XmlNode): string {
  return node.parts.map((part) => (typeof part === 'string' ? part : rawText(part))).join('');
}

/** The text as the enrollment client takes it: white space is cut at the end only, so a leading line feed stays and does harm. */
export function textOf(node: XmlNode): string {
  return rawText(node).trimEnd();
}

export function attributeOf(node: XmlNode, name: string, namespace = ''): string | undefined {
  return node.attributes.find((attribute) => attribute.name === name && attribute.namespace === namespace)?.value;
}

/**
 * The nodes that an XPath of the small kind the client uses finds: `//p:Name`, `/p:Name`, `p:Name`, with `[@attribute='value']`.
 * A prefix stands for a namespace of `namespaces`, no prefix for none. Document order, each node once.
 */
export function select(context: XmlNode, path: string, namespaces: Record<string, string> = {}): XmlNode[] {
  const steps = [...(path.startsWith('/') ? path : `/${path}`).matchAll(STEP)];
  if (steps.map((step) => step[0]).join('') !== (path.startsWith('/') ? path : `/${path}`)) {
    throw new Error(`not a path that this reader knows: ${path}`);
  }
  let found = [path.startsWith('/') ? context.document : context];
  for (const [, axis, prefix, name, attribute, value] of steps) {
    const namespace = prefix ? namespaces[prefix.slice(0, -1)] : '';
    if (namespace === undefined) throw new Error(`no namespace for the prefix ${prefix}`);
    const candidates = found.flatMap((node) => (axis === '//' ? descendants(node) : node.children));
    found = [...new Set(candidates)].filter(
      (node) =>
        (name === '*' || node.name === name) &&
        node.namespace === namespace &&
        (!attribute || attributeOf(node, attribute) === value),
    );
  }
  return found;
}

const STEP = /(\/\/?)([A-Za-z][\w-]*:)?([A-Za-z][\w.-]*|\*)(?:\[@([\w-]+)='([^']*)'\])?/g;

function descendants(node: XmlNode): XmlNode[] {
  return node.children.flatMap((child) => [child, ...descendants(child)]);
}

/** The text of the first node that a path finds, or undefined where there is none. */
export function textAt(context: XmlNode, path: string, namespaces: Record<string, string> = {}): string | undefined {
  const node = select(context, path, namespaces)[0];
  return node && textOf(node);
}
