import { newGuid } from '../platform/ids.ts';
import { type DiscoverRequest, discoverResponse, readDiscover } from '../wire/discovery.ts';
import { ENROLLMENT_PATH, POLICY_PATH } from '../wire/paths.ts';
import type { Envelope } from '../wire/soap.ts';

/** The EnrollmentVersion that is answered at most: what 4.0 brings is what this server speaks (MS-MDE2 3.1.4.1.3.2). */
const HIGHEST_VERSION = 4;

/**
 * Answers a Discover request (MS-MDE2 3.1.4.1): how to authenticate, and where the two next services are. Everyone gets
 * the same answer, an empty e-mail address included; who may enroll is decided at the security token.
 * @param enrollUrl base address of the enroll app, without a slash at the end
 * @throws {SoapError} when the body is not a Discover request
 */
export function answerDiscovery(envelope: Envelope, enrollUrl: string): Buffer {
  const request = readDiscover(envelope);
  return discoverResponse({
    relatesTo: envelope.messageId,
    authPolicy: 'OnPremise',
    enrollmentVersion: enrollmentVersion(request),
    policyUrl: `${enrollUrl}${POLICY_PATH}`,
    enrollmentUrl: `${enrollUrl}${ENROLLMENT_PATH}`,
    activityId: newGuid(),
  });
}

/** The smaller of what the client offers and what we speak, always N.M: Windows fails on anything else. */
function enrollmentVersion({ requestVersion }: DiscoverRequest): string {
  const [major = HIGHEST_VERSION, minor = 0] = requestVersion.split('.').map(Number);
  return major >= HIGHEST_VERSION ? `${HIGHEST_VERSION}.0` : `${major}.${minor}`;
}
