import type { Catalogue } from '../../catalogue/catalogue.ts';
import type { Policy } from '../../catalogue/policy.ts';
import type { Page } from '../../pages/page.ts';
import { now } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Storage } from '../../storage/storage.ts';
import { type EnrollmentClaims, writeEnrollmentToken } from '../authentication/enrollment-token.ts';
import { checkTenant } from '../authentication/tenant.ts';
import { findInvitation } from '../invitations/invitations.ts';
import type { Journal } from '../journal/journal.ts';
import { EnrollmentRefusal, type RefusalCause } from '../refusal.ts';
import type { Throttle } from '../throttle.ts';
import { handOverPage, type Mistake, plainPage, signInPage } from './sign-in-page.ts';
import { readSignInRequest, type SignInRequest } from './sign-in-request.ts';

/**
 * Signing in on our own page, the way in that Discovery calls Federated (MS-MDE2 3.2). Nothing is stored: what the page
 * gives out is a token, and a use of the invitation counts when a certificate is issued.
 *
 * What a person should read comes with HTTP 200: the web view of Windows shows an error of its own for any other status.
 */
export interface SignInServices {
  storage: Storage;
  catalogue: Catalogue;
  journal: Journal;
  throttle: Throttle;
  log: Log;
  appKey(): Promise<Buffer>;
}

/** `retryAfter` in seconds, with status 429. */
export interface PageReply {
  status: 200 | 400 | 403 | 404 | 429;
  page: Page;
  retryAfter?: number;
}

/** A sign-in that may go on. */
export interface OpenSignIn {
  policy: Policy;
  request: SignInRequest;
}

/** Shows the page. Whatever the address holds, nothing happens by opening it. */
export async function showSignIn(services: SignInServices, query: URLSearchParams): Promise<PageReply> {
  const opened = await openSignIn(services, query);
  if ('page' in opened) return opened;
  return { status: 200, page: signInPage(opened.policy, opened.request) };
}

/**
 * Takes the form: user and invitation secret, typed or out of a deep link. The same answer after the same work for an
 * unknown user, a wrong secret and an invitation that has ended; a right secret always passes.
 *
 * @param call.form the form's fields
 * @param call.address where the call comes from, as the platform saw it
 */
export async function signInByInvitation(
  services: SignInServices,
  call: { form: URLSearchParams; address: string },
): Promise<PageReply> {
  const opened = await openSignIn(services, call.form);
  if ('page' in opened) return opened;
  const { policy, request } = opened;
  const secret = call.form.get('secret') ?? '';
  const missing = whatIsMissing(request, secret);
  if (missing) return { status: 200, page: signInPage(policy, request, missing) };
  const invitation = await findInvitation(services.storage, request.user, secret, now());
  if (!invitation) {
    const reason = 'Sign-in page: no open invitation of this user has this secret.';
    const message = 'The user name or the secret is not right, or the invitation has ended.';
    return refuse(services, opened, {
      address: call.address,
      cause: 'wrongCredential',
      reason,
      message,
      field: 'secret',
    });
  }
  return handOver(services, opened, { sub: invitation.value.user, invitation: invitation.value.id });
}

function whatIsMissing({ user }: SignInRequest, secret: string): Mistake | undefined {
  if (user === '') return { message: 'Type your user name.', field: 'user' };
  if (secret.trim() === '') return { message: 'Type the secret of your invitation.', field: 'secret' };
  return undefined;
}

/** Gives Windows the token of whoever has signed in. */
export async function handOver(
  services: SignInServices,
  { policy, request }: OpenSignIn,
  who: Pick<EnrollmentClaims, 'sub' | 'invitation' | 'oid'>,
): Promise<PageReply> {
  const { ownership, deviceIdentifier: device, tenantIdentifier: tenant } = request;
  const token = await writeEnrollmentToken(await services.appKey(), { ...who, ownership, device, tenant }, now());
  services.log.info('A user signed in', { way: who.invitation ? 'invitation' : 'entra' });
  return { status: 200, page: handOverPage(policy, request, token) };
}

/** What went wrong with a sign-in: for the journal, and for the person. */
export interface Failure extends Omit<Mistake, 'traceId'> {
  address: string;
  cause: RefusalCause;
  reason: string;
}

/** Says on the page what did not work, writes it down, and counts it against the caller's address. */
export async function refuse(
  services: SignInServices,
  { policy, request }: OpenSignIn,
  { address, cause, reason, message, field }: Failure,
): Promise<PageReply> {
  const at = now();
  const begun = services.journal.begin(address, at);
  const attempt = { at: at.toISOString(), user: request.user, step: 'signIn' as const, device: {} };
  const entry = { ...attempt, traceId: begun, cause, reason: reason.slice(0, 500) };
  const traceId = await services.journal.refused(entry, { address }, services.log);
  services.log.warn('A sign-in was refused', { trace: traceId, cause, reason });
  const retryAfter = services.throttle.fail(address, at);
  if (retryAfter === undefined) return { status: 200, page: signInPage(policy, request, { message, field, traceId }) };
  const wait = `${message} That was too often: wait ${Math.ceil(retryAfter / 60)} minutes before you try again.`;
  return { status: 429, retryAfter, page: signInPage(policy, request, { message: wait, field, traceId }) };
}

/** @returns what goes on, or the page that says why nothing does */
export async function openSignIn(
  services: Pick<SignInServices, 'catalogue'>,
  parameters: URLSearchParams,
): Promise<OpenSignIn | PageReply> {
  const { policy } = await services.catalogue.read();
  if (!policy.ways.includes('Federated')) {
    return { status: 404, page: plainPage(policy, 'Signing in on this page is not offered', [FROM_SETTINGS]) };
  }
  const request = readSignInRequest(parameters);
  if (!request)
    return { status: 400, page: plainPage(policy, 'Please start in Windows Settings', [NO_WAY_BACK, FROM_SETTINGS]) };
  try {
    checkTenant({ way: 'signIn', kind: 'deviceOnly', tenantIdentifier: request.tenantIdentifier }, policy);
  } catch (error) {
    if (!(error instanceof EnrollmentRefusal)) throw error;
    return { status: 403, page: plainPage(policy, 'This link is for another organisation', [ASK_FOR_A_LINK]) };
  }
  return { policy, request };
}

const NO_WAY_BACK = 'This page belongs to Windows and cannot be used by itself.';
const FROM_SETTINGS =
  'Open Settings, choose Accounts, then Access work or school, then "Enroll only in device management", and type your user name.';
const ASK_FOR_A_LINK = 'Ask whoever gave you the link for one of your own organisation.';

/** For a form that another site has sent: what a person did on this page comes from this page. */
export async function foreignForm(services: Pick<SignInServices, 'catalogue'>): Promise<PageReply> {
  const { policy } = await services.catalogue.read();
  return { status: 403, page: plainPage(policy, 'Please start in Windows Settings', [NO_WAY_BACK, FROM_SETTINGS]) };
}
