import type { IncomingMessage } from 'node:http';
import { readQuery } from './request-target.ts';
import type { RouteValues } from './route-match.ts';

/** Header pairs in the order in which they came, `[name, value]`. */
export type HeaderList = [string, string][];

/** The headers as they came; Node joins some repeated ones with a comma and a blank, Azure does not. */
export function headerList(request: IncomingMessage): HeaderList {
  const list: HeaderList = [];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    list.push([request.rawHeaders[at] as string, request.rawHeaders[at + 1] as string]);
  }
  return list;
}

/** The first value of a header, named in lower case; undefined when it is absent. */
export function firstHeader(headers: HeaderList, name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1];
}

/** A request with what the front decided about it, before it meets a function. */
export interface FrontedRequest {
  method: string;
  scheme: 'http' | 'https';
  headers: HeaderList;
  /** The path as it came, without the query. */
  rawPath: string;
  /** The query as it came, without the question mark. */
  rawQuery: string;
}

/**
 * The address that `req.url` shows, with path and query as they came. Undefined when the Host header makes no address of it.
 */
export function requestUrl(request: FrontedRequest): string | undefined {
  const host = firstHeader(request.headers, 'host') ?? 'localhost';
  const query = request.rawQuery === '' ? '' : `?${request.rawQuery}`;
  const url = `${request.scheme}://${host}${request.rawPath}${query}`;
  return /[\s/\\?#@]/.test(host) || !URL.canParse(url) ? undefined : url;
}

/**
 * The request as the host hands it to the library: header names in lower case, repeated headers joined by a bare comma,
 * query values decoded and joined, route values as matched, the body as bytes.
 */
export function toRpcHttp(request: FrontedRequest, url: string, values: RouteValues, body: Buffer): unknown {
  const headers: Record<string, { value: string }> = Object.create(null);
  for (const [given, value] of request.headers) {
    const name = given.toLowerCase();
    const known = headers[name];
    headers[name] = { value: known ? `${known.value},${value}` : value };
  }
  const params: Record<string, { value: string }> = Object.create(null);
  for (const [name, value] of Object.entries(values)) params[name] = { value };
  return {
    method: request.method,
    url,
    nullableHeaders: headers,
    nullableQuery: readQuery(request.rawQuery),
    nullableParams: params,
    body: body.length > 0 ? { bytes: body } : undefined,
  };
}

/** Raised when a request announces or sends more than the host accepts. */
export class BodyTooLarge extends Error {}

/**
 * Reads a body of known length. One without Content-Length (a chunked one) arrives empty, as in Azure, and is discarded.
 * Throws BodyTooLarge before a byte is kept when more than `mostBytes` are announced.
 */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > mostBytes) throw new BodyTooLarge();
  if (!(length > 0)) {
    request.resume();
    return Buffer.alloc(0);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
