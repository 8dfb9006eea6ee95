import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallersHeader } from '../../../local/host/front.ts';
import { type RunningHost, startHost } from '../../../local/host/start-host.ts';
import { openTlsRoot } from '../../../local/host/tls-root.ts';
import { selfSigned } from './client-certificate.ts';
import { type RawRequest, send } from './raw-http.ts';

const device = selfSigned('9d7f4e8a-0000-4000-8000-1234567890ab');
const modes = ['replace', 'append', 'pass'] as const;
let folder: string;
let host: RunningHost;
let ca: string;
let urls: Record<CallersHeader | 'plain' | 'off' | 'offPass', string>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'front-'));
  const root = await openTlsRoot(folder);
  const server = await root.serverCertificate(['localhost', '127.0.0.1', '::1']);
  ca = root.pem;
  const tlsWith = (clientCertificates: 'off' | 'required', callersHeader?: CallersHeader) => ({
    port: 0,
    apps: ['fixture'],
    tls: { ...server, clientCertificates, callersHeader },
  });
  host = await startHost({
    apps: [
      {
        name: 'fixture',
        load: () => import('./fixture.app.ts'),
        hostJson: { extensions: { http: { routePrefix: '' } } },
      },
    ],
    keys: { master: 'm', host: 'h', functions: {} },
    listeners: [
      tlsWith('required'),
      tlsWith('required', 'append'),
      tlsWith('required', 'pass'),
      { port: 0, apps: ['fixture'] },
      tlsWith('off'),
      tlsWith('off', 'pass'),
    ],
    log: () => {},
  });
  const [replace, append, pass, plain, off, offPass] = host.listeners.map((listener) => listener.url);
  urls = { replace, append, pass, plain, off, offPass } as typeof urls;
});

afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true });
});

async function headersSeen(url: string, options: RawRequest = {}): Promise<Record<string, string>> {
  const reply = await send(`${url}/echo`, { ca, ...options });
  expect(reply.status).toBe(200);
  return JSON.parse(reply.body).headers;
}

const forged = { 'X-ARR-ClientCert': 'Rm9yZ2Vk' };

describe('a listener that requires a client certificate', () => {
  test.each(modes)('hands the certificate of the handshake to the function (%s)', async (mode) => {
    const headers = await headersSeen(urls[mode], device);
    expect(headers['x-arr-clientcert']).toBe(device.base64);
  });

  test.each(modes)('answers 403 with an empty body without one, whatever the caller claims (%s)', async (mode) => {
    for (const path of ['/echo', '/no-such-route', '/', '/admin/functions/nightly']) {
      const reply = await send(`${urls[mode]}${path}`, { ca, headers: forged });
      expect(reply).toMatchObject({ status: 403, body: '', headers: { 'content-length': '0' } });
    }
  });

  test('replaces a header that the caller forged', async () => {
    const headers = await headersSeen(urls.replace, { ...device, headers: forged });
    expect(headers['x-arr-clientcert']).toBe(device.base64);
  });

  test('in the mode append keeps the forged header and adds its own', async () => {
    const headers = await headersSeen(urls.append, { ...device, headers: forged });
    expect(headers['x-arr-clientcert']).toBe(`Rm9yZ2Vk,${device.base64}`);
  });

  test('in the mode pass lets the forged header win', async () => {
    const headers = await headersSeen(urls.pass, { ...device, headers: forged });
    expect(headers['x-arr-clientcert']).toBe('Rm9yZ2Vk');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'still knows the certificate when a %s session is resumed',
    async (version) => {
      const { port } = new URL(urls.replace);
      const session = await requestOnce(Number(port), version);
      const resumed = await requestOnce(Number(port), version, session.ticket);
      expect(session.reused).toBe(false);
      expect(resumed.reused).toBe(true);
      expect(resumed.text).toContain(device.base64);
    },
  );

  test('names no certificate authorities to the client', async () => {
    expect(await authoritiesIn(urls.replace)).toEqual(Buffer.from([0, 0]));
  });
});

describe('a listener without client certificates', () => {
  test.each(['plain', 'off'] as const)('removes what only the platform may set (%s)', async (name) => {
    const platformOnly = {
      ...forged,
      'X-ARR-SSL': '2048',
      'x-arr-log-id': 'x',
      'X-MS-CLIENT-PRINCIPAL': 'e30=',
      'x-ms-client-principal-name': 'eve',
    };
    const headers = await headersSeen(urls[name], { headers: platformOnly });
    expect(Object.keys(headers).filter((header) => /^x-(arr|ms)-/.test(header))).toEqual([]);
  });

  test('does not ask for one, and ignores one that is offered', async () => {
    expect(await headersSeen(urls.off, device)).not.toHaveProperty('x-arr-clientcert');
  });

  test('in the mode pass lets a forged header through, as a platform that does not remove it would', async () => {
    expect((await headersSeen(urls.offPass, { headers: forged }))['x-arr-clientcert']).toBe('Rm9yZ2Vk');
  });
});

describe('the forwarding headers', () => {
  test.each([
    ['plain', 'http'],
    ['off', 'https'],
  ] as const)('say how the caller came in (%s)', async (name, scheme) => {
    const headers = await headersSeen(urls[name], {
      headers: { 'x-forwarded-proto': 'gopher', 'x-forwarded-host': 'evil.example' },
    });
    expect(headers).toMatchObject({ 'x-forwarded-proto': scheme, 'x-forwarded-host': new URL(urls[name]).host });
  });

  test("end with the caller's address and port, after what the caller claimed", async () => {
    const url = urls.plain.replace('localhost', '127.0.0.1');
    const own = await headersSeen(url, { localAddress: '127.0.0.9' });
    expect(own['x-forwarded-for']).toMatch(/^127\.0\.0\.9:\d+$/);
    const headers = { 'X-Forwarded-For': ['203.0.113.7', '198.51.100.2'] };
    const claimed = await headersSeen(url, { localAddress: '127.0.0.9', headers });
    expect(claimed['x-forwarded-for']).toMatch(/^203\.0\.113\.7, 198\.51\.100\.2, 127\.0\.0\.9:\d+$/);
  });

  test('write an IPv6 caller in brackets', async (context) => {
    if (!(await hasIpv6())) return context.skip();
    const headers = await headersSeen(urls.plain.replace('localhost', '[::1]'));
    expect(headers['x-forwarded-for']).toMatch(/^\[::1\]:\d+$/);
  });
});

test('req.url has the scheme and the host of the caller', async () => {
  const reply = await send(`${urls.off}/echo?x=1`, {
    ca,
    servername: 'localhost',
    headers: { host: 'enterpriseenrollment.example.com' },
  });
  expect(JSON.parse(reply.body).url).toBe('https://enterpriseenrollment.example.com/echo?x=1');
});

test('a client that does not trust the root refuses the server', async () => {
  await expect(send(`${urls.off}/echo`)).rejects.toThrow(/certificate/i);
});

function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer().once('error', () => resolve(false));
    server.listen(0, '::1', () => server.close(() => resolve(true)));
  });
}

/** One request on one TLS connection; gives the session that the server handed out. */
function requestOnce(port: number, version: 'TLSv1.2' | 'TLSv1.3', session?: Buffer) {
  return new Promise<{ ticket: Buffer; reused: boolean; text: string }>((resolve, reject) => {
    let ticket: Buffer | undefined;
    let text = '';
    let reused = false;
    const options = { ca, ...device, session, minVersion: version, maxVersion: version, servername: 'localhost' };
    const socket = tls.connect({ port, host: '127.0.0.1', ...options });
    socket.on('session', (data) => {
      ticket = data;
    });
    socket.on('secureConnect', () => {
      reused = socket.isSessionReused();
    });
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve({ ticket: ticket ?? Buffer.alloc(0), reused, text }));
    socket.write('GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  });
}

/** The field certificate_authorities of the server's CertificateRequest (RFC 5246 section 7.4.4), with its length. */
async function authoritiesIn(url: string): Promise<Buffer> {
  const sent = await bytesOfServer(Number(new URL(url).port));
  for (const message of handshakeMessages(sent)) {
    if (message.type !== 13) continue;
    const types = message.body.readUInt8(0);
    const algorithms = message.body.readUInt16BE(1 + types);
    return message.body.subarray(1 + types + 2 + algorithms);
  }
  throw new Error('The server asked for no certificate.');
}

/** What the server sends in a TLS 1.2 handshake, which is in clear text up to ChangeCipherSpec. */
function bytesOfServer(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const proxy = net.createServer((client) => {
      const upstream = net.connect(port, '127.0.0.1');
      upstream.on('data', (data) => chunks.push(data));
      client.pipe(upstream).pipe(client);
    });
    proxy.listen(0, '127.0.0.1', () => {
      const { port: own } = proxy.address() as net.AddressInfo;
      const socket = tls.connect({ port: own, host: '127.0.0.1', ca, maxVersion: 'TLSv1.2', servername: 'localhost' });
      socket.on('error', reject);
      socket.on('secureConnect', () => {
        socket.destroy();
        proxy.close(() => resolve(Buffer.concat(chunks)));
      });
    });
  });
}

function handshakeMessages(bytes: Buffer): { type: number; body: Buffer }[] {
  const parts: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 22; at += 5 + bytes.readUInt16BE(at + 3)) {
    parts.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3)));
  }
  const stream = Buffer.concat(parts);
  const messages: { type: number; body: Buffer }[] = [];
  for (let at = 0; at + 4 <= stream.length; ) {
    const length = stream.readUIntBE(at + 1, 3);
    messages.push({ type: stream.readUInt8(at), body: stream.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return messages;
}
