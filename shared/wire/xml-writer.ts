import { forbiddenCharacter, XmlError } from './xml-characters.ts';
import type { XmlElement } from './xml-tree.ts';

/** Markup that is already XML. Only `xml` and code that vouches for its text make one. */
export class Xml {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

export type XmlValue = string | number | boolean | Xml | Xml[] | undefined;

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#xD;',
  '\n': '&#xA;',
  '\t': '&#x9;',
};

/**
 * Template tag that writes XML: literals are markup, values are text and are escaped, both as element content and inside
 * quotes. `Xml` values and lists of them are put in as they are; `undefined` writes nothing. Carriage returns are always
 * written as references, tabs and line feeds inside attributes too, or the reader would normalise them away
 * (XML 1.0 sections 2.11 and 3.3.3).
 *
 * @throws XmlError for a text with a character that XML 1.0 cannot carry: dropping it would change somebody's value
 *   without a word. `forbiddenCharacter` tells beforehand.
 */
export function xml(strings: TemplateStringsArray, ...values: XmlValue[]): Xml {
  let markup = strings[0]!;
  for (const [i, value] of values.entries()) {
    markup += write(value, strings[i]!) + strings[i + 1]!;
  }
  return new Xml(markup);
}

function write(value: XmlValue, before: string): string {
  if (value === undefined) return '';
  if (value instanceof Xml) return value.toString();
  if (Array.isArray(value)) return value.join('');
  const text = String(value);
  const forbidden = forbiddenCharacter(text);
  if (forbidden) throw new XmlError(`a value cannot be written as XML: ${forbidden}`);
  const inAttribute = /=\s*["'][^"'<>]*$/.test(before);
  return text.replace(inAttribute ? /[&<>"'\r\n\t]/g : /[&<>"'\r]/g, (c) => ESCAPES[c]!);
}

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/**
 * The content of an element as markup, for a value that arrived as elements instead of escaped text. Elements in the
 * namespace of `element` itself only inherited it from the message around them and are written without one.
 */
export function innerXml(element: XmlElement): string {
  return writeContent(element, element.namespace, '');
}

function writeContent(element: XmlElement, inherited: string, scope: string): string {
  return element.content
    .map((c) => (typeof c === 'string' ? write(c, '') : writeElement(c, inherited, scope)))
    .join('');
}

function writeElement(element: XmlElement, inherited: string, scope: string): string {
  const namespace = element.namespace === inherited ? '' : element.namespace;
  const declaration = namespace === scope ? new Xml('') : xml` xmlns="${namespace}"`;
  const attributes = element.attributes.map((a, i) => {
    if (a.namespace === '') return xml` ${new Xml(a.name)}="${a.value}"`;
    if (a.namespace === XML_NAMESPACE) return xml` xml:${new Xml(a.name)}="${a.value}"`;
    return xml` xmlns:n${i}="${a.namespace}" n${i}:${new Xml(a.name)}="${a.value}"`;
  });
  const content = writeContent(element, inherited, namespace);
  const start = `<${element.name}${declaration}${attributes.join('')}`;
  return content === '' ? `${start}/>` : `${start}>${content}</${element.name}>`;
}
