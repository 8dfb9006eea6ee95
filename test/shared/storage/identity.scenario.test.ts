import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../../local/azurite.ts';
import { createTables, openStorage } from '../../../shared/storage/storage.ts';
import { StorageRefused, StorageUnavailable } from '../../../shared/storage/tables.ts';
import { UploadContainers } from '../../../shared/storage/upload-container.ts';

let folder: string;
let azurite: RunningAzurite;
let endpoint: Server;
const asked: URLSearchParams[] = [];
/** what the identity endpoint answers: a token with these claims, or an error */
let answer: 'token' | 'wrong audience' | 'error' = 'token';

/** A token whose claims the emulator accepts; it does not check signatures. */
function token(audience: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: audience,
    iss: 'https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/',
    tid: 'ab1f708d-50f6-404c-a006-d71b2ac7a606',
    oid: '5b0f1c7e-2d3a-4f48-9c61-7a8b9c0d1e2f',
    nbf: now - 60,
    iat: now,
    exp: now + 3600,
  };
  return [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
    .concat('.c2ln');
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanyard-identity-'));
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject],
    { stdio: 'pipe' },
  );
  azurite = await startAzurite({ inMemory: true, tls: { cert, key } });
  endpoint = createServer((request, response) => {
    asked.push(new URL(request.url!, 'http://localhost').searchParams);
    if (answer === 'error') return response.writeHead(400).end('{"error":"no identity"}');
    const audience = answer === 'token' ? 'https://storage.azure.com' : 'https://graph.microsoft.com';
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600);
    return response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ access_token: token(audience), expires_on, resource: audience, token_type: 'Bearer' }));
  }).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`);
  vi.stubEnv('IDENTITY_HEADER', 'header');
  // The certificate is made by this test; a deployment trusts the public roots.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  endpoint.close();
  await azurite.stop();
  rmSync(folder, { recursive: true });
});

const open = (clientId?: string) =>
  openStorage({
    tables: `${azurite.urls.table}/`,
    blobs: azurite.urls.blob,
    ...(clientId !== undefined && { clientId }),
  });

test('tables, transactions and blobs open with the managed identity of the app', async () => {
  const storage = open();
  await createTables(storage);
  const table = storage.table('devices');
  await table.write('p', [{ kind: 'insert', rowKey: 'a', value: { n: 1 } }]);
  const { etag } = (await table.get('p', 'a'))!;
  await table.write('p', [
    { kind: 'delete', rowKey: 'a', etag },
    { kind: 'insert', rowKey: 'b', value: {} },
  ]);
  expect((await table.page('p')).rows.map((row) => row.rowKey)).toEqual(['b']);
  await storage.blobs('results').write('x', Buffer.from('1'));
  expect(String(await storage.blobs('results').read('x'))).toBe('1');
  expect(asked.length).toBeGreaterThan(0);
  expect(asked[0]!.get('resource')).toBe('https://storage.azure.com');
});

test('an address for uploads is signed with a delegation key that the identity asked for, for https alone', async () => {
  const uploads = new UploadContainers({ blobs: azurite.urls.blob });
  const { url } = await uploads.openForUpload('logs-identity', new Date());
  const { searchParams } = new URL(url);
  expect(Object.fromEntries(searchParams)).toMatchObject({ spr: 'https', sp: 'aw', sr: 'c', sks: 'b' });
  for (const name of ['skoid', 'sktid', 'skt', 'ske']) expect(searchParams.get(name)).toBeTruthy();
  const file = url.replace('/logs-identity', '/logs-identity/a.zip');
  const put = await fetch(file, { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'zip' });
  expect(put.status).toBe(201);
  expect((await fetch(file)).status).toBe(403);
  const [blob] = await uploads.list('logs-identity', new Date(0));
  expect(blob).toMatchObject({ name: 'a.zip', size: 3 });
  const link = await uploads.signForReading(blob!, new Date());
  expect(await (await fetch(link.url)).text()).toBe('zip');
});

test('a user-assigned identity is asked for by its client id', async () => {
  await open('11111111-2222-3333-4444-555555555555').table('devices').page('p');
  expect(asked.at(-1)!.get('client_id')).toBe('11111111-2222-3333-4444-555555555555');
});

test('without a token storage is unavailable, and the first token is waited for again', async () => {
  answer = 'error';
  const storage = open('22222222-2222-3333-4444-555555555555');
  await expect(storage.table('devices').page('p')).rejects.toThrow(StorageUnavailable);
  answer = 'token';
  expect((await storage.table('devices').page('p')).rows).toHaveLength(1);
});

test('a token that the service does not take is refused, and not shown', async () => {
  answer = 'wrong audience';
  const act = open('33333333-2222-3333-4444-555555555555').table('devices').page('p');
  await expect(act).rejects.toThrow(StorageRefused);
  await expect(act).rejects.toThrow(/query in devices: 40[13]/);
  expect(String(await act.catch((e) => JSON.stringify({ ...e }) + e.stack))).not.toMatch(/eyJ/);
});
