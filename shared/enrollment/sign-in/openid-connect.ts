import type * as OAuth from 'oauth4webapi';
import { now } from '../../platform/clock.ts';

/**
 * Signing in with Microsoft Entra: OpenID Connect's code flow with PKCE (OpenID Connect Core 3.1, RFC 7636). The app proves
 * itself by its managed identity as a federated credential of the app registration (Microsoft Learn, "Configure an
 * application to trust a managed identity"): there is no client secret that could leak or end.
 */
export interface EntraApp {
  /** Such as `https://login.microsoftonline.com`. */
  authority: string;
  /** GUIDs in lower case. */
  tenantId: string;
  clientId: string;
  /** Where Entra sends the person back to, as in the app registration. */
  redirectUri: string;
  /** A token of the managed identity for `api://AzureADTokenExchange`. */
  assertion(): Promise<string>;
}

/** What a sign-in is bound to; kept by the caller until the person comes back. */
export interface SignInSecrets {
  state: string;
  nonce: string;
  verifier: string;
}

export interface EntraUser {
  /** User principal name in lower case. */
  user: string;
  /** Object id in the tenant: the name of the user that never changes. */
  objectId: string;
}

/**
 * Why a sign-in did not come about: the person broke off, is a guest, Entra cannot be reached, Entra does not know the app
 * or the app has no identity to show, or `failed`: the tenant's rules said no, or what came is not believed.
 */
export type SignInFailure = 'declined' | 'guest' | 'unreachable' | 'identity' | 'failed';

/** The message is for the journal. */
export class EntraSignInError extends Error {
  override readonly name = 'EntraSignInError';
  readonly kind: SignInFailure;

  constructor(kind: SignInFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const TIMEOUT_MS = 10_000;
const METADATA_FOR_MS = 24 * 3_600_000;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A person is waiting; the library is loaded with the first sign-in and not with the app. */
const library = () => import('oauth4webapi');

/**
 * Begins a sign-in. @returns where to send the person, and what to keep until he comes back
 * @throws {EntraSignInError} `unreachable`
 */
export async function beginEntraSignIn(
  app: EntraApp,
  loginHint: string,
): Promise<{ url: string; secrets: SignInSecrets }> {
  const oauth = await library();
  const server = await metadata(oauth, app);
  const secrets: SignInSecrets = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  };
  const url = new URL(server.authorization_endpoint ?? '');
  const parameters = {
    client_id: app.clientId,
    response_type: 'code',
    // In the query, so that the person comes back by GET: a cookie that is SameSite=Lax is not sent with a POST.
    response_mode: 'query',
    redirect_uri: app.redirectUri,
    scope: 'openid profile',
    state: secrets.state,
    nonce: secrets.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(secrets.verifier),
    code_challenge_method: 'S256',
    ...(loginHint !== '' && { login_hint: loginHint }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, secrets };
}

/**
 * Ends a sign-in: exchanges the code and checks the ID token (OpenID Connect Core 3.1.3.7): signature, issuer, audience,
 * nonce, times, and that it is of the tenant.
 *
 * @param answer the parameters with which the person came back
 * @throws {EntraSignInError}
 */
export async function finishEntraSignIn(
  app: EntraApp,
  answer: URLSearchParams,
  secrets: SignInSecrets,
): Promise<EntraUser> {
  const oauth = await library();
  const claims = await failing(exchange(oauth, app, answer, secrets));
  if (typeof claims['tid'] !== 'string' || claims['tid'].toLowerCase() !== app.tenantId) {
    throw new EntraSignInError('failed', 'The ID token is of another tenant.');
  }
  const { oid } = claims;
  if (typeof oid !== 'string' || oid === '' || oid.length > 100) {
    throw new EntraSignInError('failed', 'The ID token names no user (oid).');
  }
  return { user: userOf(claims), objectId: oid };
}

async function exchange(
  oauth: typeof OAuth,
  app: EntraApp,
  answer: URLSearchParams,
  { state, nonce, verifier }: SignInSecrets,
): Promise<OAuth.IDToken> {
  const server = await metadata(oauth, app);
  const client: OAuth.Client = {
    client_id: app.clientId,
    // The library goes by the system's clock; ours is the product's.
    [oauth.clockSkew]: Math.round((now().getTime() - Date.now()) / 1_000),
    [oauth.clockTolerance]: 60,
  };
  const code = oauth.validateAuthResponse(server, client, answer, state);
  const options = requestOptions(oauth, app);
  const proof = clientAssertion(await or('identity', app.assertion()));
  const { redirectUri } = app;
  const asked = oauth.authorizationCodeGrantRequest(server, client, proof, code, redirectUri, verifier, options);
  const reply = await or('unreachable', asked);
  const check = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, reply, check);
  await oauth.validateApplicationLevelSignature(server, reply, options);
  return oauth.getValidatedIdTokenClaims(tokens)!;
}

/** RFC 7523 2.2, with an assertion that somebody else has signed for us. */
function clientAssertion(assertion: string): OAuth.ClientAuth {
  return (_server, client, body) => {
    body.set('client_id', client.client_id);
    body.set('client_assertion_type', ASSERTION_TYPE);
    body.set('client_assertion', assertion);
  };
}

/**
 * Version 2 of the ID token has `upn` only where the app registration asks for it, else `preferred_username`. That is no
 * proof for guests, whose name is whatever their own directory says: they do not sign in here.
 */
function userOf(claims: OAuth.IDToken): string {
  const { upn, preferred_username: preferred, idp, iss, acct } = claims;
  const name = typeof upn === 'string' && upn !== '' ? upn : preferred;
  if (typeof name !== 'string' || !/^[^@\s]+@[^@\s]+$/.test(name) || name.length > 320) {
    throw new EntraSignInError('failed', 'The ID token has neither upn nor a preferred_username that is one.');
  }
  const isForeign = idp !== undefined && idp !== iss;
  if (isForeign || acct === 1 || name.toUpperCase().includes('#EXT#')) {
    throw new EntraSignInError('guest', 'The user is a guest of the tenant.');
  }
  return name.toLowerCase();
}

const known = new Map<string, { server: Promise<OAuth.AuthorizationServer>; until: number }>();

/**
 * The tenant's endpoints and, kept with them by the library, its keys (OpenID Connect Discovery 4).
 * @throws {EntraSignInError} `unreachable`
 */
function metadata(oauth: typeof OAuth, app: EntraApp): Promise<OAuth.AuthorizationServer> {
  const issuer = `${app.authority}/${app.tenantId}/v2.0`;
  const kept = known.get(issuer);
  if (kept && kept.until > now().getTime()) return kept.server;
  const asked = oauth
    .discoveryRequest(new URL(issuer), { algorithm: 'oidc', ...requestOptions(oauth, app) })
    .then((reply) => oauth.processDiscoveryResponse(new URL(issuer), reply));
  const server = or('unreachable', asked).catch((error) => {
    known.delete(issuer);
    throw error;
  });
  known.set(issuer, { server, until: now().getTime() + METADATA_FOR_MS });
  return server;
}

/** Without TLS only on this machine, for an issuer of the tests. */
function requestOptions(oauth: typeof OAuth, { authority }: EntraApp) {
  const { protocol, hostname } = new URL(authority);
  const isLocal = protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1');
  return { signal: () => AbortSignal.timeout(TIMEOUT_MS), [oauth.allowInsecureRequests]: isLocal };
}

/** What Entra answers (RFC 6749 4.1.2.1, 5.2) that says more than that the sign-in failed. */
const KINDS: Record<string, SignInFailure> = {
  access_denied: 'declined',
  server_error: 'unreachable',
  temporarily_unavailable: 'unreachable',
  invalid_client: 'identity',
  unauthorized_client: 'identity',
};

/** Errors of the library and of the network become one; their messages hold no token and no code. */
async function failing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof EntraSignInError) throw error;
    const { AuthorizationResponseError, ResponseBodyError } = await library();
    if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
      const said = describe(error.error, error.error_description);
      throw new EntraSignInError(KINDS[error.error] ?? 'failed', `Microsoft Entra: ${said}`);
    }
    throw wrapped(isAway(error) ? 'unreachable' : 'failed', error);
  }
}

/** A step that fails for one reason alone. */
function or<T>(kind: SignInFailure, step: Promise<T>): Promise<T> {
  return step.catch((error) => {
    throw wrapped(kind, error);
  });
}

function wrapped(kind: SignInFailure, error: unknown): EntraSignInError {
  const why = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown failure';
  return new EntraSignInError(kind, why.slice(0, 300), error);
}

/** No answer (the errors of fetch), or one of a server that is down, which the library has as the cause of its error. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.cause instanceof Response) return error.cause.status >= 500;
  return ['TimeoutError', 'AbortError'].includes(error.name) || error.message === 'fetch failed';
}

function describe(error: string, description: string | undefined): string {
  return `${error}${description ? ` (${description})` : ''}`.slice(0, 400);
}
