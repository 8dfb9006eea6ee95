import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY, policySchema } from '../../../../shared/catalogue/policy.ts';
import { enrollmentDeepLink } from '../../../../shared/enrollment/invitations/deep-link.ts';
import { type JoinToken, joinAddress } from '../../../../shared/enrollment/invitations/join-link.ts';
import { joinPage } from '../../../../shared/enrollment/invitations/join-page.ts';
import { JOIN_SCRIPT } from '../../../../shared/enrollment/invitations/join-page-script.ts';

const SERVER = 'https://enroll.example.org';
const TOKEN: JoinToken = {
  user: 'kim@example.org',
  secret: 'QCNG-QFW3-918B-J754',
  server: SERVER,
  expires: '2026-11-24T12:39:57.920Z',
  organisation: 'Example Ltd',
};

/** The two functions of the script that decide, as the browser has them. */
const page = new Function(`${JOIN_SCRIPT}; return { readToken, deepLink };`)() as {
  readToken(fragment: string, server: string): JoinToken | undefined;
  deepLink(token: JoinToken): string;
};

const fragmentOf = (token: unknown) => Buffer.from(JSON.stringify(token)).toString('base64url');
const read = (token: unknown) => page.readToken(fragmentOf(token), SERVER);

describe('the page of an invitation', () => {
  test.each<[string, Partial<JoinToken>]>([
    ['with nothing but what is needed', {}],
    ['with whose the PC is', { ownership: 'personal' }],
    [
      'with identifiers',
      { deviceIdentifier: '0f2c7b1e-58a1-4a0e-9f0d-2f4b7f1c9a11', tenantIdentifier: "Haus Süd (Köln) & Co's!*" },
    ],
    ['of a user with odd characters', { user: "o'ne+il&a=b%(c)!*@müller.example" }],
    ['of an organisation with a name that is not ASCII', { organisation: 'Bäckerei "Süß" <GmbH> 🥨' }],
  ])('takes an invitation %s, and makes the deep link that the server makes', (_, more) => {
    const token = { ...TOKEN, ...more };
    const [address, fragment = ''] = joinAddress(token).split('#');
    expect(address).toBe(`${SERVER}/join`);
    expect(page.readToken(fragment, SERVER)).toEqual(token);
    const { user, server, ownership, deviceIdentifier, tenantIdentifier } = token;
    expect(page.deepLink(token)).toBe(
      enrollmentDeepLink({ mode: 'mdm', user, server, ownership, deviceIdentifier, tenantIdentifier }),
    );
  });

  test('puts the secret into the deep link only where the organisation wants it', () => {
    expect(page.deepLink(read(TOKEN)!)).not.toContain(TOKEN.secret);
    expect(page.deepLink(read({ ...TOKEN, secretInLink: true })!)).toContain(`accesstoken=${TOKEN.secret}`);
  });

  test.each<[string, unknown]>([
    ['of another server', { ...TOKEN, server: 'https://enroll.evil.example' }],
    ['of our server with a path behind it', { ...TOKEN, server: `${SERVER}/x` }],
    ['whose server is no text', { ...TOKEN, server: [SERVER] }],
    ['with a user that is no name', { ...TOKEN, user: 'kim' }],
    ['with a user that looks like two lines', { ...TOKEN, user: 'kim@example.org\nor call 555' }],
    ['with a user that turns the writing round', { ...TOKEN, user: '\u202egro.elpmaxe@mik.x' }],
    ['with a user that is a list', { ...TOKEN, user: ['kim@example.org'] }],
    ['with a secret that is a sentence', { ...TOKEN, secret: 'Call 555-0100 and say who you are' }],
    ['with a secret in small letters', { ...TOKEN, secret: TOKEN.secret.toLowerCase() }],
    ['without a secret', { ...TOKEN, secret: undefined }],
    ['with an end that is no time', { ...TOKEN, expires: '2026-99-99T00:00:00Z' }],
    ['with an end that is a number', { ...TOKEN, expires: 4_102_444_800_000 }],
    ['with an ownership that Windows has not', { ...TOKEN, ownership: 'stolen' }],
    ['with an ownership that every object has', { ...TOKEN, ownership: 'constructor' }],
    ['with a device that is no GUID', { ...TOKEN, deviceIdentifier: 'javascript:alert(1)' }],
    ['with a tenant over 200 characters', { ...TOKEN, tenantIdentifier: 'x'.repeat(201) }],
    ['that is a list', [TOKEN]],
    ['that is nothing', null],
    ['that is a text', 'kim@example.org'],
  ])('takes none %s', (_, token) => {
    expect(read(token)).toBeUndefined();
  });

  test.each([
    ['', 'nothing'],
    ['%7B%7D', 'percent signs'],
    ['e30=', 'padding'],
    ['bm9KU09O', 'no JSON'],
    ['wyg', 'no UTF-8'],
    ['A'.repeat(6_001), 'more than an invitation has'],
    [`${fragmentOf(TOKEN)}&x=<img>`, 'more behind it'],
  ])('takes no fragment of %s (%s)', (fragment) => {
    expect(page.readToken(fragment, SERVER)).toBeUndefined();
  });
});

describe('what the server sends', () => {
  test('runs its own script and style and nothing else, is put into no frame and tells nobody where it was', () => {
    const { body, headers } = joinPage(DEFAULT_POLICY, SERVER);
    const csp = headers['Content-Security-Policy'] ?? '';
    const nonce = /script-src 'nonce-([^']+)'/.exec(csp)?.[1];
    expect(body.match(/<script nonce="[^"]+">/g)).toEqual([`<script nonce="${nonce}">`]);
    expect(body).toContain(JOIN_SCRIPT);
    expect(csp).toContain("default-src 'none'");
    expect(csp).toContain("frame-ancestors 'none'");
    expect(csp).not.toMatch(/unsafe|https?:|\*/);
    expect(body).not.toMatch(/\son\w+=|\sstyle=|javascript:/);
    expect(headers).toMatchObject({ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' });
  });

  test('shows names and addresses of the organisation as text', () => {
    const policy = policySchema.parse({
      organisation: '</title><script>alert(1)</script>',
      support: { phone: '<b>1</b>', email: 'help&co@example.org', website: 'https://help.example.org/?a=1&b=2' },
    });
    const { body } = joinPage(policy, SERVER);
    expect(body.match(/<script/g)).toHaveLength(1);
    expect(body).not.toContain('<b>1</b>');
    expect(body).toContain('href="https://help.example.org/?a=1&amp;b=2"');
  });

  test('says without any script which server to type', () => {
    const { body } = joinPage(DEFAULT_POLICY, SERVER);
    expect(body.replace(/<script[\s\S]*/, '')).toContain(`>${SERVER}</span>`);
  });
});
