import type { Policy } from '../catalogue/policy.ts';
import type { Admission } from '../devices/device.ts';
import { now } from '../platform/clock.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import type { Envelope } from '../wire/soap.ts';
import type { RequestSecurityToken } from '../wire/wstep.ts';
import type { Grant } from './grants.ts';
import { admissionBy, findInvitation } from './invitations.ts';
import { EnrollmentRefusal } from './refusal.ts';

/** Who asks for a certificate, proved, and by what right. */
export interface Applicant {
  user: string;
  grant: Row<Grant>;
  /** Reads the grant once more, after another request used it at the same moment. @throws {EnrollmentRefusal} */
  readAgain(): Promise<Row<Grant>>;
  admission: Admission;
}

export interface AuthenticationInput {
  storage: Storage;
  policy: Policy;
  envelope: Envelope;
  request: RequestSecurityToken;
}

/**
 * Proves who asks, by what the security header holds (MS-MDE2 3.3.4.1.1.1).
 * @throws {EnrollmentRefusal} `noCredential`, or the cause for which the credential is not good
 */
export async function authenticate(input: AuthenticationInput): Promise<Applicant> {
  const { usernameToken } = input.envelope.security;
  if (usernameToken) return authenticateByInvitation(input, usernameToken);
  throw new EnrollmentRefusal('noCredential', 'The security header has no UsernameToken.');
}

/** User and invitation secret, typed into Settings (OnPremise). */
async function authenticateByInvitation(
  { storage }: AuthenticationInput,
  { username, password }: { username: string; password: string },
): Promise<Applicant> {
  const readAgain = async () => {
    const invitation = await findInvitation(storage, username, password, now());
    if (!invitation) throw new EnrollmentRefusal('wrongCredential', 'No open invitation of this user has this secret.');
    return invitation;
  };
  const grant = await readAgain();
  return { user: grant.value.user, grant, readAgain, admission: admissionBy(grant.value) };
}
