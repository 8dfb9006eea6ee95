import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type FrontedRequest, firstHeader, type HeaderList, headerList } from './http-request.ts';
import { splitTarget } from './request-target.ts';

/** What the front does with an `X-ARR-ClientCert` that the caller sent; `pass` lets its `X-MS-CLIENT-PRINCIPAL` through as well. */
export type CallersHeader = 'replace' | 'append' | 'pass';

export interface FrontOptions {
  tls: boolean;
  clientCertificates: 'off' | 'required';
  callersHeader: CallersHeader;
}

const certificateHeader = 'x-arr-clientcert';
const replacedHeaders = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']);

/**
 * Does to a request what the front of App Service does before an app sees it: removes the headers that only the platform may
 * set, adds the certificate of the TLS handshake (base64 of its DER form) and the caller's address and port as the last hop
 * of X-Forwarded-For.
 *
 * Returns undefined where a client certificate is required and none was presented; the platform answers 403 then.
 * Nothing about the certificate is validated, neither there nor here.
 */
export function passFront(request: IncomingMessage, options: FrontOptions): FrontedRequest | undefined {
  const certificate = options.clientCertificates === 'required' ? handshakeCertificate(request.socket) : undefined;
  if (options.clientCertificates === 'required' && certificate === undefined) return undefined;
  const given = headerList(request);
  const headers: HeaderList = given.filter(([name]) => {
    const lower = name.toLowerCase();
    const isPrincipal = lower.startsWith('x-ms-client-principal');
    if (isPrincipal) return options.callersHeader === 'pass';
    return !lower.startsWith('x-arr-') && !replacedHeaders.has(lower);
  });
  const certificates = certificateValues(given, certificate, options.callersHeader);
  if (certificates.length > 0) headers.push(['X-ARR-ClientCert', certificates.join(',')]);
  const scheme = options.tls ? 'https' : 'http';
  headers.push(['X-Forwarded-For', forwardedFor(given, request.socket)]);
  headers.push(['X-Forwarded-Proto', scheme]);
  const host = firstHeader(given, 'host');
  if (host !== undefined) headers.push(['X-Forwarded-Host', host]);
  const { path, query } = splitTarget(request.url ?? '/');
  return { method: request.method ?? 'GET', scheme, headers, rawPath: path, rawQuery: query };
}

function certificateValues(given: HeaderList, own: string | undefined, callersHeader: CallersHeader): string[] {
  const callers = given.filter(([name]) => name.toLowerCase() === certificateHeader).map(([, value]) => value);
  const platforms = own === undefined ? [] : [own];
  if (callersHeader === 'append') return [...callers, ...platforms];
  if (callersHeader === 'pass' && callers.length > 0) return callers;
  return platforms;
}

const certificateOf = new WeakMap<Socket, string>();

/** Base64 of the DER form of the certificate that the client proved to hold; a resumed session still has it. */
function handshakeCertificate(socket: Socket): string | undefined {
  const known = certificateOf.get(socket);
  if (known !== undefined) return known;
  if (!(socket instanceof TLSSocket)) return undefined;
  const raw = socket.getPeerCertificate().raw as Buffer | undefined;
  if (!raw) return undefined;
  const text = raw.toString('base64');
  certificateOf.set(socket, text);
  return text;
}

function forwardedFor(given: HeaderList, socket: Socket): string {
  const earlier = given.filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, value]) => value);
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
  const hop = address.includes(':') ? `[${address}]:${socket.remotePort}` : `${address}:${socket.remotePort}`;
  return [...earlier, hop].join(', ');
}
