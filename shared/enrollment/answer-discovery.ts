import type { Policy } from '../catalogue/policy.ts';
import type { Way } from '../catalogue/policy-ways.ts';
import { newGuid } from '../platform/ids.ts';
import { type DiscoverRequest, discoverResponse, readDiscover } from '../wire/discovery.ts';
import { ENROLLMENT_PATH, POLICY_PATH, SIGN_IN_PATH } from '../wire/paths.ts';
import type { Envelope } from '../wire/soap.ts';
import type { SoapAnswer } from './answer-soap.ts';

/**
 * The EnrollmentVersion that is answered at most (MS-MDE2 3.1.4.1.3.2). What 4.0 brings is what this server speaks; with
 * 5.0, and with no other, a device was seen to send what its TPM says.
 */
const HIGHEST_VERSION = 4;
const ATTESTATION_VERSION = 5;

export interface DiscoveryRules {
  /** base address of the enroll app, without a slash at the end */
  enrollUrl: string;
  policy: Pick<Policy, 'ways' | 'attestation'>;
  /** At the address that the tenant of Microsoft Entra is given, Windows takes Federated alone. */
  entra?: boolean;
}

/**
 * Answers a Discover request (MS-MDE2 3.1.4.1): how to authenticate, and where the two next services are. It goes by what
 * the device offers and not by who asks, an empty e-mail address included; who may enroll is decided at the security token.
 * @throws {SoapError} when the body is not a Discover request
 */
export function answerDiscovery(envelope: Envelope, { enrollUrl, policy, entra = false }: DiscoveryRules): SoapAnswer {
  const request = readDiscover(envelope);
  const authPolicy = entra ? 'Federated' : chooseWay(request, policy.ways);
  const version = enrollmentVersion(request, policy.attestation ? ATTESTATION_VERSION : HIGHEST_VERSION);
  const body = discoverResponse({
    relatesTo: envelope.messageId,
    authPolicy,
    enrollmentVersion: version,
    policyUrl: `${enrollUrl}${POLICY_PATH}`,
    enrollmentUrl: `${enrollUrl}${ENROLLMENT_PATH}`,
    authenticationUrl: authPolicy === 'Federated' ? `${enrollUrl}${SIGN_IN_PATH}` : undefined,
    activityId: newGuid(),
  });
  const { requestVersion, authPolicies } = request;
  const offered = authPolicies.join(', ').slice(0, MAX_LOGGED);
  return {
    body,
    event: 'Discovery was answered',
    facts: { requestVersion, version, offered, chosen: authPolicy, entra },
  };
}

/** Three names of policies take less; what else somebody writes there is cut. */
const MAX_LOGGED = 100;

/** Our first that the device offers; to a device that offers none of ours, our first, which it then says it cannot do. */
function chooseWay({ authPolicies }: DiscoverRequest, ways: readonly Way[]): Way {
  const offered = new Set(authPolicies.map((policy) => policy.toLowerCase()));
  return ways.find((way) => offered.has(way.toLowerCase())) ?? ways[0] ?? 'OnPremise';
}

/** The smaller of what the client offers and what we speak, always N.M: Windows fails on anything else. */
function enrollmentVersion({ requestVersion }: DiscoverRequest, highest: number): string {
  const [major = highest, minor = 0] = requestVersion.split('.').map(Number);
  return major >= highest ? `${highest}.0` : `${major}.${minor}`;
}
