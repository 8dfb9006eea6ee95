import { now } from '../platform/clock.ts';
import { sha256 } from '../platform/ids.ts';

/**
 * Talks to the Windows Push Notification Services (Microsoft Learn, "Push notification service request and response
 * headers"): a token for the identity of the app, and a raw notification, whose content Windows does not read.
 */

const PUBLIC_TOKEN_ENDPOINT = 'https://login.live.com/accesstoken.srf';
const TIMEOUT_MS = 10_000;
const MAX_TOKEN_REPLY = 64 * 1024;
/** A notification is kept for a PC that is off for so long; by then it has called by its schedule. */
const TTL_SECONDS = 8 * 3_600;
/** So long before its end a token is not used any more. */
const TOKEN_MARGIN_MS = 5 * 60_000;
const MAX_TOKEN_MS = 86_400_000;
const USUAL_WAIT_SECONDS = 60;
const LONGEST_WAIT_SECONDS = 86_400;

let tokenEndpoint = PUBLIC_TOKEN_ENDPOINT;
let notifyAuthority: string | undefined;
let timeoutMs = TIMEOUT_MS;

/**
 * Puts other servers in the place of login.live.com and of WNS; `undefined` puts Microsoft's back. For tests only.
 * @param to `token` is the whole address; `notify` is scheme, host and port, path and query stay those of the channel
 */
export function setPushAuthorities(to: { token: string; notify: string; timeoutMs?: number } | undefined): void {
  tokenEndpoint = to?.token ?? PUBLIC_TOKEN_ENDPOINT;
  notifyAuthority = to?.notify;
  timeoutMs = to?.timeoutMs ?? TIMEOUT_MS;
  tokens.clear();
}

export interface PushIdentity {
  /** `ms-app://s-1-15-2-…` */
  packageSid: string;
  secret: string;
}

/** What came of a try. `reason` is a sentence for the administrator and holds neither token nor address. */
export type Sent =
  | { kind: 'taken'; wns: 'received' | 'dropped' | 'throttled' | 'unknown'; device?: string }
  /** WNS knows the channel no more. */
  | { kind: 'gone' }
  | { kind: 'wait'; reason: string; seconds: number }
  | { kind: 'failed'; reason: string };

const tokens = new Map<string, { token: string; until: number }>();

/** Sends a notification to a channel that was checked (`isChannelUri`); with a new token once where the old one is refused. */
export async function sendNotification(uri: string, identity: PushIdentity): Promise<Sent> {
  for (const again of [false, true]) {
    const token = await tokenFor(identity, again);
    if ('reason' in token) return token;
    const sent = await post(uri, token.token);
    if (sent.kind !== 'unauthorized') return sent;
  }
  return { kind: 'failed', reason: 'WNS refused a token that was just made (401).' };
}

async function tokenFor(identity: PushIdentity, fresh: boolean): Promise<{ token: string } | Failed> {
  const name = sha256(JSON.stringify([identity.packageSid, identity.secret])).toString('hex');
  const kept = tokens.get(name);
  if (kept && !fresh && kept.until > now().getTime()) return { token: kept.token };
  tokens.delete(name);
  const asked = await askForToken(identity);
  if ('reason' in asked) return asked;
  tokens.set(name, { token: asked.token, until: now().getTime() + asked.seconds * 1_000 - TOKEN_MARGIN_MS });
  return asked;
}

type Failed = Extract<Sent, { kind: 'failed' }>;

async function askForToken({ packageSid, secret }: PushIdentity): Promise<{ token: string; seconds: number } | Failed> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: packageSid,
    client_secret: secret,
    scope: 'notify.windows.com',
  });
  try {
    const response = await fetch(tokenEndpoint, { method: 'POST', body, ...callOptions() });
    return readTokenReply(response.status, await textOf(response));
  } catch (error) {
    return { kind: 'failed', reason: `login.live.com, which gives the token, ${whyUnreached(error)}.` };
  }
}

/** @returns the token and its life in seconds, or why there is none (RFC 6749, 5.1 and 5.2) */
export function readTokenReply(status: number, body: string): { token: string; seconds: number } | Failed {
  const { access_token: token, expires_in: expiresIn, error } = parse(body);
  if (status === 200 && typeof token === 'string' && /^[\x21-\x7e]{1,16000}$/.test(token)) {
    const seconds = Math.min(Number(expiresIn) || 0, MAX_TOKEN_MS / 1_000);
    return { token, seconds };
  }
  const named = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `, ${error}` : '';
  const why = 'Check package SID and secret; app identities that are new are refused there.';
  return { kind: 'failed', reason: `login.live.com gave no token (${status}${named}). ${why}` };
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

async function post(uri: string, token: string): Promise<Sent | { kind: 'unauthorized' }> {
  const body = Buffer.from('sync');
  const headers = {
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/octet-stream',
    'Content-Length': String(body.length),
    'X-WNS-Type': 'wns/raw',
    'X-WNS-Cache-Policy': 'cache',
    'X-WNS-TTL': String(TTL_SECONDS),
    'X-WNS-RequestForStatus': 'true',
  };
  try {
    const response = await fetch(addressOf(uri), { method: 'POST', headers, body, ...callOptions() });
    await response.body?.cancel();
    return readNotifyReply(response.status, response.headers);
  } catch (error) {
    return { kind: 'failed', reason: `WNS ${whyUnreached(error)}.` };
  }
}

function addressOf(uri: string): string {
  if (notifyAuthority === undefined) return uri;
  const { pathname, search } = new URL(uri);
  return `${notifyAuthority}${pathname}${search}`;
}

/** A redirect would take the token elsewhere, so none is followed. */
function callOptions() {
  return { redirect: 'manual' as const, signal: AbortSignal.timeout(timeoutMs) };
}

/** Nothing of the error itself is said: it names addresses. */
function whyUnreached(error: unknown): string {
  const isTimeout = error instanceof Error && error.name === 'TimeoutError';
  return isTimeout ? `did not answer within ${timeoutMs / 1_000} seconds` : 'could not be reached';
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_TOKEN_REPLY) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const TAKEN: Record<string, 'received' | 'dropped' | 'throttled'> = {
  received: 'received',
  dropped: 'dropped',
  channelthrottled: 'throttled',
};
const CONNECTIONS = ['connected', 'disconnected', 'tempdisconnected'];

/** What an answer of WNS means (the table of its response codes). */
export function readNotifyReply(status: number, headers: Headers): Sent | { kind: 'unauthorized' } {
  if (status === 200) {
    const connection = headers.get('x-wns-deviceconnectionstatus')?.toLowerCase() ?? '';
    const wns = TAKEN[(headers.get('x-wns-status') ?? headers.get('x-wns-notificationstatus') ?? '').toLowerCase()];
    return { kind: 'taken', wns: wns ?? 'unknown', ...(CONNECTIONS.includes(connection) && { device: connection }) };
  }
  if (status === 401) return { kind: 'unauthorized' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  if (status === 406 || status === 429) {
    return { kind: 'wait', reason: `WNS takes no more for now (${status})`, seconds: waitOf(headers) };
  }
  if (status >= 500) return { kind: 'wait', reason: `WNS failed (${status})`, seconds: waitOf(headers) };
  if (status === 403) {
    const reason =
      'WNS says that the channel is not of this app (403): package family name and package SID must be of one app.';
    return { kind: 'failed', reason };
  }
  return { kind: 'failed', reason: `WNS answered ${status}, and the notification was not taken.` };
}

/** Retry-After: seconds or a date (RFC 9110, 10.2.3). */
function waitOf(headers: Headers): number {
  const text = headers.get('retry-after') ?? '';
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - now().getTime()) / 1_000;
  if (!Number.isFinite(seconds)) return USUAL_WAIT_SECONDS;
  return Math.min(Math.max(Math.ceil(seconds), 1), LONGEST_WAIT_SECONDS);
}
