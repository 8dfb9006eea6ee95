import { DeviceError, HRESULT } from './errors.ts';
import { formMayGo } from './form-action.ts';
import type { HttpClient, HttpReply } from './http-client.ts';
import type { Machine } from './machine.ts';

/** How a PC comes to be in Entra: by joining the tenant, or because somebody added a work account. */
export type EntraKind = 'join' | 'workAccount';

export interface EntraEnrollment {
  kind: EntraKind;
  /** the token that Entra gave to Windows for the MDM application */
  token: string;
  /** the address of the terms of use that the tenant names; left out: it names none */
  termsOfUse?: string;
  /** what the person answers there */
  answer?: 'accept' | 'decline';
}

/** Where Windows waits for the answer of the page: the set-up of a new PC under a scheme of its own, Settings in an app. */
const REDIRECTS: Record<EntraKind, string> = {
  join: 'ms-aadj-redir://auth/mdm',
  workAccount: 'ms-appx-web://microsoft.aad.brokerplugin/terms',
};

/** The PC as it is when it asks for management: a join enrolls the device, a work account enrolls its user. */
export function machineInEntra(machine: Machine, kind: EntraKind): Machine {
  if (kind === 'workAccount') return { ...machine, enrollmentType: 'Full', join: 'registered' };
  const inDomain = machine.join === 'domain' || machine.join === 'hybrid';
  return { ...machine, enrollmentType: 'Device', join: inDomain ? 'hybrid' : 'joined' };
}

/**
 * Opens the terms of use with the token and answers them, as the web view of Windows does with the person before it.
 * Out: the OpaqueBlob; undefined where the tenant names no page or the page gave none.
 * Errors: 0x8018000F when the person declined or the page said that something is wrong.
 */
export async function passTermsOfUse(http: HttpClient, entra: EntraEnrollment): Promise<string | undefined> {
  const { kind, token, termsOfUse, answer = 'accept' } = entra;
  if (termsOfUse === undefined) return undefined;
  const url = new URL(termsOfUse);
  url.searchParams.set('redirect_uri', REDIRECTS[kind]);
  url.searchParams.set('client-request-id', '1f0f6b1e-8a5a-4a4e-9d43-3f1d2a5f9b60');
  url.searchParams.set('api-version', '1.0');
  if (kind === 'join') url.searchParams.set('mode', 'azureadjoin');
  const headers = { Authorization: `Bearer ${token}`, 'CXH-HOST': 'FRX' };
  const page = await http.send({ step: 'terms of use', method: 'GET', url: url.href, headers });
  return blobOf(page.status === 302 ? page : await submit(http, url, page, answer), REDIRECTS[kind]);
}

/** Presses one of the two buttons of the page's form. */
async function submit(http: HttpClient, url: URL, page: HttpReply, answer: string): Promise<HttpReply> {
  const text = page.body.toString('utf8');
  const action = /<form method="post" action="([^"]+)"/.exec(text)?.[1];
  const hidden = [...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  const offered = [...text.matchAll(/<button [^>]*name="answer" value="([^"]+)"/g)].map(([, value]) => value);
  if (page.status !== 200 || action === undefined || !offered.includes(answer)) {
    throw failed(`the page of the terms of use (HTTP ${page.status}) cannot be answered with ${answer}`);
  }
  const fields = new URLSearchParams(hidden.map(([, name = '', value = '']): [string, string] => [name, value]));
  fields.set('answer', answer);
  const target = new URL(action, url).href;
  const reply = await http.send({
    step: 'answer',
    method: 'POST',
    url: target,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(fields.toString()),
  });
  for (const address of [target, reply.location ?? target]) {
    if (!formMayGo(page.policy, url.href, address)) throw failed(`the form of the page may not go to ${address}`);
  }
  return reply;
}

function blobOf({ status, location = '' }: HttpReply, redirect: string): string | undefined {
  if (status !== 302 || !location.startsWith(`${redirect}?`))
    throw failed(`the page leads to "${location}", HTTP ${status}`);
  const query = new URLSearchParams(location.slice(redirect.length + 1));
  const error = query.get('error');
  if (error !== null) throw failed(`${error}: ${query.get('error_description') ?? ''}`);
  if (query.get('IsAccepted') !== 'true') throw failed('the terms of use were declined');
  return query.get('OpaqueBlob') ?? undefined;
}

const failed = (message: string): DeviceError => new DeviceError(HRESULT.webAuthentication, 'terms of use', message);
