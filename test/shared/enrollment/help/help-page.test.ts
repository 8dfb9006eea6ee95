import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../../shared/catalogue/policy.ts';
import { CODES } from '../../../../shared/enrollment/help/codes.ts';
import { helpAddress } from '../../../../shared/enrollment/help/help-address.ts';
import { helpPage } from '../../../../shared/enrollment/help/help-page.ts';
import { FAULT_HRESULT } from '../../../../shared/wire/fault.ts';

const ENROLL = 'https://enroll.example.org';
const shown = (policy: object = {}) => helpPage(policySchema.parse(policy), ENROLL);

describe('the help page', () => {
  test('says of every code that a refusal leads to what it means and what to do', () => {
    const codes = CODES.map(({ code }) => code);
    for (const hresult of Object.values(FAULT_HRESULT)) expect(codes).toContain(hresult);
    expect(new Set(codes).size).toBe(codes.length);
    const { body } = shown();
    for (const { code, meaning, todo } of CODES) {
      expect(body).toContain(`<dt id="${code}">`);
      expect(`${meaning} ${todo}`).toMatch(/^[A-Z].+[.)] [A-Z].+\.$/);
    }
  });

  test('bears the organisation, its help desk, and the server that people type', () => {
    const support = { phone: '+49 30 1234567', email: 'help@example.org', website: 'https://help.example.org/' };
    const { body } = shown({ organisation: 'A & <b>B</b>', support });
    for (const part of ['A &amp; &lt;b&gt;B', 'tel:+49301234567', 'help@example.org', support.website, ENROLL]) {
      expect(body).toContain(part);
    }
    expect(body).not.toContain('<b>B');
  });

  test('is the same each time, may be kept for ten minutes, and runs no script', () => {
    const { body, headers } = shown();
    expect(shown()).toEqual({ body, headers });
    expect(headers['Cache-Control']).toBe('public, max-age=600');
    const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers['Content-Security-Policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
    );
    expect(body).not.toMatch(/<script|<form|\son\w+=/);
    expect(Buffer.byteLength(body)).toBeLessThan(10_000);
  });
});

describe('a fault sends people', () => {
  test.each([
    ["to the organisation's own page", 'https://help.example.org/mdm', 'https://help.example.org/mdm'],
    ['to ours, where there is none', '', `${ENROLL}/help`],
    ['to ours, where that address is too long for a sentence', `https://x.org/${'y'.repeat(300)}`, `${ENROLL}/help`],
  ])('%s', (_, website, address) => {
    expect(helpAddress({ website }, ENROLL)).toBe(address);
  });

  test('to ours, while the settings cannot be read', () => {
    expect(helpAddress(undefined, ENROLL)).toBe(`${ENROLL}/help`);
  });
});
