import { now } from '../../platform/clock.ts';
import { admissionBy, findInvitation } from '../invitations/invitations.ts';
import { EnrollmentRefusal } from '../refusal.ts';
import type { Applicant, AuthenticationInput } from './applicant.ts';

/**
 * User and invitation secret, typed into Settings (OnPremise, MS-MDE2 3.4.4.1.1.1). One call.
 * @throws {EnrollmentRefusal} `wrongCredential`
 */
export async function authenticateByInvitation(
  { storage, report }: Pick<AuthenticationInput, 'storage' | 'report'>,
  { username, password }: { username: string; password: string },
): Promise<Applicant> {
  report(username, 'claimed');
  const readAgain = async () => {
    const invitation = await findInvitation(storage, username, password, now());
    if (!invitation) throw new EnrollmentRefusal('wrongCredential', 'No open invitation of this user has this secret.');
    return invitation;
  };
  const grant = await readAgain();
  report(grant.value.user, 'proved');
  return { user: grant.value.user, grant, readAgain, admission: admissionBy(grant.value) };
}
