import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readUserCertificate, UserCertificateError } from '../../../shared/certificates/user-certificate.ts';
import { SMART_CARD_LOGON, UserAuthority, type UserWish } from '../../support/user-certificates.ts';

const authority = new UserAuthority('Contoso Users');
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const now = new Date();
const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
const read = (wish: UserWish = {}, issuers = [authority.pem]) =>
  readUserCertificate(authority.issue({ keys, ...wish }).certificate, issuers, now);

describe('the user of a certificate', () => {
  test.each([
    ['the principal name', {}, 'kim@example.org'],
    ['the principal name, beside addresses', { addresses: ['a@example.org', 'b@example.org'] }, 'kim@example.org'],
    [
      'the one address, where there is no principal name',
      { principalNames: [], addresses: ['k@example.org'] },
      'k@example.org',
    ],
    ['a name beyond ASCII', { principalNames: ['jörg@example.org'] }, 'jörg@example.org'],
    ['that of a certificate for every purpose', { purposes: [] }, 'kim@example.org'],
    ['that of a certificate for any purpose', { purposes: ['2.5.29.37.0'] }, 'kim@example.org'],
  ] as [string, UserWish, string][])('is %s', (_, wish, user) => {
    expect(read(wish).user).toBe(user);
  });

  test('is believed when any of the trusted issuers signed', () => {
    expect(read({}, [new UserAuthority('Other').pem, authority.pem]).user).toBe('kim@example.org');
  });
});

describe('refused is a certificate', () => {
  test.each([
    ['that has ended', { notAfter: days(-0.1) }, 'out of date'],
    ['that is not good yet', { notBefore: days(0.1) }, 'out of date'],
    ['of a CA', { ca: true }, 'that of a CA'],
    ['for another purpose', { purposes: [SMART_CARD_LOGON] }, 'not for client authentication'],
    ['that names nobody', { principalNames: [] }, 'exactly one user'],
    ['that names two users', { principalNames: ['kim@example.org', 'sam@example.org'] }, 'exactly one user'],
    [
      'that names two addresses',
      { principalNames: [], addresses: ['a@example.org', 'b@example.org'] },
      'exactly one user',
    ],
    ['whose user has no domain', { principalNames: ['kim'] }, 'user@domain'],
    ['whose user has a line end', { principalNames: ['kim\n@example.org'] }, 'user@domain'],
    ['with a short key', { keys: generateKeyPairSync('rsa', { modulusLength: 1024 }) }, '2048 bits'],
    ['with a key that is not RSA', { keys: generateKeyPairSync('ec', { namedCurve: 'P-256' }) }, 'not RSA'],
  ] as [string, UserWish, string][])('%s', (_, wish, message) => {
    expect(() => read(wish)).toThrow(UserCertificateError);
    expect(() => read(wish)).toThrow(message);
  });

  test('of an issuer that is not trusted, also under the same name', () => {
    expect(() => read({}, [])).toThrow('no issuer');
    expect(() => read({}, [new UserAuthority('Contoso Users').pem])).toThrow('no issuer');
  });

  test('of an issuer that is out of date', () => {
    const ended = new UserAuthority('Ended', { notAfter: days(-1) });
    expect(() => readUserCertificate(ended.issue({ keys }).certificate, [ended.pem], now)).toThrow(
      'issuer is out of date',
    );
  });

  test('that is none', () => {
    const { certificate } = authority.issue({ keys });
    const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----`;
    for (const der of [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.from(pem),
      Buffer.concat([certificate, Buffer.of(0)]),
      Buffer.alloc(20_000),
    ]) {
      expect(() => readUserCertificate(der, [authority.pem], now)).toThrow(UserCertificateError);
    }
  });
});
