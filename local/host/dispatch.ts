import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AdminEndpoints, isAdminPath } from './admin-endpoints.ts';
import { type FrontOptions, passFront } from './front.ts';
import { BodyTooLarge, type FrontedRequest, firstHeader, readBody, requestUrl, toRpcHttp } from './http-request.ts';
import { sendPlain, sendReply } from './http-response.ts';
import { invoke } from './invocation.ts';
import { type HostKeys, levelOf, mayCall, presentedKey } from './keys.ts';
import type { HostLog } from './log.ts';
import { decodePath } from './request-target.ts';
import { findRoute, type Route } from './routes.ts';

export interface DispatchOptions {
  routes: Route[];
  keys: HostKeys;
  front: FrontOptions;
  admin: AdminEndpoints;
  mostBodyBytes: number;
  log: HostLog;
}

/** The handler of one listener: front, host addresses, route, key, body, function, reply. It never rejects. */
export function dispatcher(options: DispatchOptions) {
  return async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const fronted = passFront(request, options.front);
      if (!fronted) refuse(request, response, 403);
      else await route(options, fronted, request, response);
    } catch (error) {
      answerFailure(options, error, request, response);
    }
  };
}

/** Ends a request whose body nobody reads; the rest of the body is discarded. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume();
  sendPlain(response, status);
}

async function route(
  options: DispatchOptions,
  fronted: FrontedRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = requestUrl(fronted);
  const path = decodePath(fronted.rawPath);
  if (url === undefined || path.includes('\0')) return refuse(request, response, 400);
  const key = presentedKey(firstHeader(fronted.headers, 'x-functions-key'), fronted.rawQuery);
  if (isAdminPath(path)) {
    const body = await readBody(request, options.mostBodyBytes);
    return options.admin.answer({ fronted, path, level: levelOf(key, options.keys), body }, response);
  }
  const found = findRoute(options.routes, fronted.method.toUpperCase(), path);
  if (!found) {
    if (path === '/') answerHome(request, response);
    else refuse(request, response, 404);
    return;
  }
  if (!mayCall(levelOf(key, options.keys, found.hosted), found.hosted)) return refuse(request, response, 401);
  const body = await readBody(request, options.mostBodyBytes);
  const reply = await invoke(found.hosted, { http: toRpcHttp(fronted, url, found.values, body) }, options.log);
  const mismatch = sendReply(response, reply);
  if (mismatch) options.log.line('error', `Function.${found.hosted.metadata.name}`, mismatch);
}

const homepage = '<!doctype html><title>Functions</title><p>The functions host is running.</p>';

/**
 * The address `/`, where no function has it: Azure shows a page there, or answers 204 when AzureWebJobsDisableHomepage is
 * true. A monitor that probes `/` therefore sees the same here.
 */
function answerHome(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  if (process.env.AzureWebJobsDisableHomepage?.toLowerCase() === 'true') sendPlain(response, 204);
  else sendPlain(response, 200, homepage, 'text/html');
}

function answerFailure(
  options: DispatchOptions,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.destroyed && !request.complete) {
    options.log.line('information', 'Host', `The caller left: ${request.method} ${request.url?.split('?')[0]}`);
    return;
  }
  if (error instanceof BodyTooLarge) {
    response.shouldKeepAlive = false;
    refuse(request, response, 413);
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  options.log.line('error', 'Host', `${request.method} ${request.url?.split('?')[0]} failed: ${text}`);
  if (response.headersSent) response.destroy();
  else refuse(request, response, 500);
}
