import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import {
  foreignForm,
  type PageReply,
  showSignIn,
  signInByInvitation,
} from '../../shared/enrollment/sign-in/sign-in.ts';
import { triedPage } from '../../shared/enrollment/sign-in/sign-in-page.ts';
import { callerAddress } from '../../shared/enrollment/throttle.ts';
import { readBody } from '../../shared/platform/body.ts';
import { reply } from '../../shared/platform/http.ts';
import { errorFacts, logTo } from '../../shared/platform/log.ts';
import { Problem } from '../../shared/platform/problem.ts';
import { SIGN_IN_DONE_PATH, SIGN_IN_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';

/** Two fields and what Windows put into the address. */
const MAX_FORM_BYTES = 16 * 1024;
const FORM = 'application/x-www-form-urlencoded';

/** The sign-in page that Windows opens in its web view (MS-MDE2 3.2), and its form. */
app.http('sign-in', {
  route: SIGN_IN_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) => orUnavailable(context, () => signIn(request, context)),
});

/** Where a try in a browser ends, with `appru` of our own. */
app.http('sign-in-done', {
  route: SIGN_IN_DONE_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: (_request: HttpRequest, context: InvocationContext) =>
    orUnavailable(context, async () => {
      const { policy } = await services().catalogue.readOrLast();
      return pageReply({ status: 200, page: triedPage(policy) });
    }),
});

/** A person is looking at it: what the server fails at is said in words too. */
export async function orUnavailable(
  context: InvocationContext,
  answer: () => Promise<HttpResponseInit>,
): Promise<HttpResponseInit> {
  try {
    return await answer();
  } catch (error) {
    logTo(context).error('A page of the sign-in could not be shown', errorFacts(error));
    return reply(503, 'The server cannot show this page now. Try again in a minute.');
  }
}

async function signIn(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const { settings, ...shared } = services();
  const own = { ...shared, enrollUrl: settings.enrollUrl, log: logTo(context) };
  // Not `request.query`, which joins what came twice.
  const query = new URL(request.url).searchParams;
  const address = callerAddress(request.headers.get('x-forwarded-for'));
  if (request.method !== 'POST') return pageReply(await showSignIn(own, { parameters: query, address }));
  if (!isOwnForm(request, own.enrollUrl)) return pageReply(await foreignForm(own));
  const form = await readForm(request);
  if (!(form instanceof URLSearchParams)) return form;
  return pageReply(await signInByInvitation(own, { parameters: form, address }));
}

/** A page as an HTTP reply. */
export function pageReply({ status, page }: PageReply): HttpResponseInit {
  return reply(status, page.body, undefined, page.headers);
}

/**
 * Whether a form was sent from a page of ours, as far as the browser says. No cookie signs anybody in here, so another
 * site's form could only bring a secret that it knows; this keeps it from doing that in somebody else's name.
 */
function isOwnForm({ headers }: HttpRequest, enrollUrl: string): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin' || site === 'none';
  // Web views that are too old to name the site are not consistent about the origin of a page without a referrer.
  const origin = headers.get('origin');
  return origin === null || origin === 'null' || origin === enrollUrl;
}

/** @returns the fields of a form, or the reply that refuses it */
export async function readForm(request: HttpRequest): Promise<URLSearchParams | HttpResponseInit> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== FORM) return reply(415, `A form is expected: ${FORM}.`);
  try {
    return new URLSearchParams((await readBody(request, MAX_FORM_BYTES)).toString('utf8'));
  } catch (error) {
    if (error instanceof Problem) return reply(error.status, 'The form is too large.');
    throw error;
  }
}
