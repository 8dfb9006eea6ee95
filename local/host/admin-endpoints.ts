import type { ServerResponse } from 'node:http';
import { type HostedFunction, isHttp, isTimer } from './functions.ts';
import { type FrontedRequest, firstHeader, toRpcHttp } from './http-request.ts';
import { sendPlain } from './http-response.ts';
import type { KeyLevel } from './keys.ts';

/** Whether a decoded path is in the host's own part of the address space. */
export function isAdminPath(path: string): boolean {
  return /^\/admin(\/|$)/i.test(path);
}

export interface AdminRequest {
  fronted: FrontedRequest;
  path: string;
  level: KeyLevel;
  body: Buffer;
}

export interface AdminActions {
  functions: HostedFunction[];
  /** Starts an invocation whose outcome the caller does not wait for. */
  fireTimer(hosted: HostedFunction): void;
  fire(hosted: HostedFunction, data: { http: unknown } | { string: string }): void;
}

/** `POST /admin/functions/NAME` with the master key; all else below /admin is 401 without that key and 404 with it. */
export class AdminEndpoints {
  readonly #actions: AdminActions;

  constructor(actions: AdminActions) {
    this.#actions = actions;
  }

  answer(request: AdminRequest, response: ServerResponse): void {
    sendPlain(response, this.#status(request));
  }

  /**
   * 202 when the invocation was started. As in Azure the body must be a JSON object, `{}` or `{"input": "…"}`, sent as
   * application/json: 415 for another type, 400 for another body.
   */
  #status(request: AdminRequest): number {
    if (request.level !== 'master') return 401;
    const name = /^\/admin\/functions\/([^/]+)\/?$/i.exec(request.path)?.[1]?.toLowerCase();
    if (name === undefined || request.fronted.method !== 'POST') return 404;
    const type = firstHeader(request.fronted.headers, 'content-type') ?? '';
    if (!/^(application|text)\/(json|[\w.-]+\+json)\s*(;|$)/i.test(type)) return 415;
    const invocation = jsonObject(request.body.toString('utf8'));
    if (!invocation) return 400;
    const hosted = this.#actions.functions.find((f) => f.metadata.name.toLowerCase() === name);
    if (!hosted) return 404;
    this.#start(hosted, invocation['input']);
    return 202;
  }

  #start(hosted: HostedFunction, given: unknown): void {
    const input = typeof given === 'string' ? given : '';
    if (isTimer(hosted)) this.#actions.fireTimer(hosted);
    else if (isHttp(hosted)) this.#actions.fire(hosted, { http: requestFromInput(hosted, input) });
    else this.#actions.fire(hosted, { string: input });
  }
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The request that an HTTP function is fired with: `{method?, url?, headers?, body?}` as JSON, else the input is its body. */
function requestFromInput(hosted: HostedFunction, input: string): unknown {
  const described = jsonObject(input) ?? { body: input };
  const text = (name: string): string | undefined =>
    typeof described[name] === 'string' ? (described[name] as string) : undefined;
  const method = text('method') ?? hosted.trigger.methods?.[0] ?? 'GET';
  const url = new URL(text('url') ?? '/', 'http://localhost');
  const headers = Object.entries((described['headers'] as Record<string, unknown>) ?? {});
  const fronted: FrontedRequest = {
    method,
    scheme: 'http',
    headers: headers.map(([name, value]) => [name, String(value)]),
    rawPath: url.pathname,
    rawQuery: url.search.slice(1),
  };
  return toRpcHttp(fronted, url.href, {}, Buffer.from(text('body') ?? ''));
}
