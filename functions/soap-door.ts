import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { answerSoap, type SoapAnswer } from '../shared/enrollment/answer-soap.ts';
import { readBody } from '../shared/platform/body.ts';
import { reply } from '../shared/platform/http.ts';
import { type Facts, logTo } from '../shared/platform/log.ts';
import { Problem } from '../shared/platform/problem.ts';
import type { Envelope } from '../shared/wire/soap.ts';

export const SOAP_TYPE = 'application/soap+xml; charset=utf-8';
/** An enrollment request is some ten kilobytes, with attestation some more. */
export const MAX_SOAP_BYTES = 1024 * 1024;
const MAX_HEADER_LOGGED = 100;

/** A door that answers one SOAP call for everybody: a probe gets an empty 200, a body its answer or a fault. */
export async function soapDoor(
  request: HttpRequest,
  context: InvocationContext,
  action: string,
  answer: (envelope: Envelope) => SoapAnswer | Promise<SoapAnswer>,
): Promise<HttpResponseInit> {
  const log = logTo(context);
  const body = await readSoapBody(request);
  if (!Buffer.isBuffer(body)) return body;
  if (request.method !== 'POST' || body.length === 0) {
    log.info('A probe was answered', probeFacts(request));
    return reply(200, '');
  }
  const { status, body: envelope } = await answerSoap(body, action, log, answer);
  return reply(status, envelope, SOAP_TYPE);
}

/** What tells a PC's probe from a body that something on the way took out. */
function probeFacts({ method, headers }: HttpRequest): Facts {
  const header = (name: string) => headers.get(name)?.slice(0, MAX_HEADER_LOGGED);
  return {
    method,
    agent: header('user-agent'),
    contentType: header('content-type'),
    contentLength: header('content-length'),
    transferEncoding: header('transfer-encoding'),
  };
}

/** @returns the body, or the reply that refuses it for its size */
export async function readSoapBody(request: HttpRequest): Promise<Buffer | HttpResponseInit> {
  try {
    return await readBody(request, MAX_SOAP_BYTES);
  } catch (error) {
    if (error instanceof Problem) return reply(error.status, '');
    throw error;
  }
}
