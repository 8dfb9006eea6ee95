import { DeviceError, HRESULT } from './errors.ts';
import type { Machine } from './machine.ts';
import { envelope } from './soap-request.ts';
import { readXml, select, textAt } from './xml-reader.ts';
import { element, textElement } from './xml-writer.ts';

export const DISCOVERY_PATH = '/EnrollmentServer/Discovery.svc';
const NAMESPACE = 'http://schemas.microsoft.com/windows/management/2012/01/enrollment';

/** The MessageID of every Windows device, and the action of the reply. */
export const DISCOVER = {
  messageId: 'urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478',
  replyAction: `${NAMESPACE}/IDiscoveryService/DiscoverResponse`,
};

export interface Discovered {
  authPolicy: 'OnPremise' | 'Federated' | 'Certificate';
  authenticationUrl?: string;
  /** N.M as the server wrote it; undefined where there was none */
  enrollmentVersion?: string;
  policyUrl?: string;
  enrollmentUrl: string;
}

/** The Discover message (MS-MDE2 3.1.4.1.1.1). */
export function discoverRequest(machine: Machine, emailAddress: string, to: string): Buffer {
  const request = element(
    'request',
    [
      textElement('EmailAddress', emailAddress),
      textElement('RequestVersion', machine.requestVersion),
      textElement('DeviceType', 'CIMClient_Windows'),
      textElement('ApplicationVersion', machine.applicationVersion),
      textElement('OSEdition', machine.osEdition),
      element(
        'AuthPolicies',
        (machine.offers ?? ['OnPremise', 'Federated']).map((way) => textElement('AuthPolicy', way)),
      ),
    ],
    { 'xmlns:i': 'http://www.w3.org/2001/XMLSchema-instance' },
  );
  return envelope({
    action: `${NAMESPACE}/IDiscoveryService/Discover`,
    messageId: DISCOVER.messageId,
    to,
    body: element('Discover', request, { xmlns: NAMESPACE }),
  });
}

/**
 * Reads a DiscoverResponse as the client does: names and the namespace exactly, the policy's letter case free.
 * Errors: 0x80180006 for an unknown or missing AuthPolicy, 0x80070057 for an EnrollmentVersion that is not N.M, for an
 * AuthenticationServiceUrl where there must be none, and for addresses that cannot be used.
 */
export function readDiscoverResponse(body: Buffer): Discovered {
  const document = load(body);
  const at = (name: string) => textAt(document, `//e:DiscoverResponse//e:${name}`, { e: NAMESPACE });
  const authPolicy = POLICIES.find((policy) => policy.toLowerCase() === at('AuthPolicy')?.toLowerCase());
  if (!authPolicy)
    throw problem(HRESULT.internalService, `AuthPolicy "${at('AuthPolicy') ?? ''}" is none that the client knows`);
  const authenticationUrl = at('AuthenticationServiceUrl');
  if (authPolicy === 'Federated') usable('AuthenticationServiceUrl', authenticationUrl);
  else if (authenticationUrl) throw invalid(`AuthenticationServiceUrl must be absent or empty for ${authPolicy}`);
  const enrollmentVersion = at('EnrollmentVersion');
  if (enrollmentVersion !== undefined && !/^\d{1,5}\.\d{1,5}/.test(enrollmentVersion)) {
    throw invalid(`EnrollmentVersion "${enrollmentVersion}" is not of the form N.M`);
  }
  const policyUrl = at('EnrollmentPolicyServiceUrl') || undefined;
  const enrollmentUrl = usable('EnrollmentServiceUrl', at('EnrollmentServiceUrl'));
  if (
    policyUrl &&
    new URL(usable('EnrollmentPolicyServiceUrl', policyUrl)).hostname !== new URL(enrollmentUrl).hostname
  ) {
    throw invalid('EnrollmentPolicyServiceUrl and EnrollmentServiceUrl must be on one host');
  }
  return { authPolicy, authenticationUrl: authenticationUrl || undefined, enrollmentVersion, policyUrl, enrollmentUrl };
}

const POLICIES = ['Federated', 'OnPremise', 'Certificate'] as const;

function load(body: Buffer): ReturnType<typeof readXml> {
  try {
    const document = readXml(body);
    if (select(document, '//e:DiscoverResponse', { e: NAMESPACE }).length > 0) return document;
  } catch (cause) {
    throw new DeviceError(HRESULT.messageFormat, 'discover', 'the reply is not XML', { cause });
  }
  throw problem(HRESULT.internalService, 'the reply holds no DiscoverResponse of the namespace that the client reads');
}

function usable(name: string, url: string | undefined): string {
  if (url && /^https:\/\/[^\s]+$/.test(url) && URL.canParse(url)) return url;
  throw invalid(`${name} "${url ?? ''}" is not an https address`);
}

const problem = (hresult: string, message: string): DeviceError => new DeviceError(hresult, 'discover', message);
const invalid = (message: string): DeviceError => problem(HRESULT.invalidArgument, message);
