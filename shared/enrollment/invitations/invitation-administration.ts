import { conflict, notFound } from '../../platform/problem.ts';
import type { Storage } from '../../storage/storage.ts';
import { tryWrite } from '../../storage/tables.ts';
import { type GrantUse, partitionOfUser } from '../grants.ts';
import { type Invitation, listInvitations } from './invitations.ts';

/** An invitation as administrators see it afterwards: never its secret, nor what the secret is known by. */
export interface InvitationEntry extends Omit<Invitation, 'secretHash' | 'uses'> {
  state: 'open' | 'usedUp' | 'ended' | 'withdrawn';
  /** What has enrolled with it. */
  devices: Pick<GrantUse, 'enrollmentId' | 'at'>[];
}

/** The invitations of a user that are kept, the newest first. One call. */
export async function invitationsOf(storage: Storage, user: string, now: Date): Promise<InvitationEntry[]> {
  const rows = await listInvitations(storage, user);
  return rows
    .map(({ value }) => entryOf(value, now))
    .toSorted((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
}

const MAX_ATTEMPTS = 5;

/**
 * Ends an invitation before its time. Devices that have enrolled with it stay. Repeating it changes nothing. Two calls.
 * @throws {Problem} 404; 409 when devices keep enrolling with it at this moment
 */
export async function withdrawInvitation(
  storage: Storage,
  { user, id, by }: { user: string; id: string; by: string },
  now: Date,
): Promise<InvitationEntry> {
  const table = storage.table('invitations');
  const partition = partitionOfUser(user);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = id.startsWith('~') ? undefined : await table.get<Invitation>(partition, id);
    if (!row) throw notFound(`${user.slice(0, 100)} has no invitation ${id.slice(0, 60)}.`);
    const at = now.toISOString();
    if (row.value.withdrawn) return entryOf(row.value, now);
    // One that has ended too: who signed in by it just before still has a token that is good.
    const expiresAt = row.value.expiresAt < at ? row.value.expiresAt : at;
    const value: Invitation = { ...row.value, expiresAt, withdrawn: { by, at } };
    if (await tryWrite(table, partition, [{ kind: 'replace', rowKey: id, value, etag: row.etag }]))
      return entryOf(value, now);
  }
  throw conflict('Devices keep enrolling with this invitation at this moment. Try again.');
}

function entryOf({ secretHash: _, uses, ...invitation }: Invitation, now: Date): InvitationEntry {
  const devices = uses.map(({ enrollmentId, at }) => ({ enrollmentId, at }));
  return { ...invitation, state: stateOf({ ...invitation, uses }, now), devices };
}

function stateOf(
  { withdrawn, expiresAt, maxDevices, uses }: Omit<Invitation, 'secretHash'>,
  now: Date,
): InvitationEntry['state'] {
  if (withdrawn) return 'withdrawn';
  if (expiresAt <= now.toISOString()) return 'ended';
  return uses.length >= maxDevices ? 'usedUp' : 'open';
}
