import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { openKeyFolder } from '../../../shared/certificates/file-keys.ts';

// The process dies at the n-th thing that it does to the disk: that call and all later ones fail, clean-up included.
const disk = vi.hoisted(() => ({ callsLeft: Number.POSITIVE_INFINITY }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(real, name) {
        const member = Reflect.get(real, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          // the system closes what a dead process had open
          if (--disk.callsLeft < 0 && name !== 'close') throw new Error('killed');
          if (name === 'sync') return; // counted like the others; a test's disk need not survive a power cut
          const result = await member.apply(real, args);
          return name === 'open' ? mortal(result) : result;
        };
      },
    });
  const real = await importOriginal<typeof import('node:fs/promises')>();
  return { ...real, ...Object.fromEntries(Object.keys(real).map((name) => [name, Reflect.get(mortal(real), name)])) };
});

// Making RSA 3072 takes a second; which key comes is what matters here, so a new one each time, out of a few small ones.
const keys = vi.hoisted(() => ({ made: 0, pool: [] as unknown[] }));
vi.mock('node:crypto', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:crypto')>();
  const { promisify } = await import('node:util');
  const generateKeyPair = { [promisify.custom]: async () => keys.pool[keys.made++ % keys.pool.length] };
  return { ...real, generateKeyPair: Object.assign(() => {}, generateKeyPair) };
});
keys.pool.push(...Array.from({ length: 3 }, () => generateKeyPairSync('rsa', { modulusLength: 1024 })));

const place = mkdtempSync(join(tmpdir(), 'lanyard-kill-'));
afterAll(() => rmSync(place, { recursive: true }));
const at = new Date('2026-11-21T10:00:00Z');
const contents = (folder: string) =>
  Object.fromEntries(
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => name.endsWith('.pem'))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

/** Opens the folder and dies after `calls` calls of the disk; tells whether it came to that. */
async function openAndDie(folder: string, calls: number): Promise<boolean> {
  disk.callsLeft = calls;
  try {
    await openKeyFolder(folder, at);
    return false;
  } catch {
    return true;
  } finally {
    disk.callsLeft = Number.POSITIVE_INFINITY;
  }
}

describe('a process that dies while it makes the certificate authority', () => {
  test('at any moment, leaves what the next start finishes without changing a file', async () => {
    const beginnings = new Set<number>();
    for (let calls = 0, died = true; died; calls++) {
      const folder = join(place, `killed-${calls}`);
      died = await openAndDie(folder, calls);
      const before = contents(folder);
      beginnings.add(Object.keys(before).length);

      const ca = await openKeyFolder(folder, at);
      expect(contents(folder), `killed after ${calls} calls`).toMatchObject(before);
      expect(readdirSync(folder)).toHaveLength(4); // nothing unfinished is left either
      const root = new X509Certificate(ca.rootCertificate);
      expect(new X509Certificate(ca.issuingCertificate).verify(root.publicKey)).toBe(true);
    }
    expect([...beginnings].sort()).toEqual([0, 1, 2, 3, 4]); // every beginning of the order was met
  });

  test('leaves what two further processes finish together', async () => {
    for (const calls of [12, 18, 24, 30, 36]) {
      const folder = join(place, `race-${calls}`);
      expect(await openAndDie(folder, calls)).toBe(true);
      const [first, second] = await Promise.all([openKeyFolder(folder, at), openKeyFolder(folder, at)]);
      expect(second.rootCertificate).toEqual(first.rootCertificate);
      expect(second.issuingCertificate).toEqual(first.issuingCertificate);
    }
  });
});
