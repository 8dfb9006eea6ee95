import { WireError } from './wire-error.ts';

/** The bytes are no XML that Lanyard reads, or a text cannot be written as XML. The message says which rule and where. */
export class XmlError extends WireError {}

/** The complement of `Char` (XML 1.0 section 2.2); with the `u` flag a surrogate matches only when it stands alone. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const ALL_FORBIDDEN = new RegExp(FORBIDDEN.source, 'gu');

/**
 * Finds the first character that XML 1.0 cannot carry, not even as a reference (section 2.2 and 4.1). Doors that take a
 * text which will later go to a device ask this first, so that nothing unsendable is ever queued.
 *
 * @returns `undefined` when the text is fine, else a phrase such as `U+0001 at position 12`
 */
export function forbiddenCharacter(text: string): string | undefined {
  const at = text.search(FORBIDDEN);
  if (at < 0) return undefined;
  const code = text.codePointAt(at)!.toString(16).toUpperCase().padStart(4, '0');
  return `U+${code} at position ${at}`;
}

/** The same text with U+FFFD in place of every character that XML 1.0 cannot carry. */
export function replaceForbidden(text: string): string {
  return FORBIDDEN.test(text) ? text.replace(ALL_FORBIDDEN, '\uFFFD') : text;
}
