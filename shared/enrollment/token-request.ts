import { randomBytes } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Policy } from '../catalogue/policy.ts';
import type { CertificateAuthority } from '../certificates/certificate-authority.ts';
import { readSigningRequest, type SigningRequest, SigningRequestError } from '../certificates/signing-request.ts';
import type { Device } from '../devices/device.ts';
import { now } from '../platform/clock.ts';
import { newGuid } from '../platform/ids.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { hashedCredential } from '../wire/digest.ts';
import { MANAGEMENT_PATH } from '../wire/paths.ts';
import { provisioningDocument } from '../wire/provisioning.ts';
import type { Envelope } from '../wire/soap.ts';
import { type RequestSecurityToken, tokenResponse } from '../wire/wstep.ts';
import { type EnrollmentContext, readEnrollmentContext } from './enrollment-context.ts';
import { findInvitation, type Invitation } from './invitations.ts';
import { InvitationMoved, issueEnrollment } from './issue.ts';
import { EnrollmentRefusal } from './refusal.ts';

/** Days before the end of the certificate at which Windows begins to renew, and between its tries. */
export const RENEW_PERIOD_DAYS = 60;
export const RETRY_INTERVAL_DAYS = 4;
/** How long the Timestamp of the reply is good for; Windows does not look at it (MS-WSTEP asks for it). */
const REPLY_VALID_MS = 5 * 60_000;
const MAX_ATTEMPTS = 5;

export interface EnrollmentServices {
  storage: Storage;
  catalogue: Catalogue;
  ca(): Promise<CertificateAuthority>;
  deviceAuth: 'certificate' | 'digest';
  providerId: string;
  manageUrl: string;
}

export interface TokenResult {
  device: Device;
  /** The RequestSecurityTokenResponseCollection. */
  body: Buffer;
}

/**
 * RequestSecurityToken with RequestType Issue, OnPremise authentication (MS-MDE2 3.4): checks who asks, issues the
 * certificate, and answers with the provisioning document.
 * @throws {EnrollmentRefusal} with the cause that the fault is made from; nothing is stored then
 */
export async function issueToken(
  services: EnrollmentServices,
  envelope: Envelope,
  request: RequestSecurityToken,
): Promise<TokenResult> {
  if (request.requestType === 'Renew') {
    throw new EnrollmentRefusal('renewalNotServed', 'RequestType Renew is not served; the device has to enroll again.');
  }
  if (request.requestType !== 'Issue') throw new EnrollmentRefusal('kindNotServed', 'RequestType is not Issue.');
  const invitation = await authenticate(services.storage, envelope);
  const context = readEnrollmentContext(request.context);
  const signingRequest = readCertificateRequest(request);
  const secret = randomBytes(32).toString('base64url');
  const credentialFor = services.deviceAuth === 'digest' ? (id: string) => hashedCredential(id, secret) : undefined;

  const { policy } = await services.catalogue.read();
  const ca = await services.ca();
  const issue = (row: Row<Invitation>) =>
    issueEnrollment(services.storage, ca, {
      invitation: row,
      signingRequest,
      context,
      providerId: services.providerId,
      credentialFor,
      now: now(),
    });
  const { device, certificate } = await withFreshInvitation(services.storage, envelope, invitation, issue);
  const document = documentFor({ services, policy, ca, context, device, certificate, secret });
  return { device, body: replyTo(envelope, document) };
}

/** The user name and secret of the WS-Security header. @throws {EnrollmentRefusal} `noCredential`, `wrongCredential` */
async function authenticate(storage: Storage, envelope: Envelope): Promise<Row<Invitation>> {
  const token = envelope.security.usernameToken;
  if (!token) throw new EnrollmentRefusal('noCredential', 'The security header has no UsernameToken.');
  const invitation = await findInvitation(storage, token.username, token.password, now());
  if (!invitation) throw new EnrollmentRefusal('wrongCredential', 'No open invitation of this user has this secret.');
  return invitation;
}

function readCertificateRequest(request: RequestSecurityToken): SigningRequest {
  if (!request.token) throw new EnrollmentRefusal('badSigningRequest', 'The request has no BinarySecurityToken.');
  try {
    return readSigningRequest(request.token.data);
  } catch (error) {
    if (error instanceof SigningRequestError) throw new EnrollmentRefusal('badSigningRequest', error.message);
    throw error;
  }
}

type Issued = Awaited<ReturnType<typeof issueEnrollment>>;

/** When another device uses the same invitation at the same moment, the invitation is read and decided on again. */
async function withFreshInvitation(
  storage: Storage,
  envelope: Envelope,
  first: Row<Invitation>,
  issue: (invitation: Row<Invitation>) => Promise<Issued>,
): Promise<Issued> {
  let invitation = first;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    try {
      return await issue(invitation);
    } catch (error) {
      if (!(error instanceof InvitationMoved)) throw error;
      invitation = await authenticate(storage, envelope);
    }
  }
  throw new EnrollmentRefusal('busy', 'The invitation was used by others at the same moment, several times in a row.');
}

interface DocumentParts {
  services: EnrollmentServices;
  policy: Policy;
  ca: CertificateAuthority;
  context: EnrollmentContext;
  device: Device;
  certificate: Buffer;
  secret: string;
}

function documentFor({ services, policy, ca, context, device, certificate, secret }: DocumentParts): string {
  const nonce = () => randomBytes(16).toString('base64');
  const { first, second, remaining } = policy.poll;
  return provisioningDocument({
    enrollmentId: device.id,
    enrollmentType: device.enrollmentType,
    providerId: device.providerId,
    name: policy.organisation,
    managementUrl: `${services.manageUrl}${MANAGEMENT_PATH}`,
    upn: device.enrollmentType === 'Full' ? device.user : undefined,
    deviceName: context.deviceName,
    rootCertificate: ca.rootCertificate,
    issuingCertificate: ca.issuingCertificate,
    leafCertificate: certificate,
    renewPeriodDays: RENEW_PERIOD_DAYS,
    retryIntervalDays: RETRY_INTERVAL_DAYS,
    appsrv: { secret, nonce: nonce() },
    client: { secret: randomBytes(32).toString('base64url'), nonce: nonce() },
    poll: {
      first: { interval: first.intervalMinutes, count: first.count },
      second: { interval: second.intervalMinutes, count: second.count },
      remaining: { interval: remaining.intervalMinutes, count: 0 },
    },
    pollOnLogin: policy.pollOnLogin,
  });
}

function replyTo(envelope: Envelope, document: string): Buffer {
  const created = now();
  return tokenResponse({
    relatesTo: envelope.messageId,
    provisioningDocument: document,
    created,
    expires: new Date(created.getTime() + REPLY_VALID_MS),
    activityId: newGuid(),
  });
}
