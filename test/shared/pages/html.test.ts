import { describe, expect, test } from 'vitest';
import { contrast, readableOn } from '../../../shared/pages/colour.ts';
import { html } from '../../../shared/pages/html.ts';

describe('html', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    [`" onload='x' \``, '&quot; onload=&#39;x&#39; &#96;'],
    ['&amp;', '&amp;amp;'],
    ['\0\u001b[31m\u0085', '\ufffd\ufffd[31m\ufffd'],
    ['half \ud83d', 'half \ufffd'],
    ['عربي 🦊', 'عربي 🦊'],
  ])('writes the text %j so that it stays text', (value, written) => {
    expect(String(html`<p title="${value}">${value}</p>`)).toBe(`<p title="${written}">${written}</p>`);
  });

  test('puts markup into markup, and nothing for what is not there', () => {
    const items = ['a', 'b'].map((each) => html`<li>${each}</li>`);
    expect(String(html`<ul>${items}</ul>${undefined}${false}${3}`)).toBe('<ul><li>a</li><li>b</li></ul>3');
  });
});

describe("the organisation's colour", () => {
  const colours = ['#ffffff', '#000000', '#ffff00', '#1f5fa8', '#ff0000', '#808080', '#00ff7f', '#123456'];

  test.each(colours)('%s can be read on light and on dark', (colour) => {
    for (const background of ['#ffffff', '#1b1b1f']) {
      expect(contrast(readableOn(background, colour), background)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('stays as it is where it can be read', () => {
    expect(readableOn('#ffffff', '#1f5fa8')).toBe('#1f5fa8');
    expect(readableOn('#ffffff', '#ffff00')).not.toBe('#ffff00');
  });

  test('contrast is that of the guidelines', () => {
    expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  });
});
