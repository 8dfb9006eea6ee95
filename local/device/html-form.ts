/** What a web view and the person before it see of a page: its forms, links and words. Enough HTML for sign-in pages. */

export interface Field {
  name: string;
  /** `hidden`, `text`, `password` and the like */
  type: string;
  value: string;
  /** what its label says */
  label: string;
}

export interface Form {
  method: string;
  action: string;
  fields: Field[];
  /** a script of the page sends it without a click */
  sendsItself: boolean;
}

export interface WebPage {
  title: string;
  forms: Form[];
  links: { href: string; text: string }[];
  /** what role=alert says */
  alert?: string;
  text: string;
}

/** Reads a page. What is no HTML gives an empty page. */
export function readPage(html: string): WebPage {
  const scripts = [...html.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/gi)].map(([, code = '']) => code);
  const submits = scripts.some((code) => /\.submit\s*\(\s*\)/.test(code));
  const markup = html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, '');
  const labels = new Map(
    elements(markup, 'label').map(({ attributes, content }) => [attributes.get('for') ?? '', textOf(content)]),
  );
  const alert = /<(\w+)\b[^>]*\brole="?alert"?[^>]*>([\s\S]*?)<\/\1>/i.exec(markup)?.[2];
  return {
    title: textOf(/<title>([\s\S]*?)<\/title>/i.exec(markup)?.[1] ?? ''),
    forms: elements(markup, 'form').map(({ attributes, content }) => ({
      method: (attributes.get('method') ?? 'get').toLowerCase(),
      action: attributes.get('action') ?? '',
      fields: fieldsOf(content, labels),
      sendsItself: submits,
    })),
    links: elements(markup, 'a').map(({ attributes, content }) => ({
      href: attributes.get('href') ?? '',
      text: textOf(content),
    })),
    ...(alert !== undefined && { alert: textOf(alert) }),
    text: textOf(markup),
  };
}

function elements(markup: string, name: string): { attributes: Map<string, string>; content: string }[] {
  const pattern = new RegExp(`<${name}\\b([^>]*)>([\\s\\S]*?)</${name}>`, 'gi');
  return [...markup.matchAll(pattern)].map(([, attributes = '', content = '']) => ({
    attributes: attributesOf(attributes),
    content,
  }));
}

function fieldsOf(content: string, labels: Map<string, string>): Field[] {
  return [...content.matchAll(/<input\b([^>]*)>/gi)].flatMap(([, text = '']) => {
    const attributes = attributesOf(text);
    const name = attributes.get('name');
    if (!name) return [];
    const type = (attributes.get('type') ?? 'text').toLowerCase();
    const label = labels.get(attributes.get('id') ?? '') ?? '';
    return [{ name, type, value: attributes.get('value') ?? '', label }];
  });
}

function attributesOf(text: string): Map<string, string> {
  const pattern = /([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi;
  const pairs = [...text.matchAll(pattern)].map(([, name = '', double, single, bare]): [string, string] => [
    name.toLowerCase(),
    decode(double ?? single ?? bare ?? ''),
  ]);
  // Of an attribute that stands twice the first counts (HTML, 13.2.5.33).
  return new Map(pairs.reverse());
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? all;
    return String.fromCodePoint(hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

function textOf(markup: string): string {
  return decode(markup.replace(/<[^>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}
