import type { Policy } from '../../catalogue/policy.ts';
import type { Admission } from '../../devices/device.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Envelope } from '../../wire/soap.ts';
import type { RequestSecurityToken } from '../../wire/wstep.ts';
import type { GrantRow } from '../grants.ts';

/** Who asks for a certificate, proved, and by what right. */
export interface Applicant {
  user: string;
  grant: GrantRow;
  /** Reads the grant once more, after another request used it at the same moment. @throws {EnrollmentRefusal} */
  readAgain(): Promise<GrantRow>;
  admission: Admission;
  /** The request as the applicant's signature covers it, where he signed it: this one counts, and not the one that came. */
  signedRequest?: RequestSecurityToken;
}

/**
 * Is told who asks as soon as there is a name, so that the journal has it whatever ends the attempt: first as a credential
 * claims it that nobody has checked, then as it proves it.
 */
export type ReportUser = (user: string, how: 'claimed' | 'proved') => void;

/** What the ways to prove oneself go by. */
export interface AuthenticationInput {
  storage: Storage;
  policy: Policy;
  /** The app's own key, with which our pages sign what they give to Windows. */
  appKey(): Promise<Buffer>;
  envelope: Envelope;
  request: RequestSecurityToken;
  report: ReportUser;
}
