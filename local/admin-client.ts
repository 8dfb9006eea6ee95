import { request } from 'node:https';

/** A refusal of the admin API: problem details (RFC 9457), in words for a person. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface AdminClientOptions {
  /** Base address of the admin app, e.g. `https://localhost:7443`. */
  url: string;
  /** A function or host key; or else `token`. */
  key?: string;
  /** An access token of Entra, where administrators sign in with it. */
  token?: string;
  /** PEM roots to trust; left out, the roots of Node. */
  trust?: string[];
  /** Who asks, for the audit. */
  actor?: string;
}

export interface AdminReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A thin client of the admin API: what `curl` with the key would do. */
export class AdminClient {
  readonly #options: AdminClientOptions;

  constructor(options: AdminClientOptions) {
    this.#options = options;
  }

  /** @param body sent as JSON, bytes as they are. @returns the reply's JSON. @throws {AdminApiError} for every status from 400 on; a network error as Node gives it */
  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const reply = await this.send(method, path, sent, headers);
    if (reply.status >= 400) throw new AdminApiError(reply.status, describe(reply));
    return (reply.body === '' ? undefined : JSON.parse(reply.body)) as T;
  }

  /** Sends a call as it is given and gives back whatever comes. */
  send(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<AdminReply> {
    const { url, key, token, trust, actor } = this.#options;
    const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json';
    const length = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const proof: Record<string, string> = token
      ? { authorization: `Bearer ${token}` }
      : { 'x-functions-key': key ?? '' };
    const own = { ...proof, ...(actor ? { 'x-lanyard-actor': actor } : {}), ...length, ...headers };
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, url), { method, headers: own, ca: trust, agent: false }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('error', reject);
        reply.on('end', () => {
          const { statusCode = 0, headers: replyHeaders } = reply;
          resolve({ status: statusCode, headers: replyHeaders, body: Buffer.concat(chunks).toString() });
        });
      });
      call.on('error', reject);
      call.end(body);
    });
  }
}

function describe({ status, body }: AdminReply): string {
  if (status === 401) return 'The key or the token is wrong or missing (401).';
  try {
    const { title, detail } = JSON.parse(body) as { title?: string; detail?: string };
    return detail ?? title ?? `The server answered ${status}.`;
  } catch {
    return `The server answered ${status}.`;
  }
}
