/**
 * Canonical XML 1.0 and Exclusive XML Canonicalization 1.0 (W3C), without comments, of documents that this device wrote
 * itself: elements, attributes and text, nothing else. The signature of a request is over these forms.
 */

/** `inclusive` declares what is in scope where it is declared, `exclusive` what is used where it is used. */
export type CanonicalForm = 'inclusive' | 'exclusive';

interface Element {
  name: string;
  attributes: [string, string][];
  content: (string | Element)[];
}

type Namespaces = ReadonlyMap<string, string>;

/** In: markup with one root element. Out: its canonical form. Errors: a document that the device would not write. */
export function canonicalXml(markup: string, form: CanonicalForm): string {
  return write(parse(markup), { form, inScope: new Map([['', '']]), rendered: new Map([['', '']]) });
}

function parse(markup: string): Element {
  const root: Element = { name: '', attributes: [], content: [] };
  const open = [root];
  let at = 0;
  for (const token of markup.matchAll(/<(\/?)([^\s<>/!?]+)([^<>]*?)(\/?)>|([^<>]+)/g)) {
    if (token.index !== at) throw new Error(`this device writes no "${markup.slice(at, at + 20)}"`);
    at += token[0].length;
    const [, closing, name = '', attributes = '', empty, text] = token;
    if (text !== undefined) open.at(-1)!.content.push(decode(text));
    else if (closing) open.pop();
    else {
      const element: Element = { name, attributes: attributesOf(attributes), content: [] };
      open.at(-1)!.content.push(element);
      if (!empty) open.push(element);
    }
  }
  const [element, ...more] = root.content;
  if (at !== markup.length || open.length !== 1 || typeof element !== 'object' || more.length > 0)
    throw new Error('not one element');
  return element;
}

function attributesOf(text: string): [string, string][] {
  return [...text.matchAll(/\s([^\s=]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, decode(value)]);
}

interface Context {
  form: CanonicalForm;
  /** what the document declares */
  inScope: Namespaces;
  /** what the canonical form has declared already */
  rendered: Namespaces;
}

function write({ name, attributes, content }: Element, { form, inScope, rendered }: Context): string {
  const declared = attributes.flatMap(([key, value]): [string, string][] =>
    key === 'xmlns' ? [['', value]] : key.startsWith('xmlns:') ? [[key.slice(6), value]] : [],
  );
  const scope: Namespaces = new Map([...inScope, ...declared]);
  const plain = attributes.filter(([key]) => key !== 'xmlns' && !key.startsWith('xmlns:'));
  const used = [prefixOf(name), ...plain.map(([key]) => prefixOf(key)).filter((prefix) => prefix !== '')];
  const declarable = new Set(form === 'inclusive' ? scope.keys() : used);
  const missing = [...declarable].filter((prefix) => rendered.get(prefix) !== scope.get(prefix)).sort();
  const now: Namespaces = new Map([...rendered, ...missing.map((p): [string, string] => [p, scope.get(p) ?? ''])]);
  const declarations = missing.map((prefix) => {
    const key = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
    return ` ${key}="${escapeAttribute(scope.get(prefix) ?? '')}"`;
  });
  const order = ([key]: [string, string]) => `${prefixOf(key) && scope.get(prefixOf(key))}\0${localOf(key)}`;
  const rest = plain
    .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(([key, value]) => ` ${key}="${escapeAttribute(value)}"`);
  const inside = content.map((part) =>
    typeof part === 'string' ? escapeText(part) : write(part, { form, inScope: scope, rendered: now }),
  );
  return `<${name}${declarations.join('')}${rest.join('')}>${inside.join('')}</${name}>`;
}

const prefixOf = (name: string): string => (name.includes(':') ? (name.split(':')[0] ?? '') : '');
const localOf = (name: string): string => name.split(':').at(-1) ?? '';

const PLAIN: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#xD': '\r' };

function decode(text: string): string {
  return text.replace(/&([^;]+);/g, (_, name: string) => PLAIN[name] ?? '');
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;');
}

function escapeAttribute(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#x9;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\r', '&#xD;');
}
