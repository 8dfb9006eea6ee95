import { randomBytes } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Policy } from '../catalogue/policy.ts';
import type { CertificateAuthority } from '../certificates/certificate-authority.ts';
import { readSigningRequest, type SigningRequest, SigningRequestError } from '../certificates/signing-request.ts';
import type { Admission, Device } from '../devices/device.ts';
import { keptSchedule } from '../devices/next-contact.ts';
import { RENEW_PERIOD_DAYS, RETRY_INTERVAL_DAYS } from '../devices/renewal-window.ts';
import { now } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Storage } from '../storage/storage.ts';
import { hashedCredential } from '../wire/digest.ts';
import { MANAGEMENT_PATH } from '../wire/paths.ts';
import { provisioningDocument } from '../wire/provisioning.ts';
import type { Envelope } from '../wire/soap.ts';
import { type RequestSecurityToken, tokenResponse } from '../wire/wstep.ts';
import type { Applicant, AuthenticationInput, ReportUser } from './authentication/applicant.ts';
import { authenticate } from './authentication/authenticate.ts';
import { checkTenant } from './authentication/tenant.ts';
import { checkEligibility } from './eligibility/eligibility.ts';
import { type EnrollmentContext, readEnrollmentContext } from './enrollment-context.ts';
import { GrantMoved, type GrantRow } from './grants.ts';
import { issueEnrollment } from './issue.ts';
import { type JournalStep, keptTraceId } from './journal/journal.ts';
import { EnrollmentRefusal } from './refusal.ts';
import { renewCertificate } from './renewal.ts';

/** How long the Timestamp of the reply is good for; Windows does not look at it (MS-WSTEP asks for it). */
const REPLY_VALID_MS = 5 * 60_000;
const MAX_ATTEMPTS = 5;

export interface EnrollmentServices {
  storage: Storage;
  catalogue: Catalogue;
  ca(): Promise<CertificateAuthority>;
  /** The app's own key. */
  appKey(): Promise<Buffer>;
  deviceAuth: 'certificate' | 'digest';
  providerId: string;
  enrollUrl: string;
  manageUrl: string;
  log: Log;
}

/** An attempt on its way, for the journal: whatever ends it, this says how far it came. */
export interface AttemptProgress {
  traceId: string;
  step: JournalStep;
  /** Who asks: as a credential claims, until `proved` says that it is so. */
  user?: string;
  proved?: boolean;
  /** Which enrollment asks to renew, once that is proved. */
  enrollmentId?: string;
}

export interface TokenResult {
  outcome: 'enrolled' | 'renewed';
  /** What happened, for the journal. */
  words: string;
  device: Device;
  /** The RequestSecurityTokenResponseCollection. */
  body: Buffer;
}

/**
 * RequestSecurityToken: with RequestType Issue (MS-MDE2 3.4) checks who asks, issues the certificate, and answers with the
 * provisioning document; with Renew (3.5) the certificate that the enrollment has is the whole proof.
 * @param progress is kept up to date on the way
 * @throws {EnrollmentRefusal} with the cause that the fault is made from; nothing is stored then
 */
export async function issueToken(
  services: EnrollmentServices,
  envelope: Envelope,
  request: RequestSecurityToken,
  progress: AttemptProgress,
): Promise<TokenResult> {
  if (request.requestType === 'Renew') {
    progress.step = 'renewal';
    const { device, certificate, document } = await renewCertificate(services, request, {
      traceId: keptTraceId(progress.traceId),
      onProved: ({ id, user }) => Object.assign(progress, { enrollmentId: id, user, proved: true }),
    });
    const words = `Renewed; the new certificate is good until ${certificate.notAfter}.`;
    return { outcome: 'renewed', words, device, body: replyTo(envelope, document, progress) };
  }
  if (request.requestType !== 'Issue') throw new EnrollmentRefusal('kindNotServed', 'RequestType is not Issue.');
  const { policy, policyUnreadable, hasRefusals = false } = await services.catalogue.read();
  // The defaults, which stand in for it, let in whom it may keep out.
  if (policyUnreadable) throw new EnrollmentRefusal('settingsUnreadable', policyUnreadable);
  const applicant = await prove({ ...services, policy, envelope, request }, progress);
  const asked = applicant.signedRequest ?? request;
  const context = readEnrollmentContext(asked.context);
  const { user, admission } = applicant;
  const rules = { policy: policy.enrollment, hasRefusals };
  await checkEligibility(services.storage, rules, { user, context, bulk: admission.bulk ?? false });
  progress.step = 'issue';
  const signingRequest = readCertificateRequest(asked);
  const secret = randomBytes(32).toString('base64url');
  const credentialFor = services.deviceAuth === 'digest' ? (id: string) => hashedCredential(id, secret) : undefined;

  const ca = await services.ca();
  const issue = (grant: GrantRow) =>
    issueEnrollment(services.storage, ca, {
      grant,
      admission,
      signingRequest,
      context,
      providerId: services.providerId,
      credentialFor,
      limits: policy.enrollment,
      poll: keptSchedule(policy.poll),
      now: now(),
    });
  const { device, certificate } = await withFreshGrant(applicant, issue);
  const document = documentFor({ services, policy, ca, context, device, certificate, secret });
  return {
    outcome: 'enrolled',
    words: wordsFor(device.admission),
    device,
    body: replyTo(envelope, document, progress),
  };
}

async function prove(input: Omit<AuthenticationInput, 'report'>, progress: AttemptProgress): Promise<Applicant> {
  progress.step = 'authentication';
  const report: ReportUser = (user, how) => {
    progress.user = user;
    progress.proved = how === 'proved';
    if (progress.proved) progress.step = 'eligibility';
  };
  const applicant = await authenticate({ ...input, report });
  report(applicant.user, 'proved');
  checkTenant(applicant.admission, input.policy);
  return applicant;
}

function wordsFor({ way, invitationId }: Admission): string {
  return invitationId ? `Enrolled by invitation ${invitationId} (${way}).` : `Enrolled by ${way}.`;
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

/** When another device uses the same grant at the same moment, the grant is read and decided on again. */
async function withFreshGrant(applicant: Applicant, issue: (grant: GrantRow) => Promise<Issued>): Promise<Issued> {
  let { grant } = applicant;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    try {
      return await issue(grant);
    } catch (error) {
      if (!(error instanceof GrantMoved)) throw error;
      grant = await applicant.readAgain();
    }
  }
  throw new EnrollmentRefusal('busy', 'The grant was used by others at the same moment, several times in a row.');
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

function replyTo(envelope: Envelope, document: string, { traceId }: AttemptProgress): Buffer {
  const created = now();
  return tokenResponse({
    relatesTo: envelope.messageId,
    provisioningDocument: document,
    created,
    expires: new Date(created.getTime() + REPLY_VALID_MS),
    // What support asks for has one name, whether the attempt went well or not.
    activityId: keptTraceId(traceId),
  });
}
