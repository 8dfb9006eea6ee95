import { CertificateAuthorityError } from '../certificates/certificate-authority-error.ts';
import { now } from '../platform/clock.ts';
import { StorageUnavailable } from '../storage/errors.ts';
import { fault } from '../wire/fault.ts';
import { type Envelope, readEnvelope, SoapError } from '../wire/soap.ts';
import { ACTION_REQUEST_SECURITY_TOKEN, type RequestSecurityToken, readRequestSecurityToken } from '../wire/wstep.ts';
import { XmlError } from '../wire/xml.ts';
import { checkAction } from './answer-soap.ts';
import { helpAddress } from './help/help-address.ts';
import { type Journal, keptTraceId } from './journal/journal.ts';
import { EnrollmentRefusal, REFUSALS, type RefusalCause } from './refusal.ts';
import type { Throttle } from './throttle.ts';
import { type AttemptProgress, type EnrollmentServices, issueToken } from './token-request.ts';

/** Context names that help an administrator to find the device; the rest stays out of the journal. */
const JOURNAL_NAMES = ['DeviceName', 'DeviceID', 'HWDevID', 'OSVersion', 'OSEdition', 'EnrollmentType', 'SerialNumber'];

/** What the server itself failed at: no failure of the caller. */
const OWN_FAILURES: ReadonlySet<RefusalCause> = new Set([
  'failed',
  'busy',
  'storageUnreachable',
  'authorityUnreachable',
  'entraUnreachable',
  'settingsUnreadable',
]);

export interface TokenCall {
  body: Buffer;
  /** Where the call comes from, as the platform saw it. */
  address: string;
}

/** `body` is a SOAP envelope; with status 429 `retryAfter` says when to come again (seconds). */
export interface TokenReply {
  status: 200 | 429 | 500;
  body: Buffer;
  retryAfter?: number;
}

/** What has become known of an attempt on its way, for the journal. */
interface Attempt extends AttemptProgress {
  envelope?: Envelope;
  request?: RequestSecurityToken;
}

/**
 * Answers one RequestSecurityToken, whatever comes in: a token, or the fault that Windows reads, with a TraceId that names
 * the attempt in the journal (MS-MDE2 2.2.10). Faults go with HTTP 500; past 20 failures of an address in an hour with 429,
 * for Windows shows an empty reply as an error of its own and the person would not learn that the secret is wrong.
 */
export async function answerTokenRequest(
  services: EnrollmentServices & { journal: Journal; throttle: Throttle },
  call: TokenCall,
): Promise<TokenReply> {
  const attempt: Attempt = { traceId: services.journal.begin(call.address, now()), step: 'reading' };
  try {
    const { envelope, request } = readRequest(attempt, call.body);
    const { outcome, words, device, body } = await issueToken(services, envelope, request, attempt);
    const entry = describe({ ...attempt, user: device.user, proved: true, enrollmentId: device.id }, words);
    await services.journal.enrolled(entry, call.address, services.log, outcome);
    services.log.info(`A device was ${outcome}`, { device: device.id, trace: keptTraceId(attempt.traceId) });
    return { status: 200, body };
  } catch (error) {
    return refuse(services, call, attempt, explain(error));
  }
}

async function refuse(
  services: Pick<EnrollmentServices, 'log' | 'catalogue' | 'enrollUrl'> & { journal: Journal; throttle: Throttle },
  { address }: TokenCall,
  attempt: Attempt,
  { cause, reason, shown }: Explained,
): Promise<TokenReply> {
  const { fault: name, message } = REFUSALS[cause];
  const { journal, throttle, log } = services;
  const sent = shown ?? `${message} Help: ${await whereToAsk(services, cause)}`;
  const entry = { ...describe(attempt, reason), cause, shown: sent };
  const traceId = await journal.refused(entry, { address, proved: attempt.proved }, log);
  log.warn('An enrollment was refused', { trace: traceId, step: attempt.step, cause, reason });
  const retryAfter = isFailure(attempt, cause) ? throttle.fail(address, now()) : undefined;
  const body = fault({ name, reason: sent, traceId, relatesTo: attempt.envelope?.messageId });
  return { status: retryAfter === undefined ? 500 : 429, body, retryAfter };
}

/**
 * Whether it may be a guess, which slows its address down. A renewal brings no secret that could be guessed, and costs a
 * stranger's server little: without a certificate of ours it ends before anything is read from storage.
 */
function isFailure({ proved, request }: Attempt, cause: RefusalCause): boolean {
  return !proved && !OWN_FAILURES.has(cause) && request?.requestType !== 'Renew';
}

/** For whoever reads the PC's event log. A refusal does not wait for storage that fails. */
async function whereToAsk(
  { catalogue, enrollUrl }: Pick<EnrollmentServices, 'catalogue' | 'enrollUrl'>,
  cause: RefusalCause,
): Promise<string> {
  if (OWN_FAILURES.has(cause)) return helpAddress(undefined, enrollUrl);
  return helpAddress((await catalogue.readOrLast()).policy.support, enrollUrl);
}

function readRequest(attempt: Attempt, body: Buffer): { envelope: Envelope; request: RequestSecurityToken } {
  const envelope = readEnvelope(body);
  attempt.envelope = envelope;
  const request = readRequestSecurityToken(envelope);
  attempt.request = request;
  checkAction(envelope, ACTION_REQUEST_SECURITY_TOKEN);
  return { envelope, request };
}

interface Explained {
  cause: RefusalCause;
  reason: string;
  shown?: string;
}

function explain(error: unknown): Explained {
  if (error instanceof EnrollmentRefusal) return { cause: error.refusal, reason: error.message, shown: error.shown };
  if (error instanceof SoapError || error instanceof XmlError) return { cause: 'unreadable', reason: error.message };
  if (error instanceof StorageUnavailable) return { cause: 'storageUnreachable', reason: error.message };
  if (error instanceof CertificateAuthorityError) return { cause: 'authorityUnreachable', reason: error.message };
  return { cause: 'failed', reason: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown failure' };
}

function describe(attempt: Attempt, reason: string) {
  const { traceId, step, user, proved = false, enrollmentId, envelope, request } = attempt;
  const items = request?.context ?? [];
  const facts = items
    .filter(({ name }) => JOURNAL_NAMES.includes(name))
    .map(({ name, value }) => [name, cut(value, 200)]);
  const claimed = envelope?.security.usernameToken?.username ?? '';
  return {
    traceId,
    at: now().toISOString(),
    user: cut(user ?? claimed, 320),
    userProved: proved,
    enrollmentId,
    step,
    reason: cut(reason, 500),
    device: Object.fromEntries(facts) as Record<string, string>,
  };
}

/** The cut may halve a character, which storage does not take. */
function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
