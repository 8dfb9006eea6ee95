import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CertificateAuthority,
  CertificateAuthorityError,
  keyFolderOf,
} from '../../../shared/certificates/certificate-authority.ts';
import { openKeyFolder } from '../../../shared/certificates/file-keys.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { now, setClock } from '../../../shared/platform/clock.ts';
import * as der from './der.ts';
import { newRsaKey, publicKeyOf } from './memory-authority.ts';

const ROOT_KEY = 'device-root.key.pem';
const ISSUING_KEY = 'issuing-ca.key.pem';
const ROOT = 'device-root.pem';
const ISSUING = 'issuing-ca.pem';

const place = mkdtempSync(join(tmpdir(), 'lanyard-ca-'));
const made = join(place, 'deep', 'made');
let authorities: CertificateAuthority[];
const deviceKey = newRsaKey();

beforeAll(async () => {
  setClock(() => new Date('2026-11-21T10:00:00Z'));
  authorities = await Promise.all([openKeyFolder(made, now()), openKeyFolder(made, now())]);
});
afterAll(() => {
  setClock(undefined);
  rmSync(place, { recursive: true });
});

let folders = 0;
/** A copy of the finished CA to do harm to. */
function copy(): string {
  const folder = join(place, `copy-${++folders}`);
  cpSync(made, folder, { recursive: true });
  return folder;
}
const filesIn = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
const modeOf = (...path: string[]) => (statSync(join(...path)).mode & 0o777).toString(8);
const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('a new certificate authority', () => {
  test('is one and the same for two that open it at once', () => {
    const [first, second] = authorities;
    expect(first!.rootCertificate).toEqual(second!.rootCertificate);
    expect(first!.issuingCertificate).toEqual(second!.issuingCertificate);
  });

  test('either of the two signs for the issuing CA', async () => {
    for (const ca of authorities) {
      const v = { enrollmentId: '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11', subjectPublicKeyInfo: publicKeyOf(deviceKey) };
      const leaf = await issueLeaf({ ca, ...v, now: new Date('2026-11-21T10:00:00Z') });
      expect(new X509Certificate(leaf.der).verify(new X509Certificate(ca.issuingCertificate).publicKey)).toBe(true);
    }
  });

  test('is four PEM files, the keys for the owner alone', () => {
    expect(readdirSync(made).sort()).toEqual([ROOT_KEY, ROOT, ISSUING_KEY, ISSUING].sort());
    expect(readFileSync(join(made, ROOT_KEY), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(new X509Certificate(readFileSync(join(made, ISSUING))).raw).toEqual(authorities[0]!.issuingCertificate);
    if (process.platform === 'win32') return;
    expect([modeOf(made), modeOf(made, ROOT_KEY), modeOf(made, ISSUING_KEY)]).toEqual(['700', '600', '600']);
  });

  test('is opened again as it is', async () => {
    const before = filesIn(made);
    const again = await openKeyFolder(made, now());
    expect(again.rootCertificate).toEqual(authorities[0]!.rootCertificate);
    expect(filesIn(made)).toEqual(before);
  });
});

describe('the certificates of the authority', () => {
  const extension = (id: string, critical: boolean, value: Buffer) =>
    der.sequence(der.objectIdentifier(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
  const constraints = (pathLength: number) =>
    extension('2.5.29.19', true, der.sequence(der.boolean(true), der.integer(pathLength)));
  const keyUsage = extension('2.5.29.15', true, der.bitString(Buffer.of(0x06), 1)); // keyCertSign and cRLSign
  const purpose = extension('2.5.29.37', false, der.sequence(der.objectIdentifier('1.3.6.1.5.5.7.3.2')));

  test.each([
    ['root', 'rootCertificate', 1, '2036-11-21T10:00:00.000Z'],
    ['issuing CA', 'issuingCertificate', 0, '2031-11-21T10:00:00.000Z'],
  ] as const)('%s: RSA 3072, for CAs and client authentication alone', (_, which, pathLength, end) => {
    const certificate = new X509Certificate(authorities[0]![which]);
    expect(certificate.ca).toBe(true);
    for (const part of [constraints(pathLength), keyUsage, purpose]) expect(certificate.raw.includes(part)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 3072, publicExponent: 65537n });
    expect(new Date(certificate.validFrom).toISOString()).toBe('2026-11-20T10:00:00.000Z');
    expect(new Date(certificate.validTo).toISOString()).toBe(end);
    expect(certificate.serialNumber).toMatch(/^[0-9A-F]{32}$/);
  });

  test('the root signed both of them, and their subjects differ', () => {
    const root = new X509Certificate(authorities[0]!.rootCertificate);
    const issuing = new X509Certificate(authorities[0]!.issuingCertificate);
    expect(root.checkIssued(root) && root.verify(root.publicKey)).toBe(true);
    expect(issuing.checkIssued(root) && issuing.verify(root.publicKey)).toBe(true);
    expect(issuing.subject).toMatch(/^CN=Lanyard Device Issuing CA [0-9A-F]{8}$/);
    expect(root.subject).toMatch(/^CN=Lanyard Device Root [0-9A-F]{8}$/);
  });

  test('an issuing CA that is made late ends with the root', async () => {
    const folder = copy();
    rmSync(join(folder, ISSUING));
    setClock(() => new Date('2033-01-01T00:00:00Z'));
    const { issuingCertificate } = await openKeyFolder(folder, now()).finally(() =>
      setClock(() => new Date('2026-11-21T10:00:00Z')),
    );
    expect(new Date(new X509Certificate(issuingCertificate).validTo).toISOString()).toBe('2036-11-21T10:00:00.000Z');
  });
});

describe('a certificate authority that lost something', () => {
  test.each([
    [[ROOT_KEY], ROOT_KEY],
    [[ISSUING_KEY], ISSUING_KEY],
    [[ROOT], ROOT],
    [[ISSUING_KEY, ISSUING], ISSUING_KEY],
    [[ROOT_KEY, ROOT], ROOT],
    [[ROOT_KEY, ISSUING_KEY], ISSUING_KEY],
    [[ROOT_KEY, ISSUING_KEY, ISSUING], ISSUING_KEY],
    [[ROOT_KEY, ISSUING_KEY, ROOT], ROOT],
  ])('%j: says what is missing and what to do, and makes nothing', async (lost, named) => {
    const folder = copy();
    for (const name of lost) rmSync(join(folder, name));
    const before = filesIn(folder);
    const opened = openKeyFolder(folder, now());
    await expect(opened).rejects.toThrow(CertificateAuthorityError);
    await expect(opened).rejects.toThrow(`${join(folder, named)} is missing`);
    await expect(opened).rejects.toThrow('Restore the folder from a backup');
    expect(filesIn(folder)).toEqual(before);
  });

  test('the issuing certificate alone: signs it anew for the same key, and old device certificates stay good', async () => {
    const folder = copy();
    rmSync(join(folder, ISSUING));
    const v = { enrollmentId: '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11', subjectPublicKeyInfo: publicKeyOf(deviceKey) };
    const old = await issueLeaf({ ca: authorities[0]!, ...v, now: new Date('2026-11-21T10:00:00Z') });
    const issuing = new X509Certificate((await openKeyFolder(folder, now())).issuingCertificate);
    const certificate = new X509Certificate(old.der);
    expect(certificate.checkIssued(issuing) && certificate.verify(issuing.publicKey)).toBe(true);
  });
});

describe('a certificate authority with a file that is not its own', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const stranger = pkcs8(deviceKey);
  const encrypted = deviceKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const otherSignature = (pem: string) => {
    const bytes = new X509Certificate(pem).raw;
    bytes[bytes.length - 1]! ^= 1;
    return new X509Certificate(bytes).toString();
  };
  const read = (name: string) => readFileSync(join(made, name), 'utf8');

  test.each<[string, string, () => string, string]>([
    [ROOT_KEY, 'is empty', () => '', 'cannot be read as an unencrypted private key'],
    [ISSUING_KEY, 'is cut', () => read(ISSUING_KEY).slice(0, 900), 'cannot be read as an unencrypted private key'],
    [ISSUING_KEY, 'is encrypted', () => encrypted, 'cannot be read as an unencrypted private key'],
    [ISSUING_KEY, 'holds an EC key', () => pkcs8(ec), 'does not hold an RSA key'],
    [ROOT, 'is empty', () => '', 'cannot be read as a certificate'],
    [ISSUING, 'is text', () => 'hello', 'cannot be read as a certificate'],
    [ROOT, 'is the issuing certificate', () => read(ISSUING), `does not belong to ${ROOT_KEY}`],
    [ROOT, 'has another signature', () => otherSignature(read(ROOT)), 'is not signed by itself'],
    [ISSUING, 'has another signature', () => otherSignature(read(ISSUING)), `is not signed by ${ROOT}`],
    [ISSUING, 'is the root certificate', () => read(ROOT), `does not belong to ${ISSUING_KEY}`],
  ])('%s %s: names it, says what to do and changes nothing', async (name, _, content, message) => {
    const folder = copy();
    writeFileSync(join(folder, name), content());
    const before = filesIn(folder);
    const opened = openKeyFolder(folder, now());
    await expect(opened).rejects.toThrow(CertificateAuthorityError);
    await expect(opened).rejects.toThrow(`${join(folder, name)} ${message}`);
    await expect(opened).rejects.toThrow('Restore the folder from a backup');
    expect(filesIn(folder)).toEqual(before);
  });

  test.each([
    [ROOT_KEY, ROOT],
    [ISSUING_KEY, ISSUING],
  ])('%s of somebody else: refuses the certificate beside it', async (key, certificate) => {
    const folder = copy();
    writeFileSync(join(folder, key), stranger);
    await expect(openKeyFolder(folder, now())).rejects.toThrow(
      `${join(folder, certificate)} does not belong to ${key}`,
    );
  });

  test('an issuing CA of another root is refused', async () => {
    const [folder, other] = [copy(), copy()];
    writeFileSync(join(other, ROOT_KEY), stranger);
    for (const name of [ROOT, ISSUING]) rmSync(join(other, name));
    await openKeyFolder(other, now()); // the same issuing key below another root
    cpSync(join(other, ISSUING), join(folder, ISSUING));
    await expect(openKeyFolder(folder, now())).rejects.toThrow(`${ISSUING} is not signed by ${ROOT}`);
  });
});

describe('opening a certificate authority', () => {
  test.runIf(process.platform !== 'win32')('takes the keys away from others who can read them', async () => {
    const folder = copy();
    chmodSync(folder, 0o755);
    chmodSync(join(folder, ROOT_KEY), 0o644);
    chmodSync(join(folder, ISSUING_KEY), 0o660);
    await openKeyFolder(folder, now());
    expect([modeOf(folder), modeOf(folder, ROOT_KEY), modeOf(folder, ISSUING_KEY)]).toEqual(['700', '600', '600']);
  });

  test.each(['', 'files:', 'files:  ', '/var/lib/lanyard', 'http://contoso.vault.azure.net'])(
    'refuses the setting %j',
    (setting) => {
      expect(() => keyFolderOf(setting)).toThrow(`'${setting}' is neither files:<folder> nor the https address`);
    },
  );

  test('says so when the folder is a file', async () => {
    const file = join(copy(), ROOT);
    await expect(openKeyFolder(file, now())).rejects.toThrow(CertificateAuthorityError);
    await expect(openKeyFolder(file, now())).rejects.toThrow(file);
  });
});
