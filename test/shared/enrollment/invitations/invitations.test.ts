import { describe, expect, test } from 'vitest';
import {
  createInvitation,
  findInvitation,
  type Invitation,
} from '../../../../shared/enrollment/invitations/invitations.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const hoursLater = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
const until = (hours: number) => ({ expiresAt: hoursLater(hours).toISOString() });
const REQUEST = { user: 'Kim@Example.org ', ...until(72), maxDevices: 1, createdBy: 'sam' };
const idempotency = { key: 'k1', requestHash: 'h1', appKey: Buffer.alloc(32, 7) };

async function found(storage: MemoryStorage, user: string, secret: string, at = NOW): Promise<Invitation | undefined> {
  return (await findInvitation(storage, user, secret, at))?.value;
}

describe('an invitation', () => {
  test('is found by its user and secret, as people type them', async () => {
    const storage = new MemoryStorage();
    const { invitation, secret } = await createInvitation(storage, REQUEST, NOW);
    expect(secret).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    expect(invitation).toMatchObject({ user: 'kim@example.org', expiresAt: hoursLater(72).toISOString() });
    for (const user of ['kim@example.org', 'KIM@EXAMPLE.ORG', ' kim@example.org ']) {
      for (const typed of [secret, secret.toLowerCase(), secret.replaceAll('-', ' '), secret.replaceAll('-', '')]) {
        expect((await found(storage, user, typed))?.id).toBe(invitation.id);
      }
    }
  });

  test.each([
    ['another user', 'sam@example.org', undefined, 0],
    ['no user', '', undefined, 0],
    ['a user with characters that no key may have', '../kim#?\\\u0000', undefined, 0],
    ['a user of any length', 'k'.repeat(100_000), undefined, 0],
    ['another secret', 'kim@example.org', 'AAAA-AAAA-AAAA-AAAA', 0],
    ['no secret', 'kim@example.org', '', 0],
    ['an invitation that has ended', 'kim@example.org', undefined, 72],
  ])('is not found for %s', async (_, user, secret, hours) => {
    const storage = new MemoryStorage();
    const made = await createInvitation(storage, REQUEST, NOW);
    expect(await found(storage, user, secret ?? made.secret, hoursLater(hours))).toBeUndefined();
  });

  test('costs one call to look for, whether the user is known or not', async () => {
    const storage = new MemoryStorage();
    const { secret } = await createInvitation(storage, REQUEST, NOW);
    for (const user of ['kim@example.org', 'nobody@example.org']) {
      storage.calls.length = 0;
      await found(storage, user, secret);
      expect(storage.calls.map(({ operation }) => operation)).toEqual(['page']);
    }
  });

  test('is good until its last moment', async () => {
    const storage = new MemoryStorage();
    const { secret } = await createInvitation(storage, REQUEST, NOW);
    expect(await found(storage, REQUEST.user, secret, new Date(hoursLater(72).getTime() - 1))).toBeDefined();
  });

  test('keeps its secret nowhere', async () => {
    const storage = new MemoryStorage();
    const { secret } = await createInvitation(storage, { ...REQUEST, idempotency }, NOW);
    const written = JSON.stringify(storage.calls);
    expect(written).not.toContain(secret);
    expect(written).not.toContain(secret.replaceAll('-', ''));
  });
});

describe('a user with many invitations', () => {
  async function storageWith(count: number): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    for (let n = 0; n < count; n += 1) await createInvitation(storage, { ...REQUEST, ...until(1) }, NOW);
    return storage;
  }

  test('has at most 100 open ones', async () => {
    const storage = await storageWith(100);
    await expect(createInvitation(storage, REQUEST, NOW)).rejects.toMatchObject({ status: 409 });
    const other = { ...REQUEST, user: 'sam@example.org' };
    await expect(createInvitation(storage, other, NOW)).resolves.toBeDefined();
  });

  test('gets another when all hundred have ended, and it is found', async () => {
    const storage = await storageWith(100);
    const at = hoursLater(2);
    const { invitation, secret } = await createInvitation(storage, REQUEST, at);
    expect((await found(storage, REQUEST.user, secret, at))?.id).toBe(invitation.id);
  });

  test('keeps the ended ones while there is room', async () => {
    const storage = await storageWith(3);
    await createInvitation(storage, REQUEST, hoursLater(2));
    const inserted = storage.calls.flatMap(({ changes }) => changes ?? []);
    expect(inserted.filter(({ kind }) => kind === 'delete')).toEqual([]);
  });
});

describe('under an Idempotency-Key', () => {
  test('a call that is sent twice makes one invitation and shows the same secret', async () => {
    const storage = new MemoryStorage();
    const first = await createInvitation(storage, { ...REQUEST, idempotency }, NOW);
    const second = await createInvitation(storage, { ...REQUEST, idempotency }, hoursLater(1));
    expect(second).toEqual(first);
    expect(await found(storage, REQUEST.user, second.secret)).toBeDefined();
  });

  test('so do two calls at the same moment, and neither makes a second', async () => {
    const storage = new MemoryStorage();
    const settled = await Promise.allSettled(
      [1, 2].map(() => createInvitation(storage, { ...REQUEST, idempotency }, NOW)),
    );
    const ids = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value.invitation.id] : []));
    expect(new Set(ids).size).toBe(1);
  });

  test('a repetition is answered even when the user has as many as he may', async () => {
    const storage = new MemoryStorage();
    for (let n = 0; n < 99; n += 1) await createInvitation(storage, REQUEST, NOW);
    const first = await createInvitation(storage, { ...REQUEST, idempotency }, NOW);
    expect(await createInvitation(storage, { ...REQUEST, idempotency }, NOW)).toEqual(first);
  });

  test('a repetition after the invitation has ended does not fail', async () => {
    const storage = new MemoryStorage();
    for (let n = 0; n < 60; n += 1) await createInvitation(storage, REQUEST, NOW);
    const short = { ...REQUEST, ...until(1), idempotency };
    const first = await createInvitation(storage, short, NOW);
    expect(await createInvitation(storage, short, hoursLater(2))).toEqual(first);
  });

  test.each([
    ['of the same user', REQUEST.user],
    ['of another user', 'sam@example.org'],
  ])('another request %s is refused with 422', async (_, user) => {
    const storage = new MemoryStorage();
    await createInvitation(storage, { ...REQUEST, idempotency }, NOW);
    const other = { ...REQUEST, user, idempotency: { ...idempotency, requestHash: 'h2' } };
    await expect(createInvitation(storage, other, NOW)).rejects.toMatchObject({ status: 422 });
  });

  test('two deployments give different secrets', async () => {
    const first = await createInvitation(new MemoryStorage(), { ...REQUEST, idempotency }, NOW);
    const elsewhere = { ...idempotency, appKey: Buffer.alloc(32, 8) };
    const second = await createInvitation(new MemoryStorage(), { ...REQUEST, idempotency: elsewhere }, NOW);
    expect(second.secret).not.toBe(first.secret);
  });
});
