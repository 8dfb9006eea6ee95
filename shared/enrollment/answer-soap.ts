import { now } from '../platform/clock.ts';
import { errorFacts, type Facts, type Log } from '../platform/log.ts';
import { fault } from '../wire/fault.ts';
import { type Envelope, readEnvelope, SoapError } from '../wire/soap.ts';
import { XmlError } from '../wire/xml.ts';
import { traceIdNotKept } from './journal/journal.ts';
import { EnrollmentRefusal, REFUSALS, type RefusalCause } from './refusal.ts';

/** A reply, and what the log says of it: nothing that names a person. */
export interface SoapAnswer {
  body: Buffer;
  event: string;
  facts: Facts;
}

/**
 * Answers a SOAP call that needs no credential: Discover and GetPolicies. What cannot be read, or whose action contradicts
 * its body, gets the fault MessageFormat with HTTP 500 (MS-MDE2 2.2.10), and what the server fails at InternalServiceFault,
 * since Windows takes the empty body of a failed function for an error of its own. Nothing is kept but a log line.
 * @param action the SOAP action that belongs to the call; a request without one is answered by its body
 * @param answer gives the reply; throws SoapError when the body is another message
 */
export async function answerSoap(
  body: Buffer,
  action: string,
  log: Log,
  answer: (envelope: Envelope) => SoapAnswer | Promise<SoapAnswer>,
): Promise<{ status: 200 | 500; body: Buffer }> {
  let envelope: Envelope | undefined;
  try {
    envelope = readEnvelope(body);
    const reply = await answer(envelope);
    checkAction(envelope, action);
    log.info(reply.event, { ...reply.facts, bytes: body.length });
    return { status: 200, body: reply.body };
  } catch (error) {
    const cause = causeOf(error);
    const traceId = traceIdNotKept(now());
    const facts = { trace: traceId, ...errorFacts(error), bytes: body.length };
    if (cause === 'failed') log.error('A SOAP request failed', facts);
    else log.warn('A SOAP request could not be answered', facts);
    const { fault: name, message } = REFUSALS[cause];
    return { status: 500, body: fault({ name, reason: message, traceId, relatesTo: envelope?.messageId }) };
  }
}

function causeOf(error: unknown): RefusalCause {
  if (error instanceof EnrollmentRefusal) return error.refusal;
  return error instanceof SoapError || error instanceof XmlError ? 'unreadable' : 'failed';
}

/**
 * The body's element says what is asked; a SOAP action, where there is one, must not contradict it.
 * @throws {EnrollmentRefusal} `wrongAction`
 */
export function checkAction({ action }: Envelope, expected: string): void {
  if (action === undefined || action === expected) return;
  throw new EnrollmentRefusal('wrongAction', `The SOAP action is ${action.slice(0, 200)}.`);
}
