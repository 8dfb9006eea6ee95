import { DISCOVERY } from './namespaces.ts';
import { type Envelope, expectBody, SoapError, writeEnvelope } from './soap.ts';
import { child, children, trimmed, xml } from './xml.ts';

const SERVICE = `${DISCOVERY}/IDiscoveryService`;
export const ACTION_DISCOVER = `${SERVICE}/Discover`;

/** MS-MDE2 3.1.4.1.2.1. A value that the device left out is empty, as some joins leave out the address. */
export interface DiscoverRequest {
  emailAddress: string;
  /** the highest version that the client speaks, N.M */
  requestVersion: string;
  deviceType: string;
  applicationVersion: string;
  osEdition: string;
  /** in the client's order: OnPremise, Federated, Certificate */
  authPolicies: string[];
}

/**
 * Reads a Discover request; the namespace may end with a slash as in the published samples.
 *
 * @throws SoapError when the body is another or has no request or no RequestVersion of the form N.M
 */
export function readDiscover(envelope: Envelope): DiscoverRequest {
  const request = child(expectBody(envelope, 'Discover', DISCOVERY, `${DISCOVERY}/`), 'request');
  if (!request) throw new SoapError('Discover has no request');
  const text = (name: string) => trimmed(child(request, name)) ?? '';
  const requestVersion = text('RequestVersion');
  if (requestVersion === '') throw new SoapError('Discover has no RequestVersion');
  if (!/^\d{1,4}\.\d{1,4}$/.test(requestVersion)) {
    throw new SoapError(`RequestVersion "${requestVersion.slice(0, 40)}" is not of the form N.M`);
  }
  return {
    emailAddress: text('EmailAddress'),
    requestVersion,
    deviceType: text('DeviceType'),
    applicationVersion: text('ApplicationVersion'),
    osEdition: text('OSEdition'),
    authPolicies: children(child(request, 'AuthPolicies'), 'AuthPolicy').map((p) => p.text.trim()),
  };
}

/**
 * Writes a DiscoverResponse (MS-MDE2 3.1.4.1.2.2) in the order that Windows 11 was seen to accept.
 * AuthenticationServiceUrl is written for Federated alone: a client that reads it with another policy fails with 0x80070057.
 *
 * @param v.enrollmentVersion N.M; Windows fails on anything else
 * @throws RangeError for another form of the version
 */
export function discoverResponse(v: {
  relatesTo?: string;
  authPolicy: 'OnPremise' | 'Federated' | 'Certificate';
  enrollmentVersion: string;
  policyUrl: string;
  enrollmentUrl: string;
  authenticationUrl?: string;
  activityId: string;
}): Buffer {
  if (!/^\d+\.\d+$/.test(v.enrollmentVersion))
    throw new RangeError(`EnrollmentVersion ${v.enrollmentVersion} is not N.M`);
  const signIn =
    v.authPolicy === 'Federated' && v.authenticationUrl
      ? xml`<AuthenticationServiceUrl>${v.authenticationUrl}</AuthenticationServiceUrl>`
      : undefined;
  const result = xml`<AuthPolicy>${v.authPolicy}</AuthPolicy><EnrollmentVersion>${v.enrollmentVersion}</EnrollmentVersion><EnrollmentPolicyServiceUrl>${v.policyUrl}</EnrollmentPolicyServiceUrl><EnrollmentServiceUrl>${v.enrollmentUrl}</EnrollmentServiceUrl>${signIn}`;
  return writeEnvelope({
    action: `${SERVICE}/DiscoverResponse`,
    relatesTo: v.relatesTo,
    activityId: v.activityId,
    body: xml`<DiscoverResponse xmlns="${DISCOVERY}"><DiscoverResult>${result}</DiscoverResult></DiscoverResponse>`,
  });
}
