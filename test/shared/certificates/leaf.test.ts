import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CertificateAuthorityError } from '../../../shared/certificates/certificate-authority-error.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import * as der from './der.ts';
import { memoryAuthority, newRsaKey, publicKeyOf } from './memory-authority.ts';

const made = new Date('2026-11-21T10:00:00Z');
const ca = await memoryAuthority(made);
const issuer = new X509Certificate(ca.issuingCertificate);
const deviceKey = newRsaKey();
const subjectPublicKeyInfo = publicKeyOf(deviceKey);
const enrollmentId = '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11';
const issue = (now: Date, id = enrollmentId) => issueLeaf({ ca, enrollmentId: id, subjectPublicKeyInfo, now });

/** An extension as it must stand in the certificate, byte for byte; a criticality of false is left out in DER. */
const extension = (id: string, critical: boolean, value: Buffer) =>
  der.sequence(der.objectIdentifier(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
const clientAuthentication = der.sequence(der.objectIdentifier('1.3.6.1.5.5.7.3.2'));

describe("a device's certificate", async () => {
  const leaf = await issue(new Date('2026-11-21T12:00:00.789Z'));
  const certificate = new X509Certificate(leaf.der);

  test('is signed by the issuing CA, which the root signed', () => {
    const root = new X509Certificate(ca.rootCertificate);
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
    expect(issuer.checkIssued(root) && issuer.verify(root.publicKey)).toBe(true);
    expect(certificate.verify(root.publicKey)).toBe(false);
  });

  test('is for the key of the request and says nothing of the device but the enrollment id', () => {
    expect(certificate.checkPrivateKey(deviceKey)).toBe(true);
    expect(certificate.subject).toBe(`CN=${enrollmentId}`);
    expect(certificate.issuer).toBe(issuer.subject);
    expect(certificate.subjectAltName).toBeUndefined();
  });

  test('begins ten minutes ago and ends in a year, in whole seconds', () => {
    expect([leaf.notBefore, leaf.notAfter]).toEqual([
      new Date('2026-11-21T11:50:00Z'),
      new Date('2027-11-21T12:00:00Z'),
    ]);
    expect(new Date(certificate.validFrom)).toEqual(leaf.notBefore);
    expect(new Date(certificate.validTo)).toEqual(leaf.notAfter);
  });

  test.each([
    ['is not a CA', extension('2.5.29.19', true, der.sequence())],
    ['signs and unwraps keys, and nothing else', extension('2.5.29.15', true, der.bitString(Buffer.of(0xa0), 5))],
    ['is for client authentication only', extension('2.5.29.37', false, clientAuthentication)],
  ])('%s', (_, expected) => {
    expect(leaf.der.includes(expected)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  test("names its own key and its issuer's by their identifiers", () => {
    // RFC 5280 section 4.2.1.2 (1): the content of the BIT STRING is the key as PKCS#1 has it
    const identifier = (key: KeyObject) =>
      createHash('sha1')
        .update(createPublicKey(key).export({ type: 'pkcs1', format: 'der' }))
        .digest();
    const own = der.octetString(identifier(deviceKey));
    const authority = der.sequence(der.tlv(0x80, identifier(ca.issuingKey)));
    expect(leaf.der.includes(extension('2.5.29.14', false, own))).toBe(true);
    expect(leaf.der.includes(extension('2.5.29.35', false, authority))).toBe(true);
  });

  test('is known by the thumbprints that Windows and node:crypto compute', () => {
    expect(leaf.sha1).toBe(certificate.fingerprint.replaceAll(':', ''));
    expect(leaf.thumbprint).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(leaf.serialNumber).toBe(certificate.serialNumber);
  });
});

describe('issuing', () => {
  test('gives every certificate a positive serial number of 128 bits that nobody can guess', async () => {
    const leaves = await Promise.all(Array.from({ length: 40 }, () => issue(made)));
    const serials = leaves.map((leaf) => leaf.serialNumber);
    expect(new Set(serials).size).toBe(40);
    for (const serial of serials) expect(serial).toMatch(/^(?!00)[0-9A-F]{32}$/); // a negative one prints with a minus sign
    const firstBits = new Set(serials.map((serial) => Number.parseInt(serial[0]!, 16) >> 3));
    expect(firstBits).toEqual(new Set([0, 1]));
  });

  test.each([
    ['a year before the end of the CA', '2030-11-21T10:00:00Z', '2031-11-21T10:00:00Z'],
    ['in the last year of the CA', '2031-06-01T00:00:00Z', '2031-11-21T10:00:00Z'],
    ['in the last second of the CA', '2031-11-21T09:59:59Z', '2031-11-21T10:00:00Z'],
  ])('%s, the certificate ends with the CA at the latest', async (_, now, end) => {
    const leaf = await issue(new Date(now));
    expect(new Date(new X509Certificate(leaf.der).validTo)).toEqual(new Date(end));
    expect(leaf.notAfter).toEqual(new Date(end));
  });

  test.each(['2031-11-21T10:00:00Z', '2040-01-01T00:00:00Z', '2026-11-20T09:59:59Z'])(
    'is refused at %s, when the CA itself is out of date',
    async (now) => {
      await expect(issue(new Date(now))).rejects.toThrow(CertificateAuthorityError);
    },
  );

  test('writes years from 2050 on so that they are not read as 1950', async () => {
    const late = await memoryAuthority(new Date('2049-06-01T00:00:00Z'), ca.rootKey, ca.issuingKey);
    const now = new Date('2049-12-31T23:00:00Z');
    const leaf = await issueLeaf({ ca: late, enrollmentId, subjectPublicKeyInfo, now });
    const certificate = new X509Certificate(leaf.der);
    expect(new Date(certificate.validTo).toISOString()).toBe('2050-12-31T23:00:00.000Z');
    expect(new Date(new X509Certificate(late.rootCertificate).validTo).toISOString()).toBe('2059-06-01T00:00:00.000Z');
  });

  test.each([
    '',
    'PC-7',
    enrollmentId.toUpperCase(),
    `{${enrollmentId}}`,
    `${enrollmentId}\n`,
    `${enrollmentId},O=Other`,
  ])('is refused for %j, which is no enrollment id', async (id) => {
    await expect(issue(made, id)).rejects.toThrow(TypeError);
  });

  test('is refused where the CA signs with a key that is not the one in its certificate', async () => {
    const other = { ...ca, sign: (await memoryAuthority(made, ca.rootKey, deviceKey)).sign };
    await expect(issueLeaf({ ca: other, enrollmentId, subjectPublicKeyInfo, now: made })).rejects.toThrow(
      'not signed with the key of its issuer',
    );
  });
});
