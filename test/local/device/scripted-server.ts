import { createPublicKey, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { issue, newIssuer, pem, readAll, readTlv, SERVER_AUTHENTICATION } from './certificates.ts';
import {
  discoverResponse,
  newAuthority,
  newLeaf,
  policiesResponse,
  provisioningDocument,
  tokenResponse,
} from './documents.ts';

/** A request as it arrived. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** the subject of the TLS client certificate */
  certificate?: string;
  from?: string;
}

export interface Reply {
  status?: number;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
  chunked?: boolean;
}

/** A plain https server that enrolls whoever asks and plays a script in management sessions. It judges nothing. */
export interface ScriptedServer {
  origin: string;
  trust: string[];
  received: Received[];
  /** replies to management messages; the last one stays */
  management: ((message: string) => Reply)[];
  /** in place of the usual reply of a path */
  instead: Map<string, (request: Received) => Reply>;
  /** a change to the provisioning document */
  edit: (document: string) => string;
  sessions(): Received[];
  close(): Promise<void>;
}

const ENROLLMENT_ID = '0b5f3f0e-6f0c-4a4e-9f33-3f6d9b9a1c11';

export async function startScriptedServer(): Promise<ScriptedServer> {
  const tls = newIssuer('TLS root');
  const tlsRoot = issue({ subject: tls.name, publicKey: tls.publicKey, issuer: tls, ca: true });
  const own = newIssuer('server');
  const certificate = issue({
    subject: 'localhost',
    publicKey: own.publicKey,
    issuer: tls,
    usages: [SERVER_AUTHENTICATION],
    hosts: ['localhost', '127.0.0.1'],
  });
  const script: ScriptedServer = {
    origin: '',
    trust: [pem(tlsRoot)],
    received: [],
    management: [],
    instead: new Map(),
    edit: (document) => document,
    sessions: () => script.received.filter((request) => request.url.startsWith('/ManagementServer')),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  const answer = enrollmentAnswers(script);
  const server: Server = createServer(
    {
      key: own.key.export({ type: 'pkcs8', format: 'pem' }),
      cert: pem(certificate),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const socket = request.socket as TLSSocket;
        const received: Received = {
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
          certificate: socket.getPeerCertificate()?.subject?.CN as string | undefined,
          from: socket.remoteAddress,
        };
        script.received.push(received);
        const { status = 200, type, body = '', headers = {}, chunked } = answer(received);
        if (type) response.setHeader('Content-Type', type);
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        response.statusCode = status;
        if (chunked) {
          response.write(body.slice(0, 10));
          response.end(body.slice(10));
        } else {
          response.setHeader('Content-Length', Buffer.byteLength(body));
          response.end(body);
        }
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  script.origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return script;
}

function enrollmentAnswers(script: ScriptedServer): (request: Received) => Reply {
  const authority = newAuthority();
  const soap = 'application/soap+xml; charset=utf-8';
  return (request) => {
    const path = request.url.split('?')[0] ?? '';
    const other = script.instead.get(path);
    if (other) return other(request);
    if (path === '/ManagementServer/MDM.svc')
      return (
        (script.management.length > 1 ? script.management.shift() : script.management[0])?.(request.body) ?? {
          status: 500,
        }
      );
    if (request.method === 'GET') return {};
    if (path.endsWith('Discovery.svc')) return { type: soap, body: discoverResponse(script.origin) };
    if (path.endsWith('Policy.svc')) return { type: soap, body: policiesResponse() };
    const leaf = newLeaf(authority, ENROLLMENT_ID, keyOf(signingRequestIn(request.body)));
    const managementUrl = `${script.origin}/ManagementServer/MDM.svc`;
    const document = provisioningDocument({ authority, leaf, enrollmentId: ENROLLMENT_ID, managementUrl });
    return { type: soap, body: tokenResponse(script.edit(document)) };
  };
}

/** The PKCS#10 of a RequestSecurityToken. */
export function signingRequestIn(body: string): Buffer {
  return Buffer.from(body.match(/#PKCS10"[^>]*>([^<]+)</)?.[1] ?? '', 'base64');
}

/** The public key of a PKCS#10. */
export function keyOf(signingRequest: Buffer): KeyObject {
  const info = readAll(readTlv(signingRequest).content)[0]?.content as Buffer;
  return createPublicKey({ key: readAll(info)[2]?.whole as Buffer, format: 'der', type: 'spki' });
}

const one = (message: string, name: string): string =>
  message.match(new RegExp(`<${name}>([^<]*)</${name}>`))?.[1] ?? '';

/** A management reply that is right: SyncHdr, a Status for everything that needs one, the commands, Final. */
export function syncml(
  message: string,
  v: { commands?: string; header?: string; chal?: string; final?: boolean; code?: number } = {},
): Reply {
  const msgRef = one(message, 'MsgID');
  const commands = [...message.matchAll(/<(Alert|Replace)><CmdID>(\d+)<\/CmdID>/g)];
  const challenged = v.chal !== undefined;
  let cmdId = 1;
  const status = (cmd: string, ref: string, code: number, chal = '') =>
    `<Status><CmdID>${cmdId++}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${ref}</CmdRef><Cmd>${cmd}</Cmd>${chal}<Data>${code}</Data></Status>`;
  const device = message.match(/<Source><LocURI>([^<]*)</)?.[1] ?? '';
  const body =
    status('SyncHdr', '0', v.code ?? (challenged ? 407 : 200), v.chal ? challenge(v.chal) : '') +
    (challenged ? '' : commands.map(([, cmd, ref]) => status(cmd ?? '', ref ?? '', 200)).join('')) +
    (v.commands ?? '');
  return {
    type: 'application/vnd.syncml.dm+xml',
    body:
      `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>` +
      `<SessionID>${one(message, 'SessionID')}</SessionID><MsgID>${msgRef}</MsgID><Target><LocURI>${device}</LocURI></Target>` +
      `<Source><LocURI>https://mdm.example</LocURI></Source>${v.header ?? ''}</SyncHdr>` +
      `<SyncBody>${body}${(v.final ?? !challenged) ? '<Final/>' : ''}</SyncBody></SyncML>`,
  };
}

const challenge = (nonce: string): string =>
  `<Chal><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type>` +
  `<NextNonce xmlns="syncml:metinf">${nonce}</NextNonce></Meta></Chal>`;

/** One command of the server; CmdIDs are the caller's and should begin at 50. */
export function command(
  verb: string,
  cmdId: number,
  ...items: { target: string; data?: string; format?: string }[]
): string {
  const inside = items.map(
    (item) =>
      `<Item><Target><LocURI>${item.target}</LocURI></Target>` +
      (item.format ? `<Meta><Format xmlns="syncml:metinf">${item.format}</Format></Meta>` : '') +
      (item.data === undefined ? '' : `<Data>${item.data}</Data>`) +
      `</Item>`,
  );
  return `<${verb}><CmdID>${cmdId}</CmdID>${inside.join('')}</${verb}>`;
}
