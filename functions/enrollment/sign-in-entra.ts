import { app, type Cookie, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { finishSignIn, startEntraSignIn } from '../../shared/enrollment/sign-in/sign-in-entra.ts';
import { STATE_COOKIE, stateCookieOf } from '../../shared/enrollment/sign-in/sign-in-state.ts';
import { callerAddress } from '../../shared/enrollment/throttle.ts';
import { reply } from '../../shared/platform/http.ts';
import { logTo } from '../../shared/platform/log.ts';
import { appIdentity } from '../../shared/storage/credential.ts';
import { ENTRA_CALLBACK_PATH, ENTRA_SIGN_IN_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';
import { orUnavailable, pageReply } from './sign-in.ts';

/** From the sign-in page to Microsoft Entra, by a link. */
app.http('sign-in-entra', {
  route: ENTRA_SIGN_IN_PATH.slice(1),
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) => orUnavailable(context, () => start(request, context)),
});

/** And back: the redirect URI of the app registration. */
app.http('sign-in-entra-callback', {
  route: ENTRA_CALLBACK_PATH.slice(1),
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) => orUnavailable(context, () => finish(request, context)),
});

/** What a managed identity shows to Microsoft Entra as the app's credential (Learn, workload identity federation). */
const EXCHANGE = 'api://AzureADTokenExchange/.default';
const identity = appIdentity();

function own(request: HttpRequest, context: InvocationContext) {
  const { settings, ...shared } = services();
  const identityAssertion = async () => {
    const token = await identity.getToken(EXCHANGE);
    if (!token) throw new Error('The managed identity of the app gave no token.');
    return token.token;
  };
  return {
    call: {
      parameters: new URL(request.url).searchParams,
      address: callerAddress(request.headers.get('x-forwarded-for')),
    },
    services: { ...shared, enrollUrl: settings.enrollUrl, log: logTo(context), identityAssertion },
  };
}

async function start(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const { call, services } = own(request, context);
  const answer = await startEntraSignIn(services, call);
  if ('page' in answer) return pageReply(answer);
  const { location, cookie } = answer;
  return { ...reply(302, '', undefined, { Location: location }), cookies: [stateCookie(cookie.value, cookie.maxAge)] };
}

/** The cookie goes with the answer, whatever it is: no answer of Entra counts twice. */
async function finish(request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
  const { call, services } = own(request, context);
  const cookie = stateCookieOf(request.headers.get('cookie'));
  return { ...pageReply(await finishSignIn(services, { ...call, cookie })), cookies: [stateCookie('', 0)] };
}

function stateCookie(value: string, maxAge: number): Cookie {
  return { name: STATE_COOKIE, value, maxAge, path: '/', secure: true, httpOnly: true, sameSite: 'Lax' };
}
