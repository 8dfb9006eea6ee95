import { now } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { fault } from '../wire/fault.ts';
import { type Envelope, readEnvelope, SoapError } from '../wire/soap.ts';
import { XmlError } from '../wire/xml.ts';
import { traceIdNotKept } from './journal.ts';
import { EnrollmentRefusal, REFUSALS } from './refusal.ts';

/**
 * Answers a SOAP call that needs no credential: Discover and GetPolicies. What cannot be read, or whose action contradicts
 * its body, gets the fault MessageFormat with HTTP 500 (MS-MDE2 2.2.10). Nothing is kept of such a call but a log line.
 * @param action the SOAP action that belongs to the call; a request without one is answered by its body
 * @param answer gives the reply; throws SoapError when the body is another message
 */
export async function answerSoap(
  body: Buffer,
  action: string,
  log: Log,
  answer: (envelope: Envelope) => Buffer | Promise<Buffer>,
): Promise<{ status: 200 | 500; body: Buffer }> {
  let envelope: Envelope | undefined;
  try {
    envelope = readEnvelope(body);
    const reply = await answer(envelope);
    checkAction(envelope, action);
    return { status: 200, body: reply };
  } catch (error) {
    const readable = error instanceof SoapError || error instanceof XmlError || error instanceof EnrollmentRefusal;
    if (!readable) throw error;
    const traceId = traceIdNotKept(now());
    log.warn('A SOAP request could not be answered', { trace: traceId, reason: error.message, bytes: body.length });
    const { fault: name, message } = REFUSALS[error instanceof EnrollmentRefusal ? error.refusal : 'unreadable'];
    return { status: 500, body: fault({ name, reason: message, traceId, relatesTo: envelope?.messageId }) };
  }
}

/**
 * The body's element says what is asked; a SOAP action, where there is one, must not contradict it.
 * @throws {EnrollmentRefusal} `wrongAction`
 */
export function checkAction({ action }: Envelope, expected: string): void {
  if (action === undefined || action === expected) return;
  throw new EnrollmentRefusal('wrongAction', `The SOAP action is ${action.slice(0, 200)}.`);
}
