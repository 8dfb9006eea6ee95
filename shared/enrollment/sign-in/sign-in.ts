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
 * What a person in Windows should read comes with HTTP 200, refusals and all: the web view shows an error of its own for a
 * status from 400 on. Only who did not come from there gets another.
 */
export interface SignInServices {
  storage: Storage;
  catalogue: Catalogue;
  journal: Journal;
  throttle: Throttle;
  log: Log;
  appKey(): Promise<Buffer>;
  /** Origin of the enroll app. */
  enrollUrl: string;
}

export interface PageReply {
  status: 200 | 400 | 403;
  page: Page;
}

interface Call {
  parameters: URLSearchParams;
  /** Where the call comes from, as the platform saw it. */
  address: string;
}

/** A sign-in that may go on. */
export interface OpenSignIn {
  policy: Policy;
  request: SignInRequest;
}

/** Shows the page. Whatever the address holds, nothing happens by opening it. */
export async function showSignIn(services: SignInServices, call: Call): Promise<PageReply> {
  const opened = await openSignIn(services, call);
  if ('page' in opened) return opened;
  return { status: 200, page: signInPage(opened.policy, opened.request) };
}

/**
 * Takes the form: user and invitation secret, typed or out of a deep link. The same answer after the same work for an
 * unknown user, a wrong secret and an invitation that has ended; a right secret always passes.
 *
 * @param call.parameters the form's fields
 */
export async function signInByInvitation(services: SignInServices, call: Call): Promise<PageReply> {
  const opened = await openSignIn(services, call);
  if ('page' in opened) return opened;
  const { policy, request } = opened;
  const secret = call.parameters.get('secret') ?? '';
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

/** What may be a guess and slows its address down; all else is no fault of whoever asks. */
const GUESSES: ReadonlySet<RefusalCause> = new Set(['wrongCredential', 'badToken']);

/**
 * Says above the form what did not work, and writes it down. Who fails too often is told to wait; the form stays, since a
 * right secret always passes.
 */
export async function refuse(
  services: SignInServices,
  { policy, request }: OpenSignIn,
  failure: Failure,
): Promise<PageReply> {
  const retryAfter = GUESSES.has(failure.cause) ? services.throttle.fail(failure.address, now()) : undefined;
  const wait = retryAfter === undefined ? '' : ` ${TOO_OFTEN} wait ${Math.ceil(retryAfter / 60)} minutes.`;
  const message = `${failure.message}${wait}`;
  const traceId = await writeDown(services, request, { ...failure, message });
  return { status: 200, page: signInPage(policy, request, { message, field: failure.field, traceId }) };
}

const TOO_OFTEN = 'There were too many wrong tries from your network: if you are not sure of your secret,';

/** Says on a page of its own why nothing goes on, and writes it down. */
export async function turnAway(
  services: SignInServices,
  { policy, request }: OpenSignIn,
  failure: Failure & { title: string },
): Promise<PageReply> {
  const traceId = await writeDown(services, request, failure);
  return { status: 200, page: plainPage(policy, failure.title, [failure.message], traceId) };
}

async function writeDown(services: SignInServices, request: SignInRequest, failure: Failure): Promise<string> {
  const { address, cause, reason, message } = failure;
  const at = now();
  const begun = services.journal.begin(address, at);
  const attempt = { at: at.toISOString(), user: request.user, userProved: false, step: 'signIn' as const, device: {} };
  const entry = { ...attempt, traceId: begun, cause, reason: reason.slice(0, 500), shown: message };
  const traceId = await services.journal.refused(entry, { address }, services.log);
  services.log.warn('A sign-in was refused', { trace: traceId, cause, reason });
  return traceId;
}

/** @returns what goes on, or the page that says why nothing does */
export async function openSignIn(
  services: SignInServices,
  { parameters, address }: Call,
): Promise<OpenSignIn | PageReply> {
  const { policy } = await services.catalogue.read();
  const request = readSignInRequest(parameters, services.enrollUrl);
  if (!request)
    return { status: 400, page: plainPage(policy, 'Please start in Windows Settings', [NO_WAY_BACK, FROM_SETTINGS]) };
  const opened = { policy, request };
  if (!policy.ways.includes('Federated')) {
    const reason = 'Sign-in page: the setting ways has not got Federated.';
    const title = 'Signing in on this page is not offered';
    return turnAway(services, opened, { address, cause: 'wayNotOffered', reason, title, message: FROM_SETTINGS });
  }
  try {
    checkTenant({ way: 'signIn', kind: 'deviceOnly', tenantIdentifier: request.tenantIdentifier }, policy);
  } catch (error) {
    if (!(error instanceof EnrollmentRefusal)) throw error;
    const { refusal: cause, message: reason } = error;
    const title = 'This link is for another organisation';
    return turnAway(services, opened, { address, cause, reason, title, message: ASK_FOR_A_LINK });
  }
  return opened;
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
