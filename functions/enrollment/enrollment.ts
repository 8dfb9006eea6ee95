import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { answerTokenRequest } from '../../shared/enrollment/answer-token-request.ts';
import { callerAddress } from '../../shared/enrollment/throttle.ts';
import { reply } from '../../shared/platform/http.ts';
import { logTo } from '../../shared/platform/log.ts';
import { ENROLLMENT_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';
import { readSoapBody, SOAP_TYPE } from '../soap-door.ts';

/** Certificate enrollment (MS-WSTEP, MS-MDE2 3.4): the one call of an enrollment that asks for a credential. */
app.http('enrollment', {
  route: ENROLLMENT_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: enroll,
});

async function enroll(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const body = await readSoapBody(request);
  if (!Buffer.isBuffer(body)) return body;
  if (request.method !== 'POST' || body.length === 0) return reply(200, '');

  const { settings, ...shared } = services();
  const { deviceAuth, providerId, enrollUrl, manageUrl } = settings;
  const address = callerAddress(request.headers.get('x-forwarded-for'));
  const answer = await answerTokenRequest(
    { ...shared, deviceAuth, providerId, enrollUrl, manageUrl, log: logTo(context) },
    { body, address },
  );
  const headers: Record<string, string> =
    answer.retryAfter === undefined ? {} : { 'Retry-After': String(answer.retryAfter) };
  return reply(answer.status, answer.body, SOAP_TYPE, headers);
}
