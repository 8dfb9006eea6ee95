import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newGuid, newInvitationSecret, normaliseSecret, sha256 } from '../../../shared/platform/ids.ts';

describe('an invitation secret', () => {
  test('is four groups of four Crockford base32 characters, and no two are the same', () => {
    const secrets = Array.from({ length: 2000 }, newInvitationSecret);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  test('uses all 32 characters in each of its 16 places', () => {
    const seen = Array.from({ length: 16 }, () => new Set<string>());
    for (let i = 0; i < 2000; i++) {
      for (const [place, c] of [...normaliseSecret(newInvitationSecret())].entries()) seen[place]!.add(c);
    }
    expect(seen.map((characters) => characters.size)).toEqual(Array(16).fill(32));
  });

  test.each([
    ['as printed', '0A1B-2C3D-4E5F-6G7H'],
    ['in lower case', '0a1b-2c3d-4e5f-6g7h'],
    ['without dashes', '0A1B2C3D4E5F6G7H'],
    ['with spaces, tabs and a line end', ' 0A1B 2C3D\t4E5F 6G7H\r\n'],
    ['with the dashes that word processors make', '0A1B–2C3D—4E5F−6G7H'],
    ['with O for 0, and I or l for 1', 'OAIB-2C3D-4E5F-6G7H'],
    ['with lower-case o and l', 'oalb-2c3d-4e5f-6g7h'],
    ['with invisible characters from a web page', '0A1B\u200b-2C3D\u00ad-4E5F-6G7H\ufeff'],
  ])('is recognised %s', (_, typed) => {
    expect(normaliseSecret(typed)).toBe('0A1B2C3D4E5F6G7H');
  });

  test('stays another secret when a character differs', () => {
    fc.assert(
      fc.property(fc.nat(15), fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'), (place, c) => {
        const secret = normaliseSecret(newInvitationSecret());
        fc.pre(secret[place] !== c);
        expect(normaliseSecret(secret.slice(0, place) + c + secret.slice(place + 1))).not.toBe(secret);
      }),
    );
  });

  test('is normalised once and for all, whatever was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(normaliseSecret(normaliseSecret(text))).toBe(normaliseSecret(text));
      }),
    );
  });
});

test('a GUID is in lower case and without braces', () => {
  expect(newGuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('SHA-256 of text is that of its UTF-8 bytes (FIPS 180-4 example)', () => {
  expect(sha256('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256('ü')).toEqual(sha256(Buffer.from([0xc3, 0xbc])));
});
