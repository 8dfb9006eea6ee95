/** Markup that is already HTML. Only `html` makes one, so no text gets into a page unescaped. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

export type HtmlValue = string | number | Html | readonly Html[] | undefined | false;

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a page must not carry (HTML, 13.2.3.5)
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/**
 * Template tag that writes HTML: literals are markup; values are text and are escaped, for element content and for quoted
 * attributes alike. `Html` values and lists of them are put in as they are; `undefined` and `false` write nothing.
 * An attribute always stands in double quotes; a value never goes into a script, a style, an unquoted attribute or a URL
 * that was not checked: escaping does not help there.
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  let markup = strings[0]!;
  for (const [i, value] of values.entries()) markup += write(value) + strings[i + 1]!;
  return new Html(markup);
}

function write(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.join('');
  return String(value)
    .toWellFormed()
    .replace(FORBIDDEN, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => ESCAPES[character]!);
}
