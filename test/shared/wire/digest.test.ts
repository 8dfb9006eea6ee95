import { describe, expect, test } from 'vitest';
import { digestCredential, digestMatches, hashedCredential } from '../../../shared/wire/digest.ts';

describe('MD5 credentials', () => {
  test.each([
    // The example of OMA DM Protocol 9.4.2, and one computed with openssl.
    ['Bruce2', 'OhBehave', Buffer.from('Nonce'), 'Zz6EivR3yeaaENcRN6lpAQ=='],
    ['device1', 'secret', Buffer.from('00112233445566778899aabbccddeeff', 'hex'), 'Nql61rCxSIY+AhksAcMX0A=='],
  ])('the digest of %s is known', (name, secret, nonce, expected) => {
    expect(digestCredential(hashedCredential(name, secret), nonce)).toBe(expected);
    expect(digestMatches(`\n ${expected} `, hashedCredential(name, secret), nonce)).toBe(true);
  });

  test('what the server keeps is the hash of name and secret', () => {
    expect(hashedCredential('device1', 'secret')).toBe('OY1jfzkk83dvA8qrwZwNIA==');
  });

  test.each([
    ['another secret', hashedCredential('device1', 'Secret'), 'nonce'],
    ['another name', hashedCredential('device2', 'secret'), 'nonce'],
    ['another nonce', hashedCredential('device1', 'secret'), 'nonce '],
  ])('%s does not match', (_, hash, nonce) => {
    const data = digestCredential(hashedCredential('device1', 'secret'), Buffer.from('nonce'));
    expect(digestMatches(data, hash, Buffer.from(nonce))).toBe(false);
  });

  test.each(['', 'x', 'Nql61rCxSIY+AhksAcMX0A', '\u00e9'.repeat(24)])('the text %j does not match', (data) => {
    expect(digestMatches(data, hashedCredential('device1', 'secret'), Buffer.from('nonce'))).toBe(false);
  });
});
