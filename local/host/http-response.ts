import type { ServerResponse } from 'node:http';
import type { RpcCookie, RpcHttpResponse } from './core-types.ts';

/** A reply of the host itself: no body and a length of 0, or a short text. */
export function sendPlain(response: ServerResponse, status: number, text = '', contentType?: string): void {
  const body = Buffer.from(text);
  const headers: [string, string][] = contentType ? [['content-type', contentType]] : [];
  if (status !== 204) headers.push(['content-length', String(body.length)]);
  response.writeHead(status, headers.flat());
  response.end(body);
}

/** Connection-level headers belong to the server; a function cannot set them. */
const ownHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer', 'te']);

/**
 * Sends a function's reply as Azure does: with its Content-Length when the function set one, else chunked, whatever its
 * size. A function that returned nothing answers 204.
 *
 * Returns what is wrong with the length that the function set, if anything: too short a one gets 500 instead of the reply,
 * with too long a one the connection ends after the bytes that there are.
 */
export function sendReply(response: ServerResponse, reply: RpcHttpResponse | undefined): string | undefined {
  if (!reply) {
    sendPlain(response, 204);
    return undefined;
  }
  const status = Number(reply.statusCode);
  const body = bodyOf(reply);
  const headers: [string, string][] = Object.entries(reply.headers).filter(([name]) => !ownHeaders.has(name));
  for (const cookie of reply.cookies) headers.push(['set-cookie', cookieText(cookie)]);
  const announced = lengthOf(headers);
  const mismatch = lengthMismatch(response, status, announced, body.length);
  if (mismatch && announced !== undefined && body.length > announced) {
    sendPlain(response, 500);
    return mismatch;
  }
  response.writeHead(status, headers.flat());
  if (announced === undefined && hasBody(response, status)) response.write(body);
  if (mismatch) response.write(body, () => response.destroy());
  else response.end(announced === undefined ? undefined : body);
  return mismatch;
}

function bodyOf(reply: RpcHttpResponse): Buffer {
  if (reply.body?.bytes) return Buffer.from(reply.body.bytes);
  return Buffer.from(reply.body?.string ?? '');
}

function hasBody(response: ServerResponse, status: number): boolean {
  return response.req.method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304;
}

function lengthOf(headers: [string, string][]): number | undefined {
  const text = headers.find(([name]) => name === 'content-length')?.[1];
  return text === undefined ? undefined : Number(text);
}

function lengthMismatch(
  response: ServerResponse,
  status: number,
  announced: number | undefined,
  length: number,
): string | undefined {
  if (announced === undefined || announced === length || !hasBody(response, status)) return undefined;
  return `The reply has ${length} bytes and a Content-Length of ${announced}.`;
}

const sameSiteTexts = { none: undefined, lax: 'lax', strict: 'strict', explicitNone: 'none' };

/** A cookie of the reply's `cookies` array in the words of ASP.NET; the path is `/` unless the function names one. */
export function cookieText(cookie: RpcCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  if (cookie.expires) parts.push(`expires=${new Date(Number(cookie.expires.value.seconds) * 1000).toUTCString()}`);
  if (cookie.maxAge) parts.push(`max-age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.domain) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? '/'}`);
  if (cookie.secure?.value) parts.push('secure');
  const sameSite = sameSiteTexts[cookie.sameSite ?? 'none'];
  if (sameSite) parts.push(`samesite=${sameSite}`);
  if (cookie.httpOnly?.value) parts.push('httponly');
  return parts.join('; ');
}
