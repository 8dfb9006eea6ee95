import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { answerMessage, MAX_MESSAGE_BYTES } from '../../shared/management/answer-message.ts';
import { readBody } from '../../shared/platform/body.ts';
import { reply } from '../../shared/platform/http.ts';
import { errorFacts, logTo } from '../../shared/platform/log.ts';
import { Problem } from '../../shared/platform/problem.ts';
import { StorageUnavailable } from '../../shared/storage/errors.ts';
import { MANAGEMENT_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';

const SYNCML_TYPE = 'application/vnd.syncml.dm+xml';
/** Seconds; Windows reads Retry-After as a number only (MS-MDM 3.1.6). */
const RETRY_AFTER = '120';

/** Management (MS-MDM, OMA-DM 1.2): one message of a session. The query that Windows adds (`?mode=…`) is not looked at. */
app.http('management', {
  route: MANAGEMENT_PATH.slice(1),
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: manage,
});

async function manage(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const log = logTo(context);
  if (request.headers.get('content-type')?.toLowerCase().includes('wbxml')) return reply(415, '');
  const { settings, storage, catalogue, appKey } = services();
  const { deviceAuth, clientCert } = settings;
  try {
    const body = await readBody(request, MAX_MESSAGE_BYTES);
    const certificateHeader = request.headers.get('x-arr-clientcert');
    const answer = await answerMessage(
      { storage, catalogue, deviceAuth, clientCert, appKey, log },
      { body, certificateHeader },
    );
    const type = answer.status === 200 ? SYNCML_TYPE : undefined;
    const headers: Record<string, string> = answer.status === 503 ? { 'Retry-After': RETRY_AFTER } : {};
    return reply(answer.status, answer.body, type, headers);
  } catch (error) {
    if (error instanceof Problem) return reply(error.status, '');
    log.error('A management message could not be answered', errorFacts(error));
    if (error instanceof StorageUnavailable) return reply(503, '', undefined, { 'Retry-After': RETRY_AFTER });
    return reply(500, '');
  }
}
