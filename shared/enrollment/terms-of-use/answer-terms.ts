import type { Catalogue } from '../../catalogue/catalogue.ts';
import type { Policy } from '../../catalogue/policy.ts';
import type { Page } from '../../pages/page.ts';
import { now } from '../../platform/clock.ts';
import { errorFacts, type Log } from '../../platform/log.ts';
import { type EntraUser, verifyEntraToken } from '../authentication/entra-token.ts';
import { EnrollmentRefusal } from '../refusal.ts';
import { TERMS_SCHEMES, type WindowsScheme, windowsScheme } from '../sign-in/windows-redirect.ts';
import { readTermsForm, writeTermsForm } from './terms-form.ts';
import { writeOpaqueBlob } from './terms-of-use.ts';
import { noTermsPage, termsPage } from './terms-page.ts';

/**
 * The terms of use that Windows shows while a PC joins Microsoft Entra or gets a work account (Learn, "Microsoft Entra
 * integration with MDM", Terms of Use protocol). Nothing is stored: the answer goes to Windows, and comes back with the
 * request for a certificate.
 */
export interface TermsServices {
  catalogue: Catalogue;
  appKey(): Promise<Buffer>;
  log: Log;
}

/** A page for a person, or the address in Windows to go to (HTTP 302). */
export type TermsReply = { status: 200 | 400; page: Page } | { status: 302; location: string };

/** What Entra's documents name as `error`. */
type TermsError = 'invalid_request' | 'unauthorized_client' | 'server_error';

const NOT_FROM_WINDOWS = 'This page is for Windows to open while a PC joins the organisation.';

/**
 * Shows the terms to the user of the token, or says at once that there is nothing to accept.
 * @param query `redirect_uri`, `api-version`, `mode` (`azureadjoin` for a join), `client-request-id`
 * @param authorization the header: `Bearer` and a token of the tenant
 */
export async function showTerms(
  services: TermsServices,
  query: URLSearchParams,
  authorization: string | null,
): Promise<TermsReply> {
  const redirectUri = query.get('redirect_uri') ?? '';
  const scheme = windowsScheme(redirectUri, TERMS_SCHEMES);
  if (!scheme) {
    const { policy } = await services.catalogue.readOrLast();
    const reason = 'The redirect_uri is no address in Windows.';
    services.log.warn('Terms of use were not shown', { reason, scheme: redirectUri.split(':')[0]?.slice(0, 20) });
    return { status: 400, page: noTermsPage(policy, NOT_FROM_WINDOWS) };
  }
  const version = query.get('api-version') ?? '1.0';
  if (version !== '1.0') return refuse(redirectUri, 'invalid_request', 'Only api-version 1.0 is served.');
  try {
    const { policy } = await services.catalogue.read();
    const entraUser = await verifyEntraToken(bearerOf(authorization), policy.entra, now());
    return await termsFor(services, policy, {
      entraUser,
      redirectUri,
      scheme,
      isJoin: query.get('mode') === 'azureadjoin',
    });
  } catch (error) {
    return explain(services, redirectUri, query, error);
  }
}

async function termsFor(
  services: TermsServices,
  policy: Policy,
  v: { entraUser: EntraUser; redirectUri: string; scheme: WindowsScheme; isJoin: boolean },
): Promise<TermsReply> {
  const { entraUser, redirectUri, scheme, isJoin } = v;
  const { text, version } = policy.termsOfUse;
  if (text === '') return back(redirectUri, { IsAccepted: 'true' });
  const form = await writeTermsForm(await services.appKey(), { entraUser, version, redirectUri }, now());
  return { status: 200, page: termsPage(policy, { form, scheme, mayDecline: !isJoin }) };
}

/**
 * Takes the answer: `accept` gives Windows the proof that it brings back later, all else declines.
 * @param fields the form of the page: `form` and `answer`
 */
export async function decideTerms(services: TermsServices, fields: URLSearchParams): Promise<TermsReply> {
  const appKey = await services.appKey();
  const form = await readTermsForm(appKey, fields.get('form') ?? '', now());
  if (!form) {
    const { policy } = await services.catalogue.readOrLast();
    const what = 'Reading took too long, or the page was changed on its way. Start again in Windows.';
    return { status: 400, page: noTermsPage(policy, what) };
  }
  const { entraUser, version, redirectUri } = form;
  const accepted = fields.get('answer') === 'accept';
  services.log.info(accepted ? 'Terms of use were accepted' : 'Terms of use were declined', { version });
  if (!accepted) return back(redirectUri, { IsAccepted: 'false' });
  const blob = await writeOpaqueBlob(appKey, entraUser, version, now());
  return back(redirectUri, { IsAccepted: 'true', OpaqueBlob: blob });
}

function bearerOf(authorization: string | null): string {
  return /^Bearer +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1] ?? '';
}

function explain(services: TermsServices, redirectUri: string, query: URLSearchParams, error: unknown): TermsReply {
  const request = query.get('client-request-id')?.slice(0, 100);
  if (error instanceof EnrollmentRefusal && error.refusal === 'badEntraToken') {
    services.log.warn('Terms of use were not shown', { request, reason: error.message });
    return refuse(redirectUri, 'unauthorized_client', 'The token is not good for this server.');
  }
  services.log.error('Terms of use could not be shown', { request, ...errorFacts(error) });
  return refuse(redirectUri, 'server_error', 'The server cannot show the terms of use now. Try again in a minute.');
}

function refuse(redirectUri: string, error: TermsError, description: string): TermsReply {
  return back(redirectUri, { error, error_description: description });
}

/** The address is added to and not written anew: Windows compares it with its own. */
function back(redirectUri: string, parameters: Record<string, string>): TermsReply {
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return { status: 302, location: `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query.join('&')}` };
}
