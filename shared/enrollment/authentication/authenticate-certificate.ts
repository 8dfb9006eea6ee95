import { readUserCertificate, UserCertificateError } from '../../certificates/user-certificate.ts';
import { now } from '../../platform/clock.ts';
import { readSignedMessage, SignatureError } from '../../wire/signed-message.ts';
import { type Envelope, readEnvelope } from '../../wire/soap.ts';
import { readRequestSecurityToken } from '../../wire/wstep.ts';
import { readStandingGrant } from '../grants.ts';
import { EnrollmentRefusal } from '../refusal.ts';
import type { Applicant, AuthenticationInput, ReportUser } from './applicant.ts';

/** How far the clocks of device and server may be apart, and how long a signed message is good at most. */
const FRESH_FOR_MS = 5 * 60_000;

/**
 * The user of a certificate who signed the request (MS-MDE2 3.3.4.1.1.1.2). One call.
 *
 * What is read of the request from here on is what the signature covers. Who sends the same message again within its
 * minutes gets the same certificate for the same key, which is of no use without that key; so it needs no memory of
 * messages that were seen.
 *
 * @param token base64 of the certificate, as the unverified message has it
 * @throws {EnrollmentRefusal} `badCertificate`
 */
export async function authenticateByCertificate(input: AuthenticationInput, token: string): Promise<Applicant> {
  const { storage, policy, envelope, report } = input;
  const { user, signed } = proveUser(envelope, token, policy.certificates.issuers, report);
  const signedRequest = readRequestSecurityToken(signed);
  if (signedRequest.requestType !== input.request.requestType) throw refused('another RequestType was signed');
  report(user, 'proved');
  const readAgain = () => readStandingGrant(storage, user);
  const grant = await readAgain();
  return {
    user: grant.value.user,
    grant,
    readAgain,
    admission: { way: 'certificate', kind: 'deviceOnly' },
    signedRequest,
  };
}

function proveUser(
  envelope: Envelope,
  token: string,
  issuers: readonly string[],
  report: ReportUser,
): { user: string; signed: Envelope } {
  try {
    const { certificate, user } = readUserCertificate(Buffer.from(token, 'base64'), issuers, now());
    report(user, 'claimed');
    const signed = readEnvelope(readSignedMessage(envelope.bytes, certificate.publicKey));
    checkToken(signed, token);
    checkTimestamp(signed);
    return { user, signed };
  } catch (error) {
    const known = error instanceof UserCertificateError || error instanceof SignatureError;
    throw known ? refused(error.message) : error;
  }
}

/** The certificate has to be among what was signed: another of the same key could name another user. */
function checkToken({ security }: Envelope, token: string): void {
  const { binarySecurityToken: own, usernameToken } = security;
  if (usernameToken) throw refused('a user name came with the certificate');
  if (own?.token !== token) throw refused('another certificate was signed');
}

function checkTimestamp({ security }: Envelope): void {
  const created = Date.parse(security.timestamp?.created ?? '');
  const expires = Date.parse(security.timestamp?.expires ?? '');
  if (Number.isNaN(created) || Number.isNaN(expires)) throw refused('the message has no time stamp that can be read');
  const at = now().getTime();
  if (Math.abs(at - created) > FRESH_FOR_MS) throw refused('the message was not signed within the last five minutes');
  if (expires < at) throw refused('the message has ended');
}

function refused(why: string): EnrollmentRefusal {
  return new EnrollmentRefusal('badCertificate', `The user's certificate or its signature is not good: ${why}.`);
}
