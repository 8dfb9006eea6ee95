import { createPublicKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCertificates } from '../../../shared/certificates/certificate-chain.ts';
import { checkOwnRootChain, OwnRootError } from '../../../shared/certificates/own-root.ts';
import * as der from './der.ts';
import { newRsaKey, publicKeyOf } from './memory-authority.ts';
import {
  CLIENT_AUTHENTICATION,
  newEcKey,
  OrganisationRoot,
  type Profile,
  SERVER_AUTHENTICATION,
} from './organisation-root.ts';

const at = new Date('2026-11-21T10:00:00Z');
const organisation = new OrganisationRoot(at);
const key = newRsaKey();
const publicKey = createPublicKey(key);
const read = (...ders: Buffer[]) => ders.map((bytes) => new X509Certificate(bytes));
const root = organisation.root();
const issuing = organisation.issuing(publicKeyOf(key));
const pem = (bytes: Buffer) => new X509Certificate(bytes).toString();
const other = newEcKey();

describe("certificates of the organisation's own root", () => {
  test('are taken in any order', () => {
    for (const chain of [read(issuing, root), read(root, issuing)]) {
      const checked = checkOwnRootChain(chain, publicKey, at);
      expect(checked.issuing.raw).toEqual(issuing);
      expect(checked.root.raw).toEqual(root);
    }
  });

  test.each<[string, Partial<Profile>, Partial<Profile>]>([
    ['without path lengths', { pathLength: undefined }, { pathLength: undefined }],
    ['with a root that allows one CA below it', {}, { pathLength: 1 }],
    ['without key usages and purposes', { keyUsage: undefined, purposes: undefined }, { keyUsage: undefined }],
    ['for any purpose', { purposes: ['2.5.29.37.0'] }, { purposes: ['2.5.29.37.0'] }],
    ['for more purposes than ours', { purposes: [SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION] }, {}],
  ])('are taken %s', (_, ofIssuing, ofRoot) => {
    const chain = read(organisation.issuing(publicKeyOf(key), ofIssuing), organisation.root(ofRoot));
    expect(checkOwnRootChain(chain, publicKey, at).issuing.raw).toEqual(chain[0]!.raw);
  });

  const day = (n: number) => new Date(at.getTime() + n * 86_400_000);
  test.each<[string, Partial<Profile>, Partial<Profile>, string]>([
    ['the key is another', { publicKey: publicKeyOf(other) }, {}, 'None of the certificates is for the key'],
    ['another key signed', { signingKey: other }, {}, 'is not signed by CN=Example Root'],
    ['it names another issuer', { issuer: 'Somebody' }, {}, 'is not signed by CN=Example Root'],
    ['it is not a CA', { ca: false }, {}, 'The issuing certificate is not that of a CA'],
    ['the root is not a CA', {}, { ca: false }, 'The root is not that of a CA'],
    ['the root allows no CA below it', {}, { pathLength: 0 }, 'The root has path length 0'],
    ['it may not sign certificates', { keyUsage: { bits: 0x80, unused: 7 } }, {}, 'lacks keyCertSign'],
    ['the root may not sign certificates', {}, { keyUsage: { bits: 0x02, unused: 1 } }, 'The root may not sign'],
    ['it is for servers alone', { purposes: [SERVER_AUTHENTICATION] }, {}, 'excludes client authentication'],
    ['the root is for servers alone', {}, { purposes: [SERVER_AUTHENTICATION] }, 'The root excludes client'],
    ['it is not good yet', { notBefore: day(1) }, {}, 'The issuing certificate is not in date'],
    ['it has ended', { notAfter: day(-1) }, {}, 'The issuing certificate is not in date'],
    ['the root has ended', { notAfter: day(-2) }, { notAfter: day(-1) }, 'The root is not in date'],
    ['it outlives its root', {}, { notAfter: day(400) }, 'its root only until'],
  ])('are refused when %s', (_, ofIssuing, ofRoot, reason) => {
    const chain = read(organisation.issuing(publicKeyOf(key), ofIssuing), organisation.root(ofRoot));
    expect(() => checkOwnRootChain(chain, publicKey, at)).toThrow(OwnRootError);
    expect(() => checkOwnRootChain(chain, publicKey, at)).toThrow(reason);
  });

  test('are refused without the root', () => {
    expect(() => checkOwnRootChain(read(issuing), publicKey, at)).toThrow('The root is missing');
  });

  test('are refused when a CA stands between, whether its root is sent along or not', () => {
    const between = { subject: 'Example Policy CA', publicKey: publicKeyOf(other) };
    const policyCa = organisation.issuing(publicKeyOf(other), between);
    const below = organisation.issuing(publicKeyOf(key), { issuer: 'Example Policy CA', signingKey: other });
    expect(() => checkOwnRootChain(read(below, policyCa, root), publicKey, at)).toThrow('The chain has 3 certificates');
    expect(() => checkOwnRootChain(read(below, policyCa), publicKey, at)).toThrow(
      'CN=Example Policy CA is not a root: it is signed by CN=Example Root',
    );
  });
});

describe('what a CA hands out', () => {
  const pkcs7 = der.sequence(
    der.objectIdentifier('1.2.840.113549.1.7.2'),
    der.tlv(
      0xa0,
      der.sequence(
        der.integer(1),
        der.set(),
        der.sequence(der.objectIdentifier('1.2.840.113549.1.7.1')),
        der.tlv(0xa0, issuing, root),
        der.set(),
      ),
    ),
  );
  const block = (label: string, bytes: Buffer) =>
    Buffer.from(`-----BEGIN ${label}-----\n${bytes.toString('base64')}\n-----END ${label}-----\n`);

  test.each<[string, Buffer]>([
    ['PEM blocks', Buffer.from(pem(issuing) + pem(root))],
    ['PEM blocks with text between them', Buffer.from(`subject=x\n${pem(issuing)}\r\nissuer=y\n${pem(root)}`)],
    ['PEM of a Windows editor', Buffer.from((pem(issuing) + pem(root)).replaceAll('\n', '\r\n'))],
    ['one DER after the other', Buffer.concat([issuing, root])],
    ['PKCS #7', pkcs7],
    ['PKCS #7 in PEM', block('PKCS7', pkcs7)],
    ['one certificate twice', Buffer.concat([issuing, root, issuing])],
  ])('is read as %s', (_, bytes) => {
    expect(readCertificates(bytes).map(({ raw }) => raw)).toEqual([issuing, root]);
  });

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'There is no certificate'],
    ['text', Buffer.from('hello'), 'cannot be read as PEM, DER'],
    ['a type that the reader chokes on', Buffer.from([30, 1, 0]), 'cannot be read as PEM, DER'],
    ['a cut certificate', issuing.subarray(0, -1), 'cannot be read as PEM, DER'],
    ['a signing request', block('CERTIFICATE REQUEST', issuing), 'The PEM block CERTIFICATE REQUEST is not'],
    [
      'a private key',
      Buffer.from(pem(issuing) + key.export({ type: 'pkcs8', format: 'pem' })),
      'A private key was sent',
    ],
    [
      'PKCS #7 without certificates',
      der.sequence(der.objectIdentifier('1.2.840.113549.1.7.2')),
      'There is no certificate',
    ],
  ])('is refused as %s', (_, bytes, reason) => {
    expect(() => readCertificates(bytes)).toThrow(OwnRootError);
    expect(() => readCertificates(bytes)).toThrow(reason);
  });

  test('is refused cleanly, whatever bytes come', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(issuing.length), (bytes, cut) => {
      for (const input of [Buffer.from(bytes), Buffer.concat([issuing.subarray(0, cut), Buffer.from(bytes)])]) {
        try {
          readCertificates(input);
        } catch (error) {
          expect(error).toBeInstanceOf(OwnRootError);
        }
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});
