import { afterEach, describe, expect, test } from 'vitest';
import { authenticateBySignIn } from '../../../../shared/enrollment/authentication/authenticate-sign-in.ts';
import { writeEnrollmentToken } from '../../../../shared/enrollment/authentication/enrollment-token.ts';
import {
  invitationsOf,
  withdrawInvitation,
} from '../../../../shared/enrollment/invitations/invitation-administration.ts';
import { createInvitation } from '../../../../shared/enrollment/invitations/invitations.ts';
import { setClock } from '../../../../shared/platform/clock.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const KEY = Buffer.alloc(32, 7);
const USER = 'kim@example.org';

/** An invitation that is good for five minutes, by which its user has signed in on our page. */
async function signedIn() {
  const storage = new MemoryStorage();
  const terms = { user: USER, expiresAt: later(5).toISOString(), maxDevices: 1, createdBy: 'sam' };
  const { invitation } = await createInvitation(storage, terms, NOW);
  const token = await writeEnrollmentToken(KEY, { sub: USER, invitation: invitation.id }, later(4));
  const enrolls = (at: Date) => {
    setClock(() => at);
    return authenticateBySignIn({ storage, appKey: async () => KEY, report() {} }, token);
  };
  const withdraw = (at: Date) => withdrawInvitation(storage, { user: USER, id: invitation.id, by: 'sam' }, at);
  return { storage, enrolls, withdraw };
}

afterEach(() => setClock(undefined));

describe('withdrawing an invitation', () => {
  test('calls back what was signed in by it', async () => {
    const { enrolls, withdraw } = await signedIn();
    expect(await enrolls(later(4))).toMatchObject({ user: USER });
    expect(await withdraw(later(4))).toMatchObject({ state: 'withdrawn', expiresAt: later(4).toISOString() });
    await expect(enrolls(later(4))).rejects.toMatchObject({ refusal: 'wrongCredential' });
  });

  test('does so after it has ended too: a sign-in outlives it by some minutes', async () => {
    const { storage, enrolls, withdraw } = await signedIn();
    expect(await enrolls(later(6))).toMatchObject({ user: USER });
    expect(await withdraw(later(6))).toMatchObject({ state: 'withdrawn', expiresAt: later(5).toISOString() });
    await expect(enrolls(later(6))).rejects.toMatchObject({ refusal: 'wrongCredential' });
    expect(await invitationsOf(storage, USER, later(7))).toMatchObject([{ state: 'withdrawn' }]);
  });

  test('once more changes nothing', async () => {
    const { withdraw } = await signedIn();
    const first = await withdraw(later(1));
    expect(await withdraw(later(2))).toEqual(first);
  });
});
