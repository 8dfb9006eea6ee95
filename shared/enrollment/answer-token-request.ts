import { now } from '../platform/clock.ts';
import { fault } from '../wire/fault.ts';
import { type Envelope, readEnvelope, SoapError } from '../wire/soap.ts';
import { ACTION_REQUEST_SECURITY_TOKEN, type RequestSecurityToken, readRequestSecurityToken } from '../wire/wstep.ts';
import { XmlError } from '../wire/xml.ts';
import { checkAction } from './answer-soap.ts';
import type { Journal } from './journal.ts';
import { EnrollmentRefusal, REFUSALS, type RefusalCause } from './refusal.ts';
import type { Throttle } from './throttle.ts';
import { type EnrollmentServices, issueToken } from './token-request.ts';

/** Context names that help an administrator to find the device; the rest stays out of the journal. */
const JOURNAL_NAMES = ['DeviceName', 'DeviceID', 'HWDevID', 'OSVersion', 'OSEdition', 'EnrollmentType', 'SerialNumber'];

/** What the server itself failed at, and what is refused to a device that has proved which it is: no secret was guessed. */
const NO_FAILURES: ReadonlySet<RefusalCause> = new Set([
  'failed',
  'busy',
  'renewalBlocked',
  'renewalLeft',
  'renewalTooEarly',
  'renewalTooOften',
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
interface Attempt {
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
  const traceId = services.journal.begin(call.address, now());
  const attempt: Attempt = {};
  try {
    readRequest(attempt, call.body);
    const { envelope, request } = attempt as Required<Attempt>;
    const { outcome, words, device, body } = await issueToken(services, envelope, request, traceId);
    const entry = { ...describe(traceId, attempt, words), enrollmentId: device.id };
    await services.journal.enrolled(entry, call.address, services.log, outcome);
    services.log.info(`A device was ${outcome}`, { device: device.id, trace: traceId });
    return { status: 200, body };
  } catch (error) {
    const { cause, reason } = explain(error);
    services.log.warn('An enrollment was refused', { trace: traceId, cause, reason });
    await services.journal.refused({ ...describe(traceId, attempt, reason), cause }, services.log);
    const retryAfter = NO_FAILURES.has(cause) ? undefined : services.throttle.fail(call.address, now());
    const { fault: name, message } = REFUSALS[cause];
    const body = fault({ name, reason: message, traceId, relatesTo: attempt.envelope?.messageId });
    return { status: retryAfter === undefined ? 500 : 429, body, retryAfter };
  }
}

function readRequest(attempt: Attempt, body: Buffer): void {
  attempt.envelope = readEnvelope(body);
  attempt.request = readRequestSecurityToken(attempt.envelope);
  checkAction(attempt.envelope, ACTION_REQUEST_SECURITY_TOKEN);
}

function explain(error: unknown): { cause: RefusalCause; reason: string } {
  if (error instanceof EnrollmentRefusal) return { cause: error.refusal, reason: error.message };
  if (error instanceof SoapError || error instanceof XmlError) return { cause: 'unreadable', reason: error.message };
  return { cause: 'failed', reason: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown failure' };
}

function describe(traceId: string, attempt: Attempt, reason: string) {
  const items = attempt.request?.context ?? [];
  const device = items
    .filter(({ name }) => JOURNAL_NAMES.includes(name))
    .map(({ name, value }) => [name, value.slice(0, 200)]);
  const user = attempt.envelope?.security.usernameToken?.username.slice(0, 320) ?? '';
  return { traceId, at: now().toISOString(), user, reason: reason.slice(0, 500), device: Object.fromEntries(device) };
}
