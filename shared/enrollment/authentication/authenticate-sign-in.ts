import type { Admission } from '../../devices/device.ts';
import { now } from '../../platform/clock.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Grant, type GrantRow, readStandingGrant } from '../grants.ts';
import { admissionBy, type Invitation, readInvitation } from '../invitations/invitations.ts';
import { EnrollmentRefusal } from '../refusal.ts';
import type { Applicant, AuthenticationInput } from './applicant.ts';
import { type EnrollmentClaims, readEnrollmentToken, userClaimedBy } from './enrollment-token.ts';

/**
 * The user of a token that our sign-in page gave out (Federated, MS-MDE2 3.4.4.1.1.1). One call.
 *
 * An invitation that ends after the sign-in lets the device in all the same: its user was in time, and a token is short.
 * One that is gone does not.
 *
 * @param token the text of `wresult`, as Windows brought it back
 * @throws {EnrollmentRefusal} `expiredToken`, `badToken`; `wrongCredential` when the invitation is gone
 */
export async function authenticateBySignIn(
  { storage, appKey, report }: Pick<AuthenticationInput, 'storage' | 'appKey' | 'report'>,
  token: string,
): Promise<Applicant> {
  const claimed = userClaimedBy(token);
  if (claimed !== undefined) report(claimed, 'claimed');
  const claims = await readEnrollmentToken(await appKey(), token, now());
  report(claims.sub, 'proved');
  const readAgain = () => readGrant(storage, claims);
  const grant = await readAgain();
  return { user: grant.value.user, grant, readAgain, admission: admissionOf(claims, grant.value) };
}

async function readGrant(
  storage: Storage,
  { sub, invitation }: EnrollmentClaims,
): Promise<GrantRow<Grant | Invitation>> {
  if (invitation === undefined) return readStandingGrant(storage, sub);
  const row = await readInvitation(storage, sub, invitation);
  if (row && !row.value.withdrawn) return row;
  throw new EnrollmentRefusal('wrongCredential', `Invitation ${invitation}, by which the user signed in, is gone.`);
}

/** Where invitation and deep link both say something of the device, the invitation is the administrator's word. */
function admissionOf(claims: EnrollmentClaims, grant: Grant | Invitation): Admission {
  const { oid, ownership, device, tenant } = claims;
  const own: Partial<Admission> = 'secretHash' in grant ? admissionBy(grant) : {};
  return {
    ...own,
    way: 'signIn',
    kind: 'deviceOnly',
    entraUserId: oid,
    ownership: own.ownership ?? ownership,
    deviceIdentifier: own.deviceIdentifier ?? device,
    tenantIdentifier: own.tenantIdentifier ?? tenant,
  };
}
