import { describe, expect, test } from 'vitest';
import { jsonText, printable } from '../../../local/cli/printable.ts';
import { table } from '../../../local/cli/verb.ts';

const HARMFUL: [string, string][] = [
  ['a line end, which would begin a line of its own', '\n'],
  ['a carriage return, which would write over the line', '\r'],
  ['an escape sequence', '\u001b[2J'],
  ['the same in one character', '\u009b2J'],
  ['a line separator', '\u2028'],
  ['a change of the writing direction', '\u202e'],
];

describe('text that a device chose', () => {
  test.each(HARMFUL)('is shown without %s', (_, harmful) => {
    expect(printable(`PC${harmful}1`)).toBe(`PC\uFFFD${harmful.slice(1)}1`);
  });

  test.each(HARMFUL)('keeps its line of a table: %s', (_, harmful) => {
    expect(table([{ name: `PC${harmful}enrolled` }], 'none').split(/[\n\r\u2028]/)).toHaveLength(2);
  });

  test('is shown as it is otherwise, whatever its language', () => {
    const names = "Müllers PC, 田中の端末, משרד, \u{1F600} e\u0301 'x'";
    expect(printable(names)).toBe(names);
  });

  test.each(HARMFUL)('comes back whole from JSON that has no %s', (_, harmful) => {
    const value = [{ name: `PC${harmful}1` }];
    const text = jsonText(value);
    expect(JSON.parse(text)).toEqual(value);
    expect(text.split('\n').map(printable).join('\n')).toBe(text);
  });
});
