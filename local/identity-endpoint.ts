import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands in for the endpoint at which an app in Azure gets tokens of its managed identity (api-version 2019-08-01). */
export interface IdentityEndpoint {
  /** What an app finds in its environment. */
  env: { IDENTITY_ENDPOINT: string; IDENTITY_HEADER: string };
  /** The client ids for which tokens were asked. */
  asked: string[];
  stop(): void;
}

/** Starts it on a free port. Its tokens are good for an hour and say what Azurite checks; nobody signed them. */
export async function startIdentityEndpoint(): Promise<IdentityEndpoint> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    asked.push(query.get('client_id') ?? '');
    const resource = query.get('resource') ?? '';
    const expires = Math.floor(Date.now() / 1000) + 3600;
    const answer = {
      access_token: token(resource, query.get('client_id') ?? '', expires),
      expires_on: `${expires}`,
      resource,
      token_type: 'Bearer',
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    env: { IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/token`, IDENTITY_HEADER: 'local' },
    asked,
    stop: () => void server.close(),
  };
}

/** Like a real one it names the application, so that what stands before storage can tell the apps apart. */
function token(audience: string, clientId: string, expires: number): string {
  const iss = 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/';
  const claims = { aud: audience, appid: clientId, iss, nbf: expires - 3700, iat: expires - 3700, exp: expires };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.c2ln`;
}
