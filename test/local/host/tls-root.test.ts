import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AsnConvert } from '@peculiar/asn1-schema';
import { BasicConstraints, Certificate, id_ce_basicConstraints } from '@peculiar/asn1-x509';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTlsRoot } from '../../../local/host/tls-root.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tls-root-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = (name: string): string => path.join(folder, name);

describe('the root', () => {
  test('is a certificate authority for TLS servers and nothing else', async () => {
    const root = new X509Certificate((await openTlsRoot(folder)).pem);
    expect(root.ca).toBe(true);
    expect(root.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(root.checkIssued(root)).toBe(true);
  });

  test('may have no certificate authority below it', async () => {
    const root = new X509Certificate((await openTlsRoot(folder)).pem);
    const { extensions = [] } = AsnConvert.parse(root.raw, Certificate).tbsCertificate;
    const constraints = extensions.find((extension) => extension.extnID === id_ce_basicConstraints);
    expect(constraints?.critical).toBe(true);
    const value = AsnConvert.parse(constraints?.extnValue.buffer ?? new ArrayBuffer(0), BasicConstraints);
    expect(value).toMatchObject({ cA: true, pathLenConstraint: 0 });
  });

  test('is kept: the same one comes back, and the certificate stands in tls-root.pem', async () => {
    const { pem } = await openTlsRoot(folder);
    expect((await openTlsRoot(folder)).pem).toBe(pem);
    expect(await readFile(file('tls-root.pem'), 'utf8')).toBe(pem);
  });

  test.skipIf(process.platform === 'win32')('has a key that only its owner may read', async () => {
    await openTlsRoot(folder);
    expect((await stat(file('tls-root.key'))).mode & 0o777).toBe(0o600);
  });

  test('is one root even when several start at once, and nothing else is left in the folder', async () => {
    const roots = await Promise.all(Array.from({ length: 8 }, () => openTlsRoot(folder)));
    expect(new Set(roots.map((root) => root.pem)).size).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(['tls-root.key', 'tls-root.pem']);
  });

  test('writes its certificate again when that file was deleted', async () => {
    const { pem } = await openTlsRoot(folder);
    await rm(file('tls-root.pem'));
    expect((await openTlsRoot(folder)).pem).toBe(pem);
    expect(await readFile(file('tls-root.pem'), 'utf8')).toBe(pem);
  });
});

describe('files that do not belong together are an error, and stay as they are', () => {
  test('a certificate without its key', async () => {
    const { pem } = await openTlsRoot(folder);
    await rm(file('tls-root.key'));
    await expect(openTlsRoot(folder)).rejects.toThrow('tls-root.key is missing, but');
    expect(await readFile(file('tls-root.pem'), 'utf8')).toBe(pem);
    expect(await readdir(folder)).toEqual(['tls-root.pem']);
  });

  test('a certificate of another root', async () => {
    await openTlsRoot(folder);
    const other = await mkdtemp(path.join(tmpdir(), 'tls-root-'));
    const { pem } = await openTlsRoot(other);
    await rm(other, { recursive: true });
    await writeFile(file('tls-root.pem'), pem);
    await expect(openTlsRoot(folder)).rejects.toThrow('is not the certificate in');
    expect(await readFile(file('tls-root.pem'), 'utf8')).toBe(pem);
  });

  test('a key file that holds something else', async () => {
    await writeFile(file('tls-root.key'), 'not a key');
    await expect(openTlsRoot(folder)).rejects.toThrow('does not hold a private key and its certificate');
    expect(await readFile(file('tls-root.key'), 'utf8')).toBe('not a key');
  });
});

describe('a server certificate', () => {
  test('is below the root, for the names and addresses that are asked for', async () => {
    const root = await openTlsRoot(folder);
    const { cert } = await root.serverCertificate([
      'localhost',
      '127.0.0.1',
      '::1',
      '*.example.com',
      'münchen.example',
    ]);
    const certificate = new X509Certificate(cert);
    const issuer = new X509Certificate(root.pem);
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
    for (const name of ['localhost', 'pc1.example.com', 'xn--mnchen-3ya.example']) {
      expect(certificate.checkHost(name)).toBeDefined();
    }
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBeDefined();
    expect(certificate.checkHost('example.org')).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  test('is good for at most 13 months', async () => {
    const { cert } = await (await openTlsRoot(folder)).serverCertificate(['localhost']);
    const { validFrom, validTo } = new X509Certificate(cert);
    const days = (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000;
    expect(days).toBeGreaterThan(365);
    expect(days).toBeLessThanOrEqual(397);
  });

  test('has a serial number and a key of its own', async () => {
    const root = await openTlsRoot(folder);
    const [a, b] = [await root.serverCertificate(['localhost']), await root.serverCertificate(['localhost'])];
    expect(new X509Certificate(a.cert).serialNumber).not.toBe(new X509Certificate(b.cert).serialNumber);
    expect(a.key).not.toBe(b.key);
  });

  test('takes a name longer than a common name may be', async () => {
    const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`;
    const { cert } = await (await openTlsRoot(folder)).serverCertificate([name]);
    expect(new X509Certificate(cert).checkHost(name)).toBeDefined();
  });

  test.each([[[]], [['']], [['no blank']], [['https://localhost']], [['-a']]])('is refused for %o', async (names) => {
    const root = await openTlsRoot(folder);
    await expect(root.serverCertificate(names)).rejects.toThrow(/host name/);
  });
});
