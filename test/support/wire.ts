import { createHash, createPublicKey, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { type Agent, request } from 'node:https';
import { anotherKey } from './key-pool.ts';

/** Sends bytes as they are: for what no well-behaved device would say. */
export interface RawReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface RawOptions {
  method?: string;
  body?: string | Buffer;
  headers?: Record<string, string | string[]>;
  ca?: string;
  key?: string;
  cert?: string;
  localAddress?: string;
  /** keeps connections; without one each call has its own */
  agent?: Agent;
}

export function send(url: string, options: RawOptions = {}): Promise<RawReply> {
  const { method = 'POST', body, ca, key, cert, localAddress, agent = false } = options;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const headers = { ...length, ...options.headers };
  const start = url.startsWith('https:') ? request : plainRequest;
  return new Promise((resolve, reject) => {
    const call = start(url, { method, headers, ca, key, cert, localAddress, agent }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks).toString() });
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

const DER = {
  sequence: (...parts: Buffer[]) => tlv(0x30, Buffer.concat(parts)),
  set: (...parts: Buffer[]) => tlv(0x31, Buffer.concat(parts)),
  oid: (hex: string) => tlv(0x06, Buffer.from(hex, 'hex')),
};

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

/** A PKCS#10 with SHA-256 and a plain subject. `bits` and `spoil` make it one that must be refused. */
export function signingRequest(options: { bits?: number; spoil?: boolean; key?: KeyObject } = {}): string {
  const { bits } = options;
  const privateKey = bits ? generateKeyPairSync('rsa', { modulusLength: bits }).privateKey : anotherKey();
  const name = DER.sequence(DER.set(DER.sequence(DER.oid('550403'), tlv(0x13, Buffer.from('PC')))));
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const info = DER.sequence(tlv(0x02, Buffer.from([0])), name, spki, tlv(0xa0, Buffer.alloc(0)));
  const signature = createSign('sha256')
    .update(info)
    .sign(options.key ?? privateKey);
  if (options.spoil) signature[20] = (signature[20] ?? 0) ^ 1;
  const algorithm = DER.sequence(DER.oid('2a864886f70d01010b'), tlv(0x05, Buffer.alloc(0)));
  return DER.sequence(info, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature]))).toString('base64');
}

export interface TokenRequestParts {
  user: string;
  secret: string;
  csr?: string;
  action?: string;
  requestType?: string;
  enrollmentType?: string;
  deviceId?: string;
  hwDevId?: string;
  security?: string;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A RequestSecurityToken as a device sends it, with each part to be bent. */
export function tokenRequest(parts: TokenRequestParts): string {
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  const trust = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
  const enrollment = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';
  const security =
    parts.security ??
    `<wsse:Security><wsse:UsernameToken><wsse:Username>${escaped(parts.user)}</wsse:Username><wsse:Password>${escaped(parts.secret)}</wsse:Password></wsse:UsernameToken></wsse:Security>`;
  const items = {
    DeviceID: parts.deviceId ?? randomBytes(16).toString('hex').toUpperCase(),
    HWDevID: parts.hwDevId ?? randomBytes(32).toString('hex'),
    EnrollmentType: parts.enrollmentType ?? 'Full',
    DeviceName: 'RAW-PC',
  };
  const context = Object.entries(items)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `<ac:ContextItem Name="${name}"><ac:Value>${escaped(value)}</ac:Value></ac:ContextItem>`)
    .join('');
  return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:wsse="${wsse}" xmlns:wst="${trust}" xmlns:ac="http://schemas.xmlsoap.org/ws/2006/12/authorization"><s:Header><a:Action s:mustUnderstand="1">${parts.action ?? `${enrollment}/RST/wstep`}</a:Action><a:MessageID>urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749</a:MessageID>${security}</s:Header><s:Body><wst:RequestSecurityToken><wst:TokenType>http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken</wst:TokenType><wst:RequestType>${trust}/${parts.requestType ?? 'Issue'}</wst:RequestType><wsse:BinarySecurityToken ValueType="${enrollment}#PKCS10" EncodingType="${wsse}#base64binary">${parts.csr ?? signingRequest()}</wsse:BinarySecurityToken><ac:AdditionalContext>${context}</ac:AdditionalContext></wst:RequestSecurityToken></s:Body></s:Envelope>`;
}

/** A package 1 of a management session. */
export function firstMessage(
  options: { source?: string; sessionId?: string; body?: string; msgId?: string } = {},
): string {
  const {
    source = 'D1',
    sessionId = '1',
    msgId = '1',
    body = '<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>',
  } = options;
  return `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${sessionId}</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>https://localhost/ManagementServer/MDM.svc</LocURI></Target><Source><LocURI>${source}</LocURI></Source></SyncHdr><SyncBody>${body}<Final/></SyncBody></SyncML>`;
}

/** @returns the token of the fault that a Windows client would find first, and the TraceId */
export function faultOf(body: string): { error?: string; traceId?: string } {
  return { error: /<ErrorType>([^<]*)</.exec(body)?.[1], traceId: /<TraceId>([^<]*)</.exec(body)?.[1] };
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
