import { type KeyObject, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkClientCertificate } from '../../../shared/certificates/client-certificate.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import * as der from './der.ts';
import { memoryAuthority, newRsaKey, publicKeyOf } from './memory-authority.ts';

const made = new Date('2026-11-21T10:00:00Z');
const now = new Date('2026-12-01T00:00:00Z');
const enrollmentId = '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11';
const ca = await memoryAuthority(made);
const other = await memoryAuthority(made, ca.rootKey);
const issuers = [new X509Certificate(ca.issuingCertificate)];
const deviceKey = newRsaKey();
const leaf = await issueLeaf({ ca, enrollmentId, subjectPublicKeyInfo: publicKeyOf(deviceKey), now });
const good = leaf.der.toString('base64');

interface Forgery {
  subject: Buffer;
  /** the subject of a certificate that signs, DER as in `issuing` */
  issuerName: Buffer;
  signingKey: KeyObject;
  notBefore: Date;
  notAfter: Date;
  extensions: Buffer[];
}
const clientAuthentication = '1.3.6.1.5.5.7.3.2';
const usage = (...ids: string[]) =>
  der.sequence(der.objectIdentifier('2.5.29.37'), der.octetString(der.sequence(...ids.map(der.objectIdentifier))));
const isCa = der.sequence(der.objectIdentifier('2.5.29.19'), der.octetString(der.sequence(der.boolean(true))));
const name = (commonName: string) => der.sequence(der.commonName(der.utf8String(commonName)));
const nameOf = (certificate: X509Certificate | undefined) => name(certificate!.subject.slice('CN='.length));

/** A certificate that differs from a good one only in what the test says, as the header brings it. */
function certificate(change: Partial<Forgery> = {}): string {
  const v: Forgery = {
    subject: name(enrollmentId),
    issuerName: nameOf(issuers[0]),
    signingKey: ca.issuingKey,
    notBefore: new Date('2026-11-30T00:00:00Z'),
    notAfter: new Date('2026-12-02T00:00:00Z'),
    extensions: [usage(clientAuthentication)],
    ...change,
  };
  const algorithm = der.sequence(der.objectIdentifier('1.2.840.113549.1.1.11'), der.nothing());
  const validity = der.sequence(der.time(v.notBefore), der.time(v.notAfter));
  const extensions = v.extensions.length ? [der.tlv(0xa3, der.sequence(...v.extensions))] : [];
  const version = der.tlv(0xa0, der.integer(2));
  const tbs = [
    version,
    der.integer(7),
    algorithm,
    v.issuerName,
    validity,
    v.subject,
    publicKeyOf(deviceKey),
    ...extensions,
  ];
  return der.signed(der.sequence(...tbs), v.signingKey).toString('base64');
}

const reason = (header: string | null, at = now, from = issuers) => {
  const result = checkClientCertificate(header, from, at);
  return result.ok ? 'accepted' : result.reason;
};

describe('the certificate of an enrolled device', () => {
  test('names its enrollment and its thumbprint', () => {
    expect(checkClientCertificate(good, issuers, now)).toEqual({ ok: true, enrollmentId, thumbprint: leaf.thumbprint });
    expect(reason(certificate())).toBe('accepted');
  });

  test('is good whichever of the issuing CAs signed it', () => {
    const [first] = issuers;
    const second = new X509Certificate(other.issuingCertificate);
    expect(reason(good, now, [second, first!])).toBe('accepted');
    expect(reason(good, now, [first!, second])).toBe('accepted');
  });

  test.each([
    ['a second before its beginning', new Date(leaf.notBefore.getTime() - 1000), 'out of date'],
    ['at its beginning', leaf.notBefore, 'accepted'],
    ['at its end', leaf.notAfter, 'accepted'],
    ['a second after its end', new Date(leaf.notAfter.getTime() + 1000), 'out of date'],
  ])('%s: %s', (_, at, expected) => {
    expect(reason(good, at)).toContain(expected);
  });
});

describe('a certificate is refused', () => {
  const [issuing] = issuers;
  const twoNames = der.sequence(
    der.commonName(der.utf8String(enrollmentId)),
    der.set(der.sequence(der.objectIdentifier('2.5.4.10'), der.utf8String('Other'))),
  );
  const attribute = der.sequence(der.objectIdentifier('2.5.4.3'), der.utf8String(enrollmentId));
  const otherAttribute = der.sequence(
    der.objectIdentifier('2.5.4.3'),
    der.utf8String('11111111-1111-1111-1111-111111111111'),
  );

  test.each<[string, string | null, string]>([
    ['where there is none', null, 'no client certificate'],
    ['where the header is empty', '', 'no client certificate'],
    ['beside another one', `${good},${good}`, 'one base64 value'],
    ['beside an empty one', `${good},`, 'one base64 value'],
    ['with a space in it', `${good.slice(0, 64)} ${good.slice(64)}`, 'one base64 value'],
    ['with lines', `${good.slice(0, 64)}\n${good.slice(64)}`, 'one base64 value'],
    ['with a line break after it', `${good}\n`, 'one base64 value'],
    ['in base64url', `${good.slice(0, -4)}_-_-`, 'one base64 value'],
    ['as PEM', new X509Certificate(leaf.der).toString(), 'one base64 value'],
    ['as PEM in base64', Buffer.from(new X509Certificate(leaf.der).toString()).toString('base64'), 'plain encoding'],
    ['with a padding too many', `${good}=`, 'plain encoding'],
    ['with a byte after it', Buffer.concat([leaf.der, Buffer.of(0)]).toString('base64'), 'plain encoding'],
    ['with its issuer after it', Buffer.concat([leaf.der, ca.issuingCertificate]).toString('base64'), 'plain encoding'],
    ['that is something else', Buffer.from('hello').toString('base64'), 'does not hold a certificate'],
    ['that is cut', leaf.der.subarray(0, -1).toString('base64'), 'does not hold a certificate'],
    ['that is longer than 8 KiB', 'A'.repeat(8193), 'longer than'],
    [
      'of another CA with the same root',
      certificate({ signingKey: other.issuingKey, issuerName: nameOf(new X509Certificate(other.issuingCertificate)) }),
      'not signed by',
    ],
    ['of another CA under the name of ours', certificate({ signingKey: other.issuingKey }), 'not signed by'],
    ['signed with our key under another name', certificate({ issuerName: name('Somebody else') }), 'not signed by'],
    ['signed with the key of the root', certificate({ signingKey: ca.rootKey }), 'not signed by'],
    ['signed by itself', certificate({ signingKey: deviceKey, issuerName: name(enrollmentId) }), 'not signed by'],
    ['that is our issuing CA', ca.issuingCertificate.toString('base64'), 'not signed by'],
    ['that is our root', ca.rootCertificate.toString('base64'), 'not signed by'],
    ['not good yet', certificate({ notBefore: new Date(now.getTime() + 1000) }), 'out of date'],
    ['not good any more', certificate({ notAfter: new Date(now.getTime() - 1000) }), 'out of date'],
    ['of a CA below ours', certificate({ extensions: [usage(clientAuthentication), isCa] }), 'that of a CA'],
    ['without a purpose', certificate({ extensions: [] }), 'not for client authentication'],
    ['for servers', certificate({ extensions: [usage('1.3.6.1.5.5.7.3.1')] }), 'not for client authentication'],
    [
      'for any purpose, which is not ours',
      certificate({ extensions: [usage('2.5.29.37.0')] }),
      'not for client authentication',
    ],
    ['without a subject', certificate({ subject: der.sequence() }), 'not exactly CN='],
    ['with another subject', certificate({ subject: name('PC-7') }), 'not exactly CN='],
    ['with an id in capitals', certificate({ subject: name(enrollmentId.toUpperCase()) }), 'not exactly CN='],
    ['with a line break in its subject', certificate({ subject: name(`${enrollmentId}\nO=x`) }), 'not exactly CN='],
    ['with more in its subject', certificate({ subject: twoNames }), 'not exactly CN='],
    [
      'with two ids in its subject',
      certificate({ subject: der.sequence(der.set(attribute, otherAttribute)) }),
      'not exactly CN=',
    ],
  ])('%s', (_, header, expected) => {
    expect(reason(header)).toContain(expected);
  });

  test('when its issuing CA has ended, even if the certificate itself were good for longer', () => {
    const header = certificate({ notAfter: new Date('2040-01-01T00:00:00Z') });
    expect(reason(header, new Date(issuing!.validTo))).toBe('accepted');
    expect(reason(header, new Date(Date.parse(issuing!.validTo) + 1000))).toBe('the issuing CA is out of date');
  });

  test('when no issuing CA is known', () => {
    expect(reason(good, now, [])).toContain('not signed by');
  });

  test('when the CA that signed it is not among those given', () => {
    expect(reason(good, now, [new X509Certificate(ca.rootCertificate)])).toContain('not signed by');
  });

  test('whichever single byte of it is changed', () => {
    const position = fc.integer({ min: 0, max: leaf.der.length - 1 });
    const property = fc.property(position, fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(leaf.der);
      changed[at] = changed[at]! ^ mask;
      expect(reason(changed.toString('base64'))).not.toBe('accepted');
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('without an exception, whatever the header holds', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some).toString('base64'));
    const property = fc.property(fc.oneof(fc.string(), bytes), (header) => {
      expect(reason(header)).not.toBe('accepted');
    });
    fc.assert(property, { numRuns: 500 });
  });
});
