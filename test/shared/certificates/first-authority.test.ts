import { describe, expect, test } from 'vitest';
import { makeFirstAuthority } from '../../../shared/certificates/first-authority.ts';
import { memoryAuthority } from './memory-authority.ts';
import { MemoryRecords } from './memory-records.ts';

const start = new Date('2026-11-21T10:00:00Z');
const inTwentyYears = new Date('2046-11-21T10:00:00Z');

/** A place of keys that must not even be opened. */
function closed(): Promise<never> {
  throw new Error('opened');
}

describe('the first certificate authority', () => {
  test('is not made where there is one, and not where the one that there was has ended', async () => {
    const records = new MemoryRecords(start);
    const { rootCertificate, issuingCertificate } = await memoryAuthority(start);
    await records.publish({ certificate: issuingCertificate, root: rootCertificate, key: 'a key' });
    for (const at of [start, inTwentyYears]) {
      expect(await makeFirstAuthority(() => records.read(), closed, at)).toBeUndefined();
    }
  });

  test('is not made while a certificate of the own root is awaited', async () => {
    const records = new MemoryRecords(start);
    await records.awaitOwnRoot(start.toISOString());
    expect(await makeFirstAuthority(() => records.read(), closed, start)).toBeUndefined();
    expect(records.authorities).toEqual([]);
  });

  test('is made in all other cases: then the place of the keys is opened', async () => {
    const records = new MemoryRecords(start);
    await expect(
      makeFirstAuthority(
        () => records.read(),
        async () => closed(),
        start,
      ),
    ).rejects.toThrow('opened');
  });
});
