import { Agent, type RequestOptions, request } from 'node:https';
import { isIP } from 'node:net';
import { DeviceError, HRESULT, httpHresult, PowerCut } from './errors.ts';
import { isHit, type NetworkFaults } from './network-faults.ts';

/** One exchange as it is shown to people: sizes are those of the bodies, `ms` is from the request to the last byte. */
export interface Step {
  step: string;
  status: number;
  bytesOut: number;
  bytesIn: number;
  ms: number;
  /** set when the same bytes went twice: was the second reply the same, byte for byte? */
  sameReplyTwice?: boolean;
}

export interface HttpRequest {
  step: string;
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body?: Buffer;
}

export interface HttpReply {
  status: number;
  contentType: string;
  body: Buffer;
  /** seconds, as the client reads Retry-After: decimal digits, at most ten, else 0; undefined where the header is missing */
  retryAfter?: number;
  /** where a redirect leads; it is not followed */
  location?: string;
  /** Content-Security-Policy, of a page */
  policy?: string;
}

export interface HttpClientOptions {
  /** PEM roots; left out, the roots of Node */
  trust?: string[];
  clientCertificate?: { key: string; certificate: string };
  localAddress?: string;
  network?: NetworkFaults;
  onStep?: (step: Step) => void;
}

const MAX_REPLY = 64 * 1024 * 1024;

/** HTTPS as WinHTTP does it for this device: one connection, no chunked replies, the same bytes once more when a reply is lost. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #agent: Agent;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: options.trust,
      key: options.clientCertificate?.key,
      cert: options.clientCertificate?.certificate,
    });
  }

  /**
   * Sends one request. Errors: DeviceError with the transport code (0x80180012 where the server is not trusted), a reply with
   * `Transfer-Encoding` or without Content-Length (MS-MDE2 asks for it) as 0x80192F78, PowerCut where one was asked for.
   */
  async send(message: HttpRequest): Promise<HttpReply> {
    const faults = this.#options.network ?? {};
    let n = this.#count();
    if (isHit(faults.cutOffBefore, n)) throw transportError(message.step, 12029, 'the network is gone');
    let reply = await this.#exchangeAndRetry(message);
    if (isHit(faults.sendTwice, n)) {
      const first = reply;
      n = this.#count();
      reply = await this.#exchange(
        message,
        (second) => second.body.equals(first.body) && second.status === first.status,
      );
    }
    if (isHit(faults.loseReplyOf, n)) {
      n = this.#count();
      reply = await this.#exchange(message);
      if (isHit(faults.loseReplyOf, n)) throw transportError(message.step, 12030, 'the reply was lost twice');
    }
    if (isHit(faults.powerCutAfter, n)) throw new PowerCut(n);
    return reply;
  }

  close(): void {
    this.#agent.destroy();
  }

  #count(): number {
    const faults = this.#options.network;
    if (!faults) return 0;
    faults.requests = (faults.requests ?? 0) + 1;
    return faults.requests;
  }

  async #exchangeAndRetry(message: HttpRequest): Promise<HttpReply> {
    try {
      return await this.#exchange(message);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.hresult !== httpHresult(12030)) throw error;
      this.#count();
      return this.#exchange(message);
    }
  }

  async #exchange(message: HttpRequest, sameAsFirst?: (reply: HttpReply) => boolean): Promise<HttpReply> {
    const begun = performance.now();
    const reply = await new Promise<HttpReply>((resolve, reject) => this.#start(message, resolve, reject));
    const step: Step = {
      step: message.step,
      status: reply.status,
      bytesOut: message.body?.length ?? 0,
      bytesIn: reply.body.length,
      ms: Math.round((performance.now() - begun) * 10) / 10,
    };
    if (sameAsFirst) step.sameReplyTwice = sameAsFirst(reply);
    this.#options.onStep?.(step);
    return reply;
  }

  #start(message: HttpRequest, resolve: (reply: HttpReply) => void, reject: (error: Error) => void): void {
    const fail = (error: Error) => reject(toDeviceError(error, message.step));
    let outgoing: ReturnType<typeof request>;
    try {
      outgoing = request(message.url, this.#requestOptions(message));
    } catch (error) {
      fail(error as Error);
      return;
    }
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const refusal = refuseFraming(incoming.headers, message.step);
      if (refusal) {
        incoming.destroy();
        reject(refusal);
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY) incoming.destroy(new Error('the reply has no end'));
        chunks.push(chunk);
      });
      incoming.on('error', fail);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          contentType: incoming.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
          retryAfter: readRetryAfter(incoming.headers['retry-after']),
          location: incoming.headers.location,
          policy: incoming.headers['content-security-policy']?.toString(),
        }),
      );
    });
    outgoing.end(message.body);
  }

  #requestOptions(message: HttpRequest): RequestOptions {
    const { localAddress } = this.#options;
    return {
      method: message.method,
      agent: this.#agent,
      headers: message.body ? { ...message.headers, 'Content-Length': message.body.length } : message.headers,
      localAddress,
      family: localAddress ? isIP(localAddress) : undefined,
    };
  }
}

function refuseFraming(headers: NodeJS.Dict<string | string[]>, step: string): DeviceError | undefined {
  if (headers['transfer-encoding'])
    return transportError(step, 12152, 'the reply is chunked, which the client does not read');
  if (headers['content-length'] === undefined) return transportError(step, 12152, 'the reply has no Content-Length');
  return undefined;
}

/** Decimal digits only: an HTTP date counts as 0. */
export function readRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  return /^\d{1,10}$/.test(header.trim()) ? Number(header.trim()) : 0;
}

function transportError(step: string, winHttp: number, message: string, cause?: unknown): DeviceError {
  return new DeviceError(httpHresult(winHttp), step, message, { cause });
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_REVOKED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);

const WINHTTP: Record<string, number> = {
  ENOTFOUND: 12007,
  EAI_AGAIN: 12007,
  ETIMEDOUT: 12002,
  ECONNREFUSED: 12029,
  EHOSTUNREACH: 12029,
  EADDRNOTAVAIL: 12029,
  ECONNRESET: 12030,
  EPIPE: 12030,
  CERT_HAS_EXPIRED: 12037,
  CERT_NOT_YET_VALID: 12037,
  ERR_TLS_CERT_ALTNAME_INVALID: 12038,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 12044,
  ERR_INVALID_URL: 12005,
  ERR_INVALID_PROTOCOL: 12006,
};

function toDeviceError(error: Error & { code?: string }, step: string): DeviceError {
  const code = error.code ?? '';
  if (UNTRUSTED.has(code)) {
    return new DeviceError(
      HRESULT.invalidTlsCertificate,
      step,
      `the server's TLS certificate is not trusted: ${error.message}`,
      {
        cause: error,
      },
    );
  }
  const winHttp = WINHTTP[code] ?? (code.startsWith('HPE_') ? 12152 : code.startsWith('ERR_SSL') ? 12175 : 12030);
  return transportError(step, winHttp, error.message, error);
}
