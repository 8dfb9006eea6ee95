import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TABLE_NAMES } from '../../shared/storage/storage.ts';
import { actionsOf, roleNamesOf } from '../infra/bicep.ts';

/** What an app may do: table or container, and `read`, `add`, `update`, `delete`. */
export type Rights = Record<string, Set<string>>;

/** The built-in roles that read and nothing else. */
const READERS = new Set(['tableReader', 'blobReader']);

/** The rights of an app as the template gives them. @param module name of the module of main.bicep, such as `enrollRights` */
export function rightsFromTemplate(module: string): Rights {
  const rights: Rights = {};
  for (const [name, role] of Object.entries(roleNamesOf(module))) {
    const actions = READERS.has(role) ? ['read'] : actionsOf(role).map((action) => action.replace('/action', ''));
    // `write` on entities and blobs covers both a new one and a changed one.
    const verbs = new Set(actions.flatMap((action) => (action === 'write' ? ['add', 'update'] : [action])));
    for (const each of name === 'table' ? TABLE_NAMES : [name]) rights[each] = verbs;
  }
  return rights;
}

export interface RightsProxy {
  url: string;
  /** What was refused: `<client id> <verb> <table or container>`. */
  refused: string[];
  /** What was let through, the same way, each once. */
  allowed: Set<string>;
  /** Takes the service off the network: connections break, new ones are refused. */
  unplug(): Promise<void>;
  /** Brings it back under the same address. */
  plugIn(): Promise<void>;
  stop(): void;
}

/**
 * Stands before a storage service and refuses what the rights of the caller's identity do not cover, as Azure would; the
 * emulator refuses nobody. Who calls is read from the token.
 *
 * @param service URL of the emulator's table or blob service, with the account
 * @param rights by client id
 */
export async function startRightsProxy(
  service: string,
  tls: { key: string; cert: string; ca: string },
  rights: Record<string, Rights>,
): Promise<RightsProxy> {
  const target = new URL(service);
  const agent = new Agent({ ca: tls.ca, keepAlive: true });
  const refused: string[] = [];
  const allowed = new Set<string>();
  const server = createServer(tls, async (incoming, response) => {
    const body = await bodyOf(incoming);
    const caller = callerOf(incoming);
    const asked = [...new Set(operations(incoming, body, target.pathname))];
    const denied = asked.filter(([verb, where]) => !rights[caller]?.[where]?.has(verb));
    for (const [verb, where] of asked) {
      const line = `${caller} ${verb} ${where}`;
      if (rights[caller]?.[where]?.has(verb)) allowed.add(line);
      else refused.push(line);
    }
    if (denied.length > 0 || asked.length === 0) return refuse(response);
    const headers = { ...incoming.headers, host: target.host };
    const options = { method: incoming.method, headers, agent };
    const onward = request(new URL(incoming.url ?? '', target.origin), options, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}${target.pathname}`,
    refused,
    allowed,
    async unplug() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async plugIn() {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    },
    stop() {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function callerOf({ headers }: IncomingMessage): string {
  const claims = /^Bearer [^.]+\.([^.]+)\./.exec(headers.authorization ?? '')?.[1] ?? '';
  return claims === '' ? '' : String(JSON.parse(Buffer.from(claims, 'base64url').toString()).appid);
}

/** What a request asks for: a verb and a table or container each; a transaction asks for what is in it. */
function operations(incoming: IncomingMessage, body: Buffer, account: string): [string, string][] {
  const path = (incoming.url ?? '').slice(account.length + 1);
  if (path.startsWith('$batch')) {
    const lines = body.toString().matchAll(/^(GET|POST|PUT|PATCH|MERGE|DELETE) (\S+) HTTP\/1\.1\r?$/gm);
    return [...lines].map(([, method = '', url = '']) => [
      verbOf(method),
      placeOf(new URL(url).pathname.slice(account.length + 1)),
    ]);
  }
  const merge = incoming.headers['x-http-method'] !== undefined;
  // Making a container is no right that an app has.
  if (/[?&]restype=container/.test(path) && incoming.method === 'PUT') return [['create', placeOf(path)]];
  return [[merge ? 'update' : verbOf(incoming.method ?? ''), placeOf(path)]];
}

function verbOf(method: string): string {
  if (method === 'GET' || method === 'HEAD') return 'read';
  if (method === 'POST') return 'add';
  return method === 'DELETE' ? 'delete' : 'update';
}

function placeOf(path: string): string {
  return /^[^(/?]+/.exec(path)?.[0] ?? '';
}

function refuse(response: ServerResponse): void {
  const error = {
    code: 'AuthorizationPermissionMismatch',
    message: { lang: 'en-US', value: 'This identity has no right to do this.' },
  };
  const body = JSON.stringify({ 'odata.error': error });
  const headers = { 'content-type': 'application/json', 'x-ms-error-code': error.code };
  response.writeHead(403, headers).end(body);
}
