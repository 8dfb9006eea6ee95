import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Admission, Ownership } from '../../devices/device.ts';
import { claim, type Idempotency } from '../../idempotency/idempotency.ts';
import { newInvitationSecret, normaliseSecret, sha256 } from '../../platform/ids.ts';
import { conflict } from '../../platform/problem.ts';
import type { Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Change, Conflict } from '../../storage/tables.ts';
import { type Grant, type GrantRow, normaliseUser, PLACES_ROW, partitionOfUser, placesAmong } from '../grants.ts';

/**
 * An invitation lets one user enroll a number of devices until a time. Its secret is typed as the password in Settings
 * and stored as SHA-256 only: it has 80 random bits, so a slow hash would add cost and no safety.
 */
export interface Invitation extends Grant, InvitationTerms {
  secretHash: string;
  createdAt: string;
  createdBy: string;
  maxDevices: number;
  /** An administrator ended it before its time. */
  withdrawn?: { by: string; at: string };
}

/** What an invitation allows, and what it says of the devices that come with it. */
export interface InvitationTerms {
  user: string;
  expiresAt: string;
  maxDevices: number;
  ownership?: Ownership;
  deviceIdentifier?: string;
  tenantIdentifier?: string;
  /** For a provisioning package: `user` is the package's name at the server and no person. */
  bulk?: boolean;
}

/** More open invitations for one user than this are refused: enrolling reads them all in one call. */
const MAX_INVITATIONS_PER_USER = 100;
/** The invitations of a user and, behind them, the row of his places. */
const PAGE = { before: `${PLACES_ROW} `, limit: MAX_INVITATIONS_PER_USER + 1 };
/** A transaction takes 100 changes; one is the new invitation. */
const MAX_TIDIED = 99;

/** Partition of the claimed Idempotency-Keys; those of users begin otherwise, whatever a caller says his name is. */
const CLAIMS = 'claims';

export interface NewInvitation extends InvitationTerms {
  createdBy: string;
  /** Makes a repeated call give the same invitation: its secret is then derived from this key and the app's own. */
  idempotency?: Idempotency & { appKey: Buffer };
}

/**
 * Creates an invitation. @returns it with its secret, which is shown this once and kept nowhere.
 * @throws {Problem} 409 when the user has too many open invitations, 422 when the Idempotency-Key was used for another request
 */
export async function createInvitation(
  storage: Storage,
  request: NewInvitation,
  now: Date,
): Promise<{ invitation: Invitation; secret: string }> {
  const table = storage.table('invitations');
  const { id, secret } = request.idempotency
    ? identifyBy(request.idempotency, await claim(table, CLAIMS, request.idempotency, now))
    : identify(now);
  const user = normaliseUser(request.user);
  const partition = partitionOfUser(user);
  const { idempotency: _, ...terms } = request;
  const invitation: Invitation = {
    ...terms,
    id,
    user,
    secretHash: hashOf(secret),
    createdAt: now.toISOString(),
    uses: [],
  };
  const rows = await listInvitations(storage, user);
  // The same call was here before: it gave this invitation, and the secret follows from the key.
  const same = rows.find((row) => row.rowKey === id);
  if (same) return { invitation: same.value, secret };
  const ended = rows.filter((row) => row.value.expiresAt <= invitation.createdAt);
  if (rows.length - ended.length >= MAX_INVITATIONS_PER_USER) {
    throw conflict(`${user} has ${MAX_INVITATIONS_PER_USER} open invitations. Wait until some have ended.`);
  }
  try {
    await table.write(partition, [{ kind: 'insert', rowKey: id, value: invitation }, ...tidying(rows, ended)]);
    return { invitation, secret };
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    // Or is here at this very moment.
    const row = await table.get<Invitation>(partition, id);
    if (!row) throw error;
    return { invitation: row.value, secret };
  }
}

/** Ended invitations are kept while there is room: enrolling reads one page of a user's invitations, and no more. */
function tidying(rows: Row<Invitation>[], ended: Row<Invitation>[]): Change[] {
  if (rows.length < MAX_INVITATIONS_PER_USER / 2) return [];
  return ended.slice(0, MAX_TIDIED).map(({ rowKey, etag }) => ({ kind: 'delete', rowKey, etag }));
}

function identify(now: Date): { id: string; secret: string } {
  return { id: now.getTime().toString(36) + randomBytes(3).toString('hex'), secret: newInvitationSecret() };
}

/** The secret is stored nowhere, so what gives it again is derived from the caller's key and one that only this app has. */
function identifyBy(
  { key, appKey }: Idempotency & { appKey: Buffer },
  claimedAt: string,
): { id: string; secret: string } {
  const seed = createHmac('sha256', appKey)
    .update(JSON.stringify(['invitation', key, claimedAt]))
    .digest();
  return { id: `k${seed.subarray(16, 24).toString('hex')}`, secret: newInvitationSecret(seed.subarray(0, 10)) };
}

function hashOf(secret: string): string {
  return sha256(normaliseSecret(secret)).toString('hex');
}

/**
 * Finds the open invitation of `user` with `secret`. One call, and the same work whether the user is known or not.
 * @returns undefined for an unknown user, a wrong secret and an ended invitation alike
 */
export async function findInvitation(
  storage: Storage,
  user: string,
  secret: string,
  now: Date,
): Promise<GrantRow<Invitation> | undefined> {
  const given = Buffer.from(hashOf(secret), 'hex');
  const partition = partitionOfUser(user);
  const { rows } = await storage.table('invitations').page<Invitation>(partition, PAGE);
  let found: Row<Invitation> | undefined;
  for (const row of rows.filter(isInvitation)) {
    if (timingSafeEqual(Buffer.from(row.value.secretHash, 'hex'), given)) found = row;
  }
  return found && found.value.expiresAt > now.toISOString() ? { ...found, places: placesAmong(rows) } : undefined;
}

function isInvitation({ rowKey }: Row<unknown>): boolean {
  return rowKey < '~';
}

/** One invitation of a user, whose holder has proved himself otherwise. One call. */
export async function readInvitation(
  storage: Storage,
  user: string,
  id: string,
): Promise<GrantRow<Invitation> | undefined> {
  const rows = await storage.table('invitations').getMany<Invitation>(partitionOfUser(user), [id, PLACES_ROW]);
  const row = rows.find((each) => each.rowKey === id && isInvitation(each));
  return row && { ...row, places: placesAmong(rows) };
}

/** All invitations of a user that are kept, ended ones too. One call. */
export async function listInvitations(storage: Storage, user: string): Promise<Row<Invitation>[]> {
  const { rows } = await storage.table('invitations').page<Invitation>(partitionOfUser(user), PAGE);
  return rows.filter(isInvitation);
}

/** What the record of an enrollment says of the invitation that admitted it. */
export function admissionBy(invitation: Invitation): Admission {
  const { id, ownership, deviceIdentifier, tenantIdentifier, bulk } = invitation;
  return {
    way: 'invitation',
    kind: 'deviceOnly',
    invitationId: id,
    ownership,
    deviceIdentifier,
    tenantIdentifier,
    bulk,
  };
}
