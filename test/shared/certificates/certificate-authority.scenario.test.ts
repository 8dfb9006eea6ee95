import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { openKeyFolder } from '../../../shared/certificates/file-keys.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { newRsaKey, publicKeyOf } from './memory-authority.ts';

const place = mkdtempSync(join(tmpdir(), 'lanyard-ca-processes-'));
const folder = join(place, 'ca');
afterAll(() => rmSync(place, { recursive: true }));

async function readyProcess(): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('open-authority.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return child;
}

describe('a certificate authority in a folder', () => {
  test('is one, though four processes make it at the same moment', async () => {
    const children = await Promise.all([readyProcess(), readyProcess(), readyProcess(), readyProcess()]);
    const answers = children.map((child) => text(child.stdout!));
    for (const child of children) child.stdin!.end('go\n');
    const printed = new Set(await Promise.all(answers));
    expect(printed.size).toBe(1);
    const ca = await openKeyFolder(folder, new Date());
    expect([...printed]).toEqual([
      `${ca.rootCertificate.toString('base64')} ${ca.issuingCertificate.toString('base64')}\n`,
    ]);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  test.runIf(hasOpenssl)('gives certificates that OpenSSL accepts from a TLS client, and from no server', async () => {
    const ca = await openKeyFolder(folder, new Date());
    const v = { enrollmentId: '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11', subjectPublicKeyInfo: publicKeyOf(newRsaKey()) };
    const leaf = await issueLeaf({ ca, ...v, now: new Date() });
    const file = join(place, 'leaf.pem');
    writeFileSync(file, new X509Certificate(leaf.der).toString());
    const chain = ['-CAfile', join(folder, 'device-root.pem'), '-untrusted', join(folder, 'issuing-ca.pem'), file];
    const verify = (purpose: string) =>
      execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...chain], { stdio: 'pipe' });
    expect(verify('sslclient').toString()).toContain('OK');
    expect(() => verify('sslserver')).toThrow('unsuitable certificate purpose');
  });
});
