import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { decideTerms, showTerms, type TermsReply } from '../../shared/enrollment/terms-of-use/answer-terms.ts';
import { reply } from '../../shared/platform/http.ts';
import { logTo } from '../../shared/platform/log.ts';
import { TERMS_OF_USE_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';
import { orUnavailable, readForm } from './sign-in.ts';

/** The terms of use of a join or a work account: the address that the tenant's MDM application names beside Discovery. */
app.http('terms-of-use', {
  route: TERMS_OF_USE_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) => orUnavailable(context, () => terms(request, context)),
});

async function terms(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const own = { ...services(), log: logTo(context) };
  if (request.method !== 'POST') {
    const query = new URL(request.url).searchParams;
    return termsReply(await showTerms(own, query, request.headers.get('authorization')));
  }
  // No look at Origin, as Windows frames the page in one of its own: the form's own token tells whose it is.
  const fields = await readForm(request);
  return fields instanceof URLSearchParams ? termsReply(await decideTerms(own, fields)) : fields;
}

function termsReply(answer: TermsReply): HttpResponseInit {
  if (answer.status === 302) return reply(302, '', undefined, { Location: answer.location });
  return reply(answer.status, answer.page.body, undefined, answer.page.headers);
}
