import { now } from '../../platform/clock.ts';
import { contextValue } from '../../wire/wstep.ts';
import { readEnrollmentContext } from '../enrollment-context.ts';
import { readStandingGrant } from '../grants.ts';
import { checkAcceptance } from '../terms-of-use/terms-of-use.ts';
import type { Applicant, AuthenticationInput } from './applicant.ts';
import { userClaimedByEntra, verifyEntraToken } from './entra-token.ts';

/**
 * The user of a token of Microsoft Entra, which Windows brings when a PC joins the tenant or somebody adds a work account
 * (MS-MDE2 3.4.4.1.1.1, ValueType urn:ietf:params:oauth:token-type:jwt). One call.
 *
 * Which of the two it is decides what leaving means. A join enrolls the device, a work account its user: EnrollmentType
 * Device and Full (Learn, "Microsoft Entra integration with MDM").
 *
 * @param encoded base64 of the token; the token itself is read too
 * @throws {EnrollmentRefusal} `badEntraToken`, `entraUnreachable`, `termsNotAccepted`, and what the context is refused for
 */
export async function authenticateByEntra(input: AuthenticationInput, encoded: string): Promise<Applicant> {
  const { storage, policy, request, appKey, report } = input;
  // A token has dots, which base64 has not.
  const token = encoded.includes('.') ? encoded : Buffer.from(encoded, 'base64').toString('latin1');
  const claimed = userClaimedByEntra(token);
  if (claimed !== undefined) report(claimed, 'claimed');
  const entraUser = await verifyEntraToken(token, policy.entra, now());
  const { user, tenantId, objectId, deviceId } = entraUser;
  report(user, 'proved');
  const blob = contextValue(request.context, 'EnrollmentData');
  const termsOfUse = await checkAcceptance({ appKey, terms: policy.termsOfUse, blob, entraUser });
  const readAgain = () => readStandingGrant(storage, user);
  const grant = await readAgain();
  const isJoin = readEnrollmentContext(request.context).enrollmentType === 'Device';
  return {
    user: grant.value.user,
    grant,
    readAgain,
    admission: {
      way: 'entra',
      kind: isJoin ? 'join' : 'workAccount',
      tenantId,
      entraUserId: objectId,
      entraDeviceId: deviceId,
      termsOfUse,
    },
  };
}
