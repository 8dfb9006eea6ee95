/**
 * Names, results and reasons come from devices, and a terminal obeys what stands in them: control characters (escape
 * sequences, new lines that look like lines of ours), line separators, and marks that turn the writing direction round.
 */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** @returns the text on one line, with U+FFFD in place of each character that a terminal would obey */
export function printable(text: string): string {
  return text.replace(OBEYED, '\uFFFD');
}

/** @returns indented JSON of `value`, in which every character that a terminal would obey is written as an escape */
export function jsonText(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split('\n');
  return lines.map((line) => line.replace(OBEYED, asEscape)).join('\n');
}

function asEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
