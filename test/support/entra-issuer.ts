import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type MutableToken, OAuth2Server, type TokenRequestIncomingMessage } from 'oauth2-mock-server';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { setEntraAuthority } from '../../shared/enrollment/authentication/entra-token.ts';
import { CLIENT_ID, OBJECT_ID, TENANT } from './mock-entra.ts';

/** What the managed identity of the app shows to the issuer. */
export const ASSERTION = 'assertion-of-the-managed-identity';

/**
 * A tenant of Microsoft Entra where people can sign in: its pages and endpoints lie under `/<tenant>/v2.0`, as Entra's do.
 * Everybody who comes is signed in at once as `claims` say.
 */
export class EntraIssuer {
  readonly server = new OAuth2Server();
  /** Claims of the next ID tokens, in place of the usual ones; undefined takes one away. */
  claims: Record<string, unknown> = {};
  /** The parameters with which the person is sent back, in place of a code. */
  answers: Record<string, string> | undefined;
  /** What came: authorization requests and token requests. */
  readonly asked: URLSearchParams[] = [];
  readonly exchanged: Record<string, string>[] = [];
  /** Resources for which the identity endpoint was asked. */
  readonly identities: (string | null)[] = [];
  readonly #front: Server;

  constructor() {
    this.#front = createServer((request, response) => {
      if (request.url?.startsWith('/identity?')) return this.#answerIdentity(request, response);
      request.url = request.url?.replace(`/${TENANT}/v2.0`, '') ?? '/';
      this.server.service.requestHandler(request, response);
    });
  }

  get authority(): string {
    return `http://localhost:${(this.#front.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    const { issuer, service } = this.server;
    await issuer.keys.generate('RS256', { kid: 'key-1' });
    this.#front.listen(0, 'localhost');
    await once(this.#front, 'listening');
    issuer.url = `${this.authority}/${TENANT}/v2.0`;
    service.on('beforeTokenSigning', (token: MutableToken, request: TokenRequestIncomingMessage) => {
      if (token.payload.aud === undefined) return;
      this.exchanged.push({ ...(request.body as object) });
      Object.assign(token.payload, { tid: TENANT, oid: OBJECT_ID, preferred_username: 'Kim@Example.org' }, this.claims);
    });
    service.on('beforeAuthorizeRedirect', (redirect: { url: URL }, request: IncomingMessage) => {
      this.asked.push(new URL(request.url ?? '', 'http://localhost').searchParams);
      if (!this.answers) return;
      const state = redirect.url.searchParams.get('state') ?? '';
      redirect.url.search = new URLSearchParams({ state, ...this.answers }).toString();
    });
  }

  #answerIdentity(request: IncomingMessage, response: { end(body: string): unknown }): void {
    this.identities.push(new URL(request.url ?? '', 'http://localhost').searchParams.get('resource'));
    const expires_on = String(Math.floor(Date.now() / 1_000) + 3_600);
    response.end(JSON.stringify({ access_token: ASSERTION, expires_on, resource: 'x', token_type: 'Bearer' }));
  }

  reset(): void {
    this.claims = {};
    this.answers = undefined;
    this.asked.length = 0;
    this.exchanged.length = 0;
  }

  async stop(): Promise<void> {
    this.#front.closeAllConnections();
    this.#front.close();
  }
}

/** Starts the tenant before the tests of a file, and lets the app have a managed identity as in Azure. */
export function useEntraIssuer(): EntraIssuer {
  const issuer = new EntraIssuer();
  beforeAll(async () => {
    await issuer.start();
    setEntraAuthority(issuer.authority);
    vi.stubEnv('IDENTITY_ENDPOINT', `${issuer.authority}/identity`);
    vi.stubEnv('IDENTITY_HEADER', 'header');
  });
  afterEach(() => issuer.reset());
  afterAll(async () => {
    setEntraAuthority(undefined);
    vi.unstubAllEnvs();
    await issuer.stop();
  });
  return issuer;
}

export { CLIENT_ID, OBJECT_ID, TENANT };
