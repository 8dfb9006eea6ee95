import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { openTlsRoot } from '../../local/host/tls-root.ts';
import { trustVault } from './reach-vault.ts';
import { answerVaultCall, type VaultAnswer } from './vault-calls.ts';
import { VaultObjects, VaultRefusal } from './vault-objects.ts';

/** A data action of Key Vault, as a role grants it; for one object alone where its name follows, as in `keys/sign lanyard-issuing-ca`. */
export type Right = `certificates/${string}` | `keys/${string}`;

/** One request as the vault saw it. `operation` is `challenge` where no token came. */
export interface VaultCall {
  operation: Right | 'challenge' | 'unknown';
  /** the object's name */
  name: string;
  /** who called: the name of the identity */
  caller: string;
  status: number;
}

/** What goes wrong instead of the answer. */
export type Fault =
  | { kind: 'throttle'; retryAfter?: number }
  | { kind: 'status'; status: number; code: string }
  | { kind: 'hang' }
  | { kind: 'drop' }
  /** the work is done, and the connection breaks before the answer */
  | { kind: 'lose-answer' };

export interface VaultOptions {
  /** what each identity may do, by its client id; `''` is the app's own. Everything, where an identity is not named. */
  identities?: Record<string, Right[]>;
  /** makes keys of another size than the policy asks for, since a test waits for them */
  keyBits?: number;
  purgeProtection?: boolean;
}

export interface RunningVault {
  /** `https://lanyard.vault.localhost:<port>`; `reach-vault.ts` makes a process find and trust it */
  url: string;
  /** PEM of the root above its TLS certificate, and the file that holds it */
  tlsRoot: string;
  tlsRootFile: string;
  /** An endpoint as App Service gives an app for its managed identity: for IDENTITY_ENDPOINT, with any IDENTITY_HEADER. */
  identityEndpoint: string;
  calls: VaultCall[];
  /** Decides for each call that has a token whether it goes wrong; undefined: never. */
  fault: ((call: Pick<VaultCall, 'operation' | 'name' | 'caller'>) => Fault | undefined) | undefined;
  objects: VaultObjects;
  /** A credential of an identity, as the SDK takes it. */
  credential(clientId?: string): { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> };
  /** Takes the vault off the network: connections break, new ones are refused. */
  unplug(): Promise<void>;
  /** Brings it back under the same address with all that it held. */
  plugIn(): Promise<void>;
  stop(): Promise<void>;
}

const HOST = 'lanyard.vault.localhost';

/**
 * Starts a vault that keeps the REST contract of Azure Key Vault as far as a certificate authority needs it: bearer
 * challenge, api-version, versions, certificates with issuer Unknown that wait for a merge, signing with RS256, soft
 * delete, throttling, missing rights. Its keys are real; it serves on a free port of this machine over TLS.
 */
export async function startVault(options: VaultOptions = {}): Promise<RunningVault> {
  const folder = await mkdtemp(join(tmpdir(), 'lanyard-vault-'));
  const root = await openTlsRoot(folder);
  const tls = await root.serverCertificate([HOST]);
  const objects = new VaultObjects({ keyBits: options.keyBits, purgeProtection: options.purgeProtection ?? true });
  const server = createServer(tls, (request, response) => void serve(vault, options, request, response));
  const identity = createHttpServer(answerIdentity);
  const port = await listen(server, 0);
  const vault: RunningVault = {
    url: `https://${HOST}:${port}`,
    tlsRoot: root.pem,
    tlsRootFile: join(folder, 'tls-root.pem'),
    identityEndpoint: `http://127.0.0.1:${await listen(identity, 0)}/token`,
    calls: [],
    fault: undefined,
    objects,
    credential: (clientId = '') => ({
      getToken: async () => ({ token: tokenOf(clientId), expiresOnTimestamp: Date.now() + 3_600_000 }),
    }),
    unplug: () => close(server),
    plugIn: async () => void (await listen(server, port)),
    async stop() {
      await Promise.all([close(server), close(identity)]);
      await rm(folder, { recursive: true });
    },
  };
  trustVault(root.pem);
  return vault;
}

/** What a process of its own needs in its environment to find and trust a vault (with the packages of this repository). */
export function environmentToReach(vault: RunningVault): Record<string, string> {
  return {
    NODE_OPTIONS: `--import ${import.meta.resolve('tsx')} --import ${new URL('reach-vault.ts', import.meta.url)}`,
    VAULT_TLS_ROOT: vault.tlsRootFile,
    IDENTITY_ENDPOINT: vault.identityEndpoint,
    IDENTITY_HEADER: 'header',
  };
}

/**
 * The same for a process that has nothing of this repository.
 * @param folder where the one file lies that it needs
 */
export async function environmentToReachFrom(vault: RunningVault, folder: string): Promise<Record<string, string>> {
  const file = join(folder, 'reach-vault.mjs');
  const source = fileURLToPath(new URL('reach-vault.ts', import.meta.url));
  await build({ entryPoints: [source], outfile: file, format: 'esm', platform: 'node', logLevel: 'error' });
  return { NODE_OPTIONS: `--import ${pathToFileURL(file)}`, VAULT_TLS_ROOT: vault.tlsRootFile };
}

const TOKEN = /^Bearer token-of-(.*)$/;
/** As an identity endpoint gives it (RFC 7519); nobody signed it. */
const WEB_TOKEN = /^Bearer [\w-]+\.([\w-]+)\.[\w-]+$/;
const tokenOf = (clientId: string) => `token-of-${clientId}`;

/** The endpoint of a managed identity (api-version 2019-08-01): a token for the client id that is asked for. */
function answerIdentity(request: IncomingMessage, response: ServerResponse): void {
  const asked = new URL(request.url!, 'http://localhost').searchParams;
  const body = {
    access_token: tokenOf(asked.get('client_id') ?? ''),
    expires_on: String(Math.floor(Date.now() / 1000) + 3600),
    resource: asked.get('resource'),
    token_type: 'Bearer',
  };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** @returns the identity that a token names; undefined for none and for one that is good for another service */
function callerOf({ headers }: IncomingMessage): string | undefined {
  const { authorization = '' } = headers;
  const claims = WEB_TOKEN.exec(authorization)?.[1];
  if (claims === undefined) return TOKEN.exec(authorization)?.[1];
  const { aud, appid } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return aud === 'https://vault.localhost' ? appid : undefined;
}

async function serve(
  vault: RunningVault,
  { identities }: VaultOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const caller = callerOf(request);
  const call: VaultCall = { operation: 'challenge', name: '', caller: caller ?? '', status: 0 };
  vault.calls.push(call);
  let loseAnswer = false;
  const mayDo = (right: Right, name: string) => {
    const granted = identities?.[caller ?? ''];
    return granted === undefined || granted.includes(right) || granted.includes(`${right} ${name}`);
  };
  const answer = await answerVaultCall({
    vault: { url: vault.url, objects: vault.objects },
    request,
    authenticated: caller !== undefined,
    allow(operation, name) {
      Object.assign(call, { operation, name });
      const fault = vault.fault?.(call);
      if (fault?.kind === 'lose-answer') loseAnswer = true;
      else if (fault) throw new Faulty(fault);
      if (!mayDo(operation, name)) {
        throw new VaultRefusal(
          403,
          'Forbidden',
          `Caller is not authorized to perform ${operation}.`,
          'ForbiddenByRbac',
        );
      }
    },
  }).catch((error) => refusalOf(error));
  if (answer === 'hang') return;
  if (answer === 'drop' || loseAnswer) return void request.socket.destroy();
  call.status = answer.status;
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
}

class Faulty extends Error {
  readonly fault: Instead;
  constructor(fault: Instead) {
    super(fault.kind);
    this.fault = fault;
  }
}

type Instead = Exclude<Fault, { kind: 'lose-answer' }>;

function refusalOf(error: unknown): VaultAnswer | 'hang' | 'drop' {
  if (error instanceof VaultRefusal) {
    const { status, code, message, inner } = error;
    return { status, body: { error: { code, message, ...(inner && { innererror: { code: inner } }) } } };
  }
  if (!(error instanceof Faulty))
    return { status: 500, body: { error: { code: 'InternalError', message: String(error) } } };
  const { fault } = error;
  if (fault.kind === 'hang' || fault.kind === 'drop') return fault.kind;
  if (fault.kind === 'status') {
    return { status: fault.status, body: { error: { code: fault.code, message: 'made to fail' } } };
  }
  return {
    status: 429,
    headers: fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) },
    body: {
      error: { code: 'Throttled', message: 'Request was not processed because too many requests were received.' },
    },
  };
}

function listen(server: Server | TlsServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server | TlsServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
