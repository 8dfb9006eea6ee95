import { randomUUID } from 'node:crypto';
import type { Directory } from './directory.ts';
import { DirectoryError } from './directory-error.ts';

/** What Microsoft Graph would answer over HTTP. */
export interface GraphReply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** @param address where the caller believes to be; pages are named there */
export function replyOf(
  directory: Directory,
  address: string,
  call: { method: string; path: string; authorization: string | undefined; body: string },
): GraphReply {
  const requestId = randomUUID();
  const headers: Record<string, string> = { 'content-type': 'application/json', 'request-id': requestId };
  const token = /^Bearer (.+)$/.exec(call.authorization ?? '')?.[1];
  try {
    const body: unknown = call.body === '' ? undefined : JSON.parse(call.body);
    const { status, json } = directory.answer(call.method, call.path, token, body);
    return { status, headers, body: json === undefined ? '' : JSON.stringify(json).replaceAll('ADDRESS', address) };
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    const { status, code, message, details } = error;
    if (status === 429 && directory.busy.retryAfter) headers['retry-after'] = directory.busy.retryAfter;
    const innerError = { date: '2026-11-21T12:00:00', 'request-id': requestId, 'client-request-id': requestId };
    return { status, headers, body: JSON.stringify({ error: { code, message, details, innerError } }) };
  }
}
