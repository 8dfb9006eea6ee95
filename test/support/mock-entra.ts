import { type Header, type JWK, OAuth2Server, type Payload } from 'oauth2-mock-server';
import { afterAll, beforeAll } from 'vitest';
import { setEntraAuthority } from '../../shared/enrollment/authentication/entra-token.ts';

export const TENANT = '6d8769e6-0f8b-418d-b385-1a53968781c9';
export const CLIENT_ID = '0c4bcf60-6e8c-4d0a-a7b5-2f4fd5a6f7b1';
export const APP_ID_URI = 'https://mdm.example.org';
export const OBJECT_ID = '9a6c1f1e-44d8-4c0f-8d87-3b9c6f1b7a10';
export const DEVICE_ID = 'd2d1f4f6-5b1c-4a7c-9d57-70b6ee5c1f02';

export interface TokenParts {
  /** Version 1.0 or 2.0 of Entra's tokens. */
  version?: 1 | 2;
  /** Claims in place of the usual ones; undefined takes one away. */
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  kid?: string;
  /** What is "now" for iat, nbf and exp. */
  now?: Date;
}

/** A tenant of Microsoft Entra on this machine: it has keys, and makes tokens of both versions as Entra does. */
export class MockEntra {
  readonly server = new OAuth2Server(undefined, undefined, { endpoints: { jwks: `/${TENANT}/discovery/v2.0/keys` } });

  get authority(): string {
    return this.server.issuer.url!;
  }

  async start(port?: number): Promise<void> {
    await this.addKey('key-1');
    await this.server.start(port, 'localhost');
  }

  async addKey(kid: string): Promise<JWK> {
    return this.server.issuer.keys.generate('RS256', { kid });
  }

  /** A token for a device that is about to join, or of any other kind by other claims. */
  async token(parts: TokenParts = {}): Promise<string> {
    const { version = 2, claims = {}, header = {}, kid = 'key-1', now = new Date() } = parts;
    const seconds = Math.floor(now.getTime() / 1_000);
    const times = { iat: seconds, nbf: seconds, exp: seconds + 3_600 };
    const own = version === 1 ? this.#claimsOfVersion1() : this.#claimsOfVersion2();
    return this.server.issuer.buildToken({
      kid,
      scopesOrTransform(tokenHeader: Header, payload: Payload) {
        for (const claim of Object.keys(payload)) delete payload[claim];
        Object.assign(payload, own, times, { scp: 'mdm_delegation', tid: TENANT, oid: OBJECT_ID }, claims);
        Object.assign(tokenHeader, { typ: 'JWT' }, header);
      },
    });
  }

  #claimsOfVersion1(): Record<string, unknown> {
    return {
      ver: '1.0',
      iss: `https://sts.windows.net/${TENANT}/`,
      aud: APP_ID_URI,
      upn: 'Kim@Example.org',
      unique_name: 'live.com#kim@example.org',
    };
  }

  #claimsOfVersion2(): Record<string, unknown> {
    return {
      ver: '2.0',
      iss: `${this.authority}/${TENANT}/v2.0`,
      aud: CLIENT_ID,
      preferred_username: 'kim@example.org',
    };
  }
}

/** Starts the tenant before the tests of a file, and lets the server believe that it is Microsoft Entra. */
export function useMockEntra(): MockEntra {
  const entra = new MockEntra();
  beforeAll(async () => {
    await entra.start();
    setEntraAuthority(entra.authority);
  });
  afterAll(async () => {
    setEntraAuthority(undefined);
    if (entra.server.listening) await entra.server.stop();
  });
  return entra;
}
