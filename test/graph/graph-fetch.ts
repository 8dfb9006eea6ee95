import type { Directory } from './directory.ts';
import { replyOf } from './graph-reply.ts';

const ADDRESS = 'https://graph.microsoft.com';

/** A `fetch` that reaches Microsoft Graph and nothing else, without a port. */
export function graphFetch(directory: Directory): typeof fetch {
  return async (input, init = {}) => {
    const url = String(input);
    if (!url.startsWith(`${ADDRESS}/`)) throw new TypeError(`fetch failed: ${url} is not Microsoft Graph`);
    const authorization = new Headers(init.headers).get('authorization') ?? undefined;
    const call = {
      method: init.method ?? 'GET',
      path: url.slice(ADDRESS.length),
      authorization,
      body: String(init.body ?? ''),
    };
    const { status, headers, body } = replyOf(directory, ADDRESS, call);
    return new Response(status === 204 ? null : body, { status, headers });
  };
}
