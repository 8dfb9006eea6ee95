/** Markup that is ready to be put into a document; only this module makes it from plain text. */
export type Markup = string & { readonly markup: unique symbol };

export function escapeXml(text: string): Markup {
  return text.replace(/[&<>"\r]/g, (char) => ENTITIES[char] as string) as Markup;
}

// A bare carriage return would arrive as a line feed.
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };

/** An element. `name` may carry a prefix; attributes are escaped; content that is undefined makes an empty element. */
export function element(name: string, content?: Markup | Markup[], attributes: Record<string, string> = {}): Markup {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`);
  const inside = Array.isArray(content) ? content.join('') : content;
  const open = `<${name}${list.join('')}`;
  return (inside === undefined ? `${open}/>` : `${open}>${inside}</${name}>`) as Markup;
}

/** An element that holds text. */
export function textElement(name: string, text: string, attributes: Record<string, string> = {}): Markup {
  return element(name, escapeXml(text), attributes);
}
