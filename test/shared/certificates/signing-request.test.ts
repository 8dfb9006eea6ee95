import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSigningRequest, SigningRequestError } from '../../../shared/certificates/signing-request.ts';
import * as der from './der.ts';
import { OIW_SHA1_WITH_RSA, WINDOWS_COMMON_NAME, windowsRequest } from './windows-request.ts';

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const key = rsa(2048);
const otherKey = rsa(2048);
const spki = (of: KeyObject) => createPublicKey(of).export({ type: 'spki', format: 'der' });

/** A public key that nobody can sign with; it must be refused before anyone tries. */
function madeUpRsaKey(
  modulus: Buffer,
  exponent: Buffer,
  algorithm = der.sequence(der.objectIdentifier('1.2.840.113549.1.1.1'), der.nothing()),
): Buffer {
  const numbers = der.sequence(der.tlv(2, Buffer.of(0), modulus), der.tlv(2, exponent));
  return der.sequence(algorithm, der.bitString(numbers));
}
const oddNumber = (bytes: number) => Buffer.alloc(bytes, 0xc5);

function refusal(request: Buffer): string {
  try {
    readSigningRequest(request);
  } catch (error) {
    if (error instanceof SigningRequestError) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('a certificate request from Windows', () => {
  test('is read although its subject and its extension are not what their types allow', () => {
    expect(WINDOWS_COMMON_NAME).toHaveLength(64);
    const read = readSigningRequest(windowsRequest({ key }));
    expect(read.subjectPublicKeyInfo).toEqual(spki(key));
    expect(read.publicKeyHash).toBe(createHash('sha256').update(spki(key)).digest('hex'));
  });

  test.each([
    ['SHA-1 by the OIW name', 'sha1', '1.3.14.3.2.29'],
    ['SHA-1', 'sha1', '1.2.840.113549.1.1.5'],
    ['SHA-256', 'sha256', '1.2.840.113549.1.1.11'],
    ['SHA-384', 'sha384', '1.2.840.113549.1.1.12'],
    ['SHA-512', 'sha512', '1.2.840.113549.1.1.13'],
  ])('may be signed with %s', (_, digest, algorithm) => {
    expect(readSigningRequest(windowsRequest({ key, digest, algorithm })).subjectPublicKeyInfo).toEqual(spki(key));
  });

  test.each([
    ['algorithm parameters are left out', { parameters: [] }],
    ['attributes are empty', { attributes: [der.tlv(0xa0)] }],
    ['attributes are left out', { attributes: [] }],
    ['the subject is empty', { subject: der.sequence() }],
  ])('is read when %s', (_, options) => {
    expect(readSigningRequest(windowsRequest({ key, ...options })).subjectPublicKeyInfo).toEqual(spki(key));
  });

  test('about the same key has the same hash, about another key another', () => {
    const again = windowsRequest({
      key,
      subject: der.sequence(),
      digest: 'sha256',
      algorithm: '1.2.840.113549.1.1.11',
    });
    const { publicKeyHash } = readSigningRequest(windowsRequest({ key }));
    expect(readSigningRequest(again).publicKeyHash).toBe(publicKeyHash);
    expect(readSigningRequest(windowsRequest({ key: otherKey })).publicKeyHash).not.toBe(publicKeyHash);
  });
});

describe('a certificate request is refused', () => {
  const good = windowsRequest({ key });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pss = madeUpRsaKey(
    oddNumber(256),
    Buffer.of(1, 0, 1),
    der.sequence(der.objectIdentifier('1.2.840.113549.1.1.10')),
  );
  const nested = Array.from({ length: 3000 }).reduce<Buffer>((inner) => der.sequence(inner), Buffer.alloc(0));

  test.each<[string, () => Buffer, string]>([
    ['that is empty', () => Buffer.alloc(0), 'notPkcs10'],
    ['that is text', () => Buffer.from('-----BEGIN NEW CERTIFICATE REQUEST-----'), 'notPkcs10'],
    ['that is base64 of a request', () => Buffer.from(good.toString('base64')), 'notPkcs10'],
    ['that is a bare public key', () => spki(key), 'notPkcs10'],
    ['that is an empty sequence', () => der.sequence(), 'notPkcs10'],
    ['nested 3,000 deep', () => nested, 'notPkcs10'],
    [
      'of 16 KiB and more',
      () => windowsRequest({ key, subject: der.sequence(der.octetString(Buffer.alloc(16384))) }),
      'tooLarge',
    ],
    ['cut in the signature', () => good.subarray(0, -1), 'notPkcs10'],
    ['cut in half', () => good.subarray(0, good.length / 2), 'notPkcs10'],
    ['with a byte after it', () => Buffer.concat([good, Buffer.of(0)]), 'trailingBytes'],
    ['with another request after it', () => Buffer.concat([good, good]), 'trailingBytes'],
    ['of version 2', () => windowsRequest({ key, version: der.integer(1) }), 'notPkcs10'],
    ['without a subject', () => windowsRequest({ key, subject: Buffer.alloc(0) }), 'notPkcs10'],
    [
      'with two sets of attributes',
      () => windowsRequest({ key, attributes: [der.tlv(0xa0), der.tlv(0xa0)] }),
      'notPkcs10',
    ],
    ['with something else for attributes', () => windowsRequest({ key, attributes: [der.set()] }), 'notPkcs10'],
    ['with a key that is none', () => windowsRequest({ key, publicKey: der.sequence(der.integer(1)) }), 'notPkcs10'],
    ['signed by another key', () => windowsRequest({ key, signingKey: otherKey }), 'badSignature'],
    ['signed with another digest than it says', () => windowsRequest({ key, digest: 'sha256' }), 'badSignature'],
    [
      'signed with MD5',
      () => windowsRequest({ key, digest: 'md5', algorithm: '1.2.840.113549.1.1.4' }),
      'unsupportedAlgorithm',
    ],
    ['with PSS padding', () => windowsRequest({ key, algorithm: '1.2.840.113549.1.1.10' }), 'unsupportedAlgorithm'],
    ['with odd parameters', () => windowsRequest({ key, parameters: [der.integer(1)] }), 'unsupportedAlgorithm'],
    [
      'for an EC key',
      () => windowsRequest({ key: ec, digest: 'sha256', algorithm: '1.2.840.10045.4.3.2' }),
      'unsupportedAlgorithm',
    ],
    ['for an EC key that claims RSA', () => windowsRequest({ key: ec }), 'notRsa'],
    ['for a key that is only for PSS', () => windowsRequest({ key, publicKey: pss }), 'notRsa'],
    ['for RSA 1024', () => windowsRequest({ key: rsa(1024) }), 'keySize'],
    [
      'for RSA 2040',
      () => windowsRequest({ key, publicKey: madeUpRsaKey(oddNumber(255), Buffer.of(1, 0, 1)) }),
      'keySize',
    ],
    [
      'for RSA 8200',
      () => windowsRequest({ key, publicKey: madeUpRsaKey(oddNumber(1025), Buffer.of(1, 0, 1)) }),
      'keySize',
    ],
    [
      'with exponent 1',
      () => windowsRequest({ key, publicKey: madeUpRsaKey(oddNumber(256), Buffer.of(1)) }),
      'keyExponent',
    ],
    [
      'with exponent 3',
      () => windowsRequest({ key, publicKey: madeUpRsaKey(oddNumber(256), Buffer.of(3)) }),
      'keyExponent',
    ],
    [
      'with an even exponent',
      () => windowsRequest({ key, publicKey: madeUpRsaKey(oddNumber(256), Buffer.of(1, 0, 2)) }),
      'keyExponent',
    ],
    [
      'with an exponent of 40 bits',
      () => windowsRequest({ key, publicKey: madeUpRsaKey(oddNumber(256), Buffer.of(1, 0, 0, 0, 1)) }),
      'keyExponent',
    ],
  ])('%s', (_, request, reason) => {
    expect(refusal(request())).toBe(reason);
  });

  test('whichever single byte of it is changed, to whatever', () => {
    const position = fc.integer({ min: 0, max: good.length - 1 });
    const property = fc.property(position, fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(good);
      changed[at] = changed[at]! ^ mask;
      expect(refusal(changed)).not.toBe('accepted');
    });
    const algorithmAt = good.indexOf(der.sequence(der.objectIdentifier(OIW_SHA1_WITH_RSA), der.nothing()));
    const primitiveSequences: [number, number][] = [0, algorithmAt].map((at) => [at, 0x20]);
    const unusedBits: [number, number] = [good.length - 257, 1]; // the octet before a signature of 2048 bits
    fc.assert(property, { numRuns: 1000, examples: [...primitiveSequences, unusedBits] });
  });

  test('with a SigningRequestError, whatever bytes come', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(bytes, (some) => {
        expect(refusal(Buffer.from(some))).not.toBe('accepted');
        expect(refusal(der.sequence(Buffer.from(some)))).not.toBe('accepted');
      }),
      { numRuns: 500 },
    );
  });
});
