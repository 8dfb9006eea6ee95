import type { Policy } from '../../catalogue/policy.ts';
import { now } from '../../platform/clock.ts';
import { ENTRA_CALLBACK_PATH } from '../../wire/paths.ts';
import { entraAuthority } from '../authentication/entra-token.ts';
import { normaliseUser } from '../grants.ts';
import type { RefusalCause } from '../refusal.ts';
import {
  beginEntraSignIn,
  type EntraApp,
  EntraSignInError,
  finishEntraSignIn,
  type SignInFailure,
} from './openid-connect.ts';
import {
  handOver,
  type OpenSignIn,
  openSignIn,
  type PageReply,
  refuse,
  type SignInServices,
  turnAway,
} from './sign-in.ts';
import { offersEntra, plainPage } from './sign-in-page.ts';
import { carriedAlong, type SignInRequest } from './sign-in-request.ts';
import { openState, STATE_VALID_MINUTES, sealState } from './sign-in-state.ts';

/** Signing in with Microsoft Entra on our page: out to Entra, and back with an answer that counts once and here only. */
export interface EntraSignInServices extends SignInServices {
  /** A token of the app's managed identity for `api://AzureADTokenExchange`. */
  identityAssertion(): Promise<string>;
}

/** Sends the person on, with what is needed again when he comes back. */
export interface SentOn {
  location: string;
  /** The value of the cookie, and how long it is good, in seconds. */
  cookie: { value: string; maxAge: number };
}

interface Call {
  parameters: URLSearchParams;
  /** Where the call comes from, as the platform saw it. */
  address: string;
}

/** Sends the person to Microsoft Entra. */
export async function startEntraSignIn(
  services: EntraSignInServices,
  { parameters, address }: Call,
): Promise<SentOn | PageReply> {
  const opened = await openSignIn(services, { parameters, address });
  if ('page' in opened) return opened;
  const { policy, request } = opened;
  if (!offersEntra(policy)) return notOffered(services, opened, address);
  try {
    const { url, secrets } = await beginEntraSignIn(entraApp(services, policy), request.user);
    const sealed = await sealState(await services.appKey(), { ...secrets, request: queryOf(request) }, now());
    return { location: url, cookie: { value: sealed, maxAge: STATE_VALID_MINUTES * 60 } };
  } catch (error) {
    return explain(services, opened, address, error);
  }
}

/**
 * Takes the person back.
 * @param cookie what `startEntraSignIn` gave: without it, or with that of another sign-in, the answer counts for nothing
 */
export async function finishSignIn(
  services: EntraSignInServices,
  { parameters, address, cookie }: Call & { cookie: string | undefined },
): Promise<PageReply> {
  const state = await openState(await services.appKey(), cookie, now());
  if (!state) {
    const { policy } = await services.catalogue.read();
    return { status: 200, page: plainPage(policy, 'The sign-in took too long', [CLOSE_AND_START]) };
  }
  const opened = await openSignIn(services, { parameters: new URLSearchParams(state.request), address });
  if ('page' in opened) return opened;
  if (!offersEntra(opened.policy)) return notOffered(services, opened, address);
  try {
    const { user, objectId } = await finishEntraSignIn(entraApp(services, opened.policy), parameters, state);
    return await handOver(services, opened, { sub: normaliseUser(user), oid: objectId });
  } catch (error) {
    return explain(services, opened, address, error);
  }
}

const CLOSE_AND_START = 'Close this window and start again in Windows Settings.';

function notOffered(services: SignInServices, opened: OpenSignIn, address: string): Promise<PageReply> {
  return turnAway(services, opened, {
    address,
    cause: 'wayNotOffered',
    reason: 'Sign-in page: signing in with Microsoft Entra is not set up in signIn.entra.',
    title: 'Signing in with Microsoft is not set up',
    message: 'Go back and use your invitation, or ask your administrator.',
  });
}

function queryOf(request: SignInRequest): string {
  return new URLSearchParams([...carriedAlong(request), ['login_hint', request.user]]).toString();
}

function entraApp({ enrollUrl, identityAssertion }: EntraSignInServices, { signIn }: Policy): EntraApp {
  const redirectUri = `${enrollUrl}${ENTRA_CALLBACK_PATH}`;
  return { ...signIn.entra, authority: entraAuthority(), redirectUri, assertion: identityAssertion };
}

const WORDS: Record<SignInFailure, [cause: RefusalCause, message: string]> = {
  declined: ['signInDeclined', 'You did not sign in with Microsoft. Try again, or use an invitation.'],
  guest: ['guestNotServed', 'Guests of the organisation cannot sign in with Microsoft here. Use an invitation.'],
  unreachable: ['entraUnreachable', 'Microsoft cannot be reached now. Try again in a minute, or use an invitation.'],
  identity: [
    'identityRefused',
    'Signing in with Microsoft does not work here now. Use an invitation, or ask for help.',
  ],
  failed: ['badToken', 'Signing in with Microsoft did not work. Try again, or use an invitation.'],
};

function explain(
  services: EntraSignInServices,
  opened: OpenSignIn,
  address: string,
  error: unknown,
): Promise<PageReply> {
  if (!(error instanceof EntraSignInError)) throw error;
  const reason = `Sign-in page, Microsoft Entra: ${error.message}`;
  const [cause, message] = WORDS[error.kind];
  return refuse(services, opened, { address, cause, reason, message });
}
