import { createHmac, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import {
  looksLikeEnrollmentToken,
  readEnrollmentToken,
  writeEnrollmentToken,
} from '../../../../shared/enrollment/authentication/enrollment-token.ts';
import { openState, sealState, stateCookieOf } from '../../../../shared/enrollment/sign-in/sign-in-state.ts';

const KEY = randomBytes(32);
const NOW = new Date('2026-11-21T12:00:00Z');
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const causeOf = (token: string, now = NOW, key = KEY) =>
  readEnrollmentToken(key, token, now).then(
    () => 'good',
    (error) => error.refusal ?? error,
  );

describe('the token of the sign-in page', () => {
  const claims = {
    sub: 'kim@example.org',
    invitation: 'm1abc',
    ownership: 'corporate' as const,
    device: '0b1e9a2c-52e9-4a7a-8f35-4b2c9d3a6e10',
    tenant: 'ACME ☂',
  };

  test('comes back as it was, in characters that nobody has to decode', async () => {
    const token = await writeEnrollmentToken(KEY, claims, NOW);
    expect(token).toMatch(/^[A-Za-z0-9._~-]+$/);
    expect(looksLikeEnrollmentToken(token)).toBe(true);
    expect(await readEnrollmentToken(KEY, token, later(29))).toEqual(claims);
  });

  test('is good for 30 minutes, and not with the key of another deployment', async () => {
    const token = await writeEnrollmentToken(KEY, claims, NOW);
    expect(await causeOf(token, later(30))).toBe('expiredToken');
    expect(await causeOf(token, NOW, randomBytes(32))).toBe('badToken');
  });

  /** What somebody could hold who has the very key, but not by way of the page. */
  async function otherToken(change: { typ?: string; aud?: string; alg?: string; claims?: object; exp?: number }) {
    const key = createHmac('sha256', KEY).update('enrollment token').digest();
    const jwt = new SignJWT({ ...claims, ...change.claims })
      .setProtectedHeader({ alg: change.alg ?? 'HS256', typ: change.typ ?? 'lanyard-enrollment+jwt' })
      .setAudience(change.aud ?? 'lanyard:enrollment')
      .setIssuedAt(NOW.getTime() / 1_000);
    if (change.exp !== 0) jwt.setExpirationTime(later(30));
    return jwt.sign(key);
  }

  test.each([
    ['of another type', { typ: 'JWT' }],
    ['for another audience', { aud: 'lanyard:sign-in' }],
    ['by another algorithm', { alg: 'HS512' }],
    ['without an end', { exp: 0 }],
    ['with a user that is none', { claims: { sub: '' } }],
    ['with an ownership that is none', { claims: { ownership: 'mine' } }],
  ])('%s is refused, though the key is right', async (_, change) => {
    expect(await causeOf(await otherToken({}))).toBe('good');
    expect(await causeOf(await otherToken(change))).toBe('badToken');
  });

  test.each(['', 'x', 'a.b.c', 'e30.e30.e30', `${'x'.repeat(100_000)}.y.z`])('%.20j is none', async (text) => {
    expect(looksLikeEnrollmentToken(text)).toBe(false);
    expect(await causeOf(text)).toBe('badToken');
  });
});

describe('the state of a sign-in', () => {
  const state = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43), request: 'appru=ms-app%3A' };

  test('comes back out of its cookie for fifteen minutes, and is nothing to anybody else', async () => {
    const sealed = await sealState(KEY, state, NOW);
    expect(await openState(KEY, sealed, later(14))).toEqual(expect.objectContaining(state));
    expect(await openState(KEY, sealed, later(15))).toBeUndefined();
    expect(await openState(randomBytes(32), sealed, NOW)).toBeUndefined();
    expect(await openState(KEY, `${sealed.slice(0, -4)}AAAA`, NOW)).toBeUndefined();
    expect(await openState(KEY, undefined, NOW)).toBeUndefined();
  });

  test('is no enrollment token, nor the other way round', async () => {
    expect(await causeOf(await sealState(KEY, state, NOW))).toBe('badToken');
    const token = await writeEnrollmentToken(KEY, { sub: 'kim@example.org' }, NOW);
    expect(await openState(KEY, token, NOW)).toBeUndefined();
  });

  test.each([
    [null, undefined],
    ['', undefined],
    ['a=b; __Host-lanyard-sign-in=x.y.z; c=d', 'x.y.z'],
    ['a=b,__Host-lanyard-sign-in=x.y.z', 'x.y.z'],
    ['x__Host-lanyard-sign-in=1', undefined],
    ['__Host-lanyard-sign-in=', undefined],
  ])('is found in the header %j', (header, value) => {
    expect(stateCookieOf(header)).toBe(value);
  });
});
