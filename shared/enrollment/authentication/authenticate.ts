import type { Way } from '../../catalogue/policy-ways.ts';
import { JWT_TOKEN, USER_TOKEN, X509_TOKEN } from '../../wire/namespaces.ts';
import { EnrollmentRefusal } from '../refusal.ts';
import type { Applicant, AuthenticationInput } from './applicant.ts';
import { authenticateByEntra } from './authenticate-entra.ts';
import { authenticateByInvitation } from './authenticate-invitation.ts';
import { authenticateBySignIn } from './authenticate-sign-in.ts';
import { looksLikeEnrollmentToken } from './enrollment-token.ts';

/**
 * Proves who asks, by what the security header holds (MS-MDE2 3.3.4.1.1.1). Discovery offers the ways that are allowed; a
 * device that did not ask it is held to the same list here.
 * @throws {EnrollmentRefusal} `noCredential`, `wayNotOffered`, or the cause for which the credential is not good
 */
export async function authenticate(input: AuthenticationInput): Promise<Applicant> {
  const { usernameToken, binarySecurityToken } = input.envelope.security;
  if (usernameToken) {
    checkOffered(input, 'OnPremise');
    return authenticateByInvitation(input, usernameToken);
  }
  if (binarySecurityToken && holdsCertificate(binarySecurityToken)) {
    checkOffered(input, 'Certificate');
    // Only who comes with a certificate pays for the code that reads signed XML.
    const { authenticateByCertificate } = await import('./authenticate-certificate.ts');
    return authenticateByCertificate(input, binarySecurityToken.token);
  }
  if (binarySecurityToken) return authenticateByToken(input, binarySecurityToken);
  throw new EnrollmentRefusal('noCredential', 'The security header has no credential that is known here.');
}

/**
 * Windows gives a certificate a type of its own, the document the one that it has for every token (MS-MDE2 3.4.4.1.1.1.2).
 * Only a certificate is DER: a SEQUENCE of a length in two bytes, which no JWT begins with.
 */
function holdsCertificate({ valueType, token }: { valueType: string; token: string }): boolean {
  return valueType === X509_TOKEN || (valueType === USER_TOKEN && token.startsWith('MII'));
}

/**
 * A token of our sign-in page or of Microsoft Entra. Windows names their types apart, the documents give both the same one
 * (MS-MDE2 3.3.4.1.1.1, Learn), so a token goes by what it says of itself first.
 */
async function authenticateByToken(
  input: AuthenticationInput,
  { valueType, token }: { valueType: string; token: string },
): Promise<Applicant> {
  const text = Buffer.from(token, 'base64').toString('latin1');
  const isOurs = looksLikeEnrollmentToken(text);
  const mayBeEntra = valueType === JWT_TOKEN || (valueType === USER_TOKEN && input.policy.entra.tenantId !== '');
  if (!isOurs && mayBeEntra) return authenticateByEntra(input, token);
  if (isOurs || valueType === USER_TOKEN) {
    checkOffered(input, 'Federated');
    return authenticateBySignIn(input, text);
  }
  throw new EnrollmentRefusal('noCredential', 'The token in the security header is of a type that is not known here.');
}

function checkOffered({ policy }: AuthenticationInput, way: Way): void {
  if (policy.ways.includes(way)) return;
  throw new EnrollmentRefusal('wayNotOffered', `The request comes by ${way}; the setting ways has not got it.`);
}
