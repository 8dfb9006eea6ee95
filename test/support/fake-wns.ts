import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { setPushAuthorities } from '../../shared/push/wns.ts';

export interface Notification {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

type Answer = 'silence' | { status: number; headers?: Record<string, string>; body?: string };

/** login.live.com and the Windows Push Notification Services on this machine. */
export class FakeWns {
  /** The form of each request for a token. */
  readonly asked: Record<string, string>[] = [];
  readonly notifications: Notification[] = [];
  /** Tokens that were given and are not good any more. */
  readonly revoked = new Set<string>();
  /** In place of a token, and of the usual "received". */
  tokenAnswer: Answer | undefined;
  answer: Answer | undefined;
  expiresIn = 86_400;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  get authority(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The token that was given last. */
  get token(): string {
    return `token-${this.asked.length}`;
  }

  async start(): Promise<void> {
    this.#server.listen(0, 'localhost');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  reset(): void {
    this.asked.length = 0;
    this.notifications.length = 0;
    this.revoked.clear();
    this.tokenAnswer = undefined;
    this.answer = undefined;
    this.expiresIn = 86_400;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const path = request.url ?? '/';
    const answer =
      path === '/accesstoken.srf' ? this.#give(body) : this.#take({ path, headers: request.headers, body });
    if (answer === 'silence') return;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  #give(body: string): Answer {
    this.asked.push(Object.fromEntries(new URLSearchParams(body)));
    const token = { access_token: this.token, token_type: 'bearer', expires_in: this.expiresIn };
    return this.tokenAnswer ?? { status: 200, body: JSON.stringify(token) };
  }

  #take(notification: Notification): Answer {
    this.notifications.push(notification);
    const token = /^Bearer (token-\d+)$/.exec(notification.headers.authorization ?? '')?.[1];
    if (!token || this.revoked.has(token)) return { status: 401 };
    const headers = { 'X-WNS-Status': 'received', 'X-WNS-DeviceConnectionStatus': 'connected' };
    return this.answer ?? { status: 200, headers };
  }
}

/** Starts it before the tests of a file, in place of Microsoft's; after each test it has forgotten everything. */
export function useFakeWns(): FakeWns {
  const wns = new FakeWns();
  const take = () => setPushAuthorities({ token: `${wns.authority}/accesstoken.srf`, notify: wns.authority });
  beforeAll(async () => {
    await wns.start();
    take();
  });
  afterEach(() => {
    wns.reset();
    take();
  });
  afterAll(async () => {
    setPushAuthorities(undefined);
    await wns.stop();
  });
  return wns;
}
