import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { signedData as signedByDevice } from '../../../local/device/cms.ts';
import { CmsError, MAX_SIGNED_DATA, readSignedData } from '../../../shared/certificates/cms.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { memoryAuthority, newRsaKey, publicKeyOf } from './memory-authority.ts';
import { type SignedDataParts, signedData } from './signed-data.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const CONTENT = Buffer.from('what is signed, byte by byte \u0000\u0001', 'latin1');

let parts: SignedDataParts;
let other: { key: SignedDataParts['key']; certificate: Buffer };

beforeAll(async () => {
  const ca = await memoryAuthority(NOW);
  const make = async (n: number) => {
    const key = newRsaKey(1024);
    const enrollmentId = `6f7a3c1e-0d2b-4a59-8c64-2f1f5a9b7d3${n}`;
    const leaf = await issueLeaf({ ca, enrollmentId, subjectPublicKeyInfo: publicKeyOf(key), now: NOW });
    return { key, certificate: leaf.der };
  };
  parts = { content: CONTENT, ...(await make(0)) };
  other = await make(1);
});

const read = (ber: Buffer) => readSignedData(ber, () => {});

/** The reason for which a message is refused, `none` when it is read. */
function reasonOf(ber: Buffer): string {
  try {
    read(ber);
    return 'none';
  } catch (error) {
    if (!(error instanceof CmsError)) throw error;
    expect(error.message).toMatch(/\w+ \w+/);
    return error.reason;
  }
}

describe('a signed message is read', () => {
  test.each<[string, Partial<SignedDataParts>]>([
    ['with signed attributes', {}],
    ['without signed attributes', { attributes: false }],
    ['with SHA-1', { digest: 'sha1' }],
    ['with SHA-1 and no attributes', { digest: 'sha1', attributes: false }],
    ['with SHA-384', { digest: 'sha384' }],
    ['with SHA-512', { digest: 'sha512' }],
    ['whose signature algorithm names the digest', { signatureAlgorithm: '1.2.840.113549.1.1.11' }],
    ['whose signature algorithm is that of the OIW', { digest: 'sha1', signatureAlgorithm: '1.3.14.3.2.29' }],
    ['whose signer is named by his key', { namedBy: 'keyIdentifier' }],
    ['with indefinite lengths and its content in pieces', { stream: true }],
    ['with indefinite lengths and no attributes', { stream: true, attributes: false }],
  ])('%s', (_, change) => {
    const { content, signer } = read(signedData({ ...parts, ...change }));
    expect(content).toEqual(CONTENT);
    expect(signer.raw).toEqual(parts.certificate);
  });

  test('whose signer stands among other certificates', () => {
    const { signer } = read(signedData({ ...parts, certificates: [other.certificate, parts.certificate] }));
    expect(signer.raw).toEqual(parts.certificate);
  });

  test('as the simulated device writes it', () => {
    const certificate = new X509Certificate(parts.certificate);
    expect(read(signedByDevice(CONTENT, { key: parts.key, certificate })).content).toEqual(CONTENT);
  });
});

describe('a signed message is refused', () => {
  test.each<[string, Partial<SignedDataParts>, string]>([
    ['that does not hold its content', { detached: true }, 'detached'],
    ['of two signers', { signers: 2 }, 'notOneSigner'],
    ['of nobody', { signers: 0 }, 'notOneSigner'],
    ['without its certificate', { certificates: [] }, 'noCertificate'],
    ['whose attributes have another digest', { signedDigest: Buffer.alloc(32) }, 'badAttributes'],
    ['whose attributes have a digest of another length', { signedDigest: Buffer.alloc(20) }, 'badAttributes'],
    ['whose attributes name another type', { signedType: '1.2.840.113549.1.7.2' }, 'badAttributes'],
    ['of another type without attributes', { attributes: false, contentType: '1.3.6.1.4.1.311.10.1' }, 'badAttributes'],
    [
      'whose two algorithms do not fit',
      { digest: 'sha1', signatureAlgorithm: '1.2.840.113549.1.1.11' },
      'unsupportedAlgorithm',
    ],
    ['signed by RSASSA-PSS', { signatureAlgorithm: '1.2.840.113549.1.1.10' }, 'unsupportedAlgorithm'],
  ])('%s', (_, change, reason) => {
    expect(reasonOf(signedData({ ...parts, ...change }))).toBe(reason);
  });

  test('signed with another key than that of the certificate that it names', () => {
    expect(reasonOf(signedData({ ...parts, key: other.key }))).toBe('badSignature');
    expect(reasonOf(signedData({ ...parts, key: other.key, attributes: false }))).toBe('badSignature');
    expect(reasonOf(signedData({ ...parts, certificate: other.certificate }))).toBe('badSignature');
  });

  test('that names a signer who is not among its certificates', () => {
    expect(reasonOf(signedData({ ...parts, certificates: [other.certificate] }))).toBe('noCertificate');
  });

  test.each([true, false])('whose content was changed (with attributes: %s)', (attributes) => {
    const ber = signedData({ ...parts, attributes });
    ber[ber.indexOf(CONTENT) + 3]! ^= 1;
    expect(reasonOf(ber)).toBe(attributes ? 'badAttributes' : 'badSignature');
  });

  test('with more certificates than any chain has', () => {
    const certificates = Array.from({ length: 11 }, () => parts.certificate);
    expect(reasonOf(signedData({ ...parts, certificates }))).toBe('notSignedData');
  });

  test.each<[string, (ber: Buffer) => Buffer, string]>([
    ['with bytes behind it', (ber) => Buffer.concat([ber, Buffer.of(0)]), 'trailingBytes'],
    ['cut short', (ber) => ber.subarray(0, -1), 'notSignedData'],
    ['that is empty', () => Buffer.alloc(0), 'notSignedData'],
    ['that is larger than any', () => Buffer.alloc(MAX_SIGNED_DATA + 1, 0x30), 'tooLarge'],
    ['of nothing but levels', () => Buffer.from('3080'.repeat(MAX_SIGNED_DATA / 2), 'hex'), 'notSignedData'],
    ['that is a certificate', () => parts.certificate, 'notSignedData'],
    ['that is text', () => Buffer.from('MIIB'), 'notSignedData'],
  ])('%s', (_, change, reason) => {
    expect(reasonOf(change(signedData(parts)))).toBe(reason);
  });

  test('of a signer who is not trusted, before his key is used', () => {
    const asked: string[] = [];
    const trust = (signer: X509Certificate) => {
      asked.push(signer.subject);
      throw new RangeError('not trusted');
    };
    const ber = signedData({ ...parts, key: other.key });
    expect(() => readSignedData(ber, trust)).toThrow(RangeError);
    expect(asked).toHaveLength(1);
  });
});

test('a signed message with a changed byte says the same or nothing', () => {
  const ber = signedData(parts);
  for (let at = 0; at < ber.length; at += 3) {
    const changed = Buffer.from(ber);
    changed[at]! ^= 1 << (at % 8);
    try {
      const { content, signer } = read(changed);
      expect(content).toEqual(CONTENT);
      expect(signer.publicKey.equals(new X509Certificate(parts.certificate).publicKey)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(CmsError);
    }
  }
}, 20_000);
