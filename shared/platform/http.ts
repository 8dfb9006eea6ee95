import type { HttpResponseInit } from '@azure/functions';
import type { Problem } from './problem.ts';

/** Statuses that have no content: a Response with a body cannot be made with them (Fetch, "null body status"). */
const NO_CONTENT = new Set([204, 205, 304]);

/**
 * A reply with its body as a Buffer and an explicit Content-Length: without the length the Functions host sends chunks,
 * and the Windows enrollment client takes a reply only as one message (Microsoft Learn, mobile device enrollment: no chunked encoding).
 * Nothing is cached on the way unless `headers` says so. A status without content (204, 205, 304) gets neither body nor length.
 *
 * @param status HTTP status
 * @param body text is sent as UTF-8
 * @param contentType left out of an empty reply; `text/plain` where nothing is said
 * @param headers more headers; one of these names, in any case, takes the place of the header set here
 */
export function reply(
  status: number,
  body: string | Buffer,
  contentType?: string,
  headers: Record<string, string> = {},
): HttpResponseInit {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  if (NO_CONTENT.has(status)) return { status, headers: merge({ 'Cache-Control': 'no-store' }, headers) };
  const own: Record<string, string> = { 'Content-Length': String(bytes.length), 'Cache-Control': 'no-store' };
  if (contentType !== undefined || bytes.length > 0) own['Content-Type'] = contentType ?? 'text/plain; charset=utf-8';
  return { status, body: bytes, headers: merge(own, headers) };
}

/** A reply with a JSON body (RFC 8259). */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): HttpResponseInit {
  return reply(status, JSON.stringify(value), 'application/json; charset=utf-8', headers);
}

/**
 * A problem details reply (RFC 9457). `type` is left out, which means `about:blank`: the status says what kind of problem it is.
 *
 * @param instance names this occurrence, such as the invocation id, so that the log can be searched for it
 */
export function problemReply(problem: Problem, instance?: string): HttpResponseInit {
  const { title, status, detail, errors, headers } = problem;
  const body = JSON.stringify({ title, status, detail, instance, errors });
  return reply(status, body, 'application/problem+json; charset=utf-8', headers);
}

function merge(own: Record<string, string>, given: Record<string, string>): Record<string, string> {
  const names = new Set(Object.keys(given).map((name) => name.toLowerCase()));
  const kept = Object.entries(own).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...given };
}
