import { execFile } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openKeyVault, VAULT_NAMES } from '../../shared/certificates/key-vault.ts';
import { readSigningRequest } from '../../shared/certificates/signing-request.ts';
import { environmentToReach, type RunningVault, startVault } from './vault.ts';

/** The vault of the tests is worth something only if it refuses what Key Vault refuses. */

let vault: RunningVault;
beforeAll(async () => {
  vault = await startVault({ keyBits: 2048 });
});
afterAll(() => vault.stop());

interface Reply {
  status: number;
  authenticate: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they need of the JSON
  body: any;
}

function send(method: string, path: string, options: { token?: string; body?: unknown } = {}): Promise<Reply> {
  const { token = 'token-of-', body } = options;
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, vault.url), { method, headers, agent: false }, async (reply) => {
      const text = String(await buffer(reply));
      const authenticate = reply.headers['www-authenticate'];
      resolve({ status: reply.statusCode!, authenticate, body: text === '' ? undefined : JSON.parse(text) });
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const VERSION = 'api-version=2025-07-01';
const policy = {
  issuer: { name: 'Unknown' },
  x509_props: { subject: 'CN=x' },
  key_props: { kty: 'RSA', key_size: 2048 },
};

describe('the vault of the tests', () => {
  test('asks for a token before it looks at anything', async () => {
    const { status, authenticate } = await send('GET', '/keys/none', { token: '' });
    expect(status).toBe(401);
    expect(authenticate).toBe(
      'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.localhost"',
    );
    expect((await send('GET', `/keys/none?${VERSION}`, { token: 'of somebody' })).status).toBe(401);
  });

  test('wants an api-version', async () => {
    expect(await send('GET', '/keys/none')).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
    expect(await send('GET', `/keys/none?${VERSION}`)).toMatchObject({ status: 404 });
  });

  test('takes one request a name at a time, and keeps what was merged', async () => {
    const create = () => send('POST', `/certificates/one/create?${VERSION}`, { body: { policy } });
    const both = await Promise.all([create(), create()]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
    const pending = await send('GET', `/certificates/one/pending?${VERSION}`);
    expect(pending.body).toMatchObject({ status: 'inProgress', issuer: { name: 'Unknown' } });
    expect(readSigningRequest(Buffer.from(pending.body.csr, 'base64')).publicKeyHash).toHaveLength(64);
    const waiting = await send('GET', `/certificates/one?${VERSION}`);
    expect(waiting.body).toMatchObject({ attributes: { enabled: false } });
    expect(waiting.body).not.toHaveProperty('cer');
    expect(waiting.body.policy).toMatchObject(policy);
    const merge = await send('POST', `/certificates/one/pending/merge?${VERSION}`, { body: { x5c: ['AAAA'] } });
    expect(merge).toMatchObject({ status: 400 });
  });

  test('keeps the name of what was deleted', async () => {
    await send('POST', `/certificates/two/create?${VERSION}`, { body: { policy } });
    expect((await send('DELETE', `/certificates/two?${VERSION}`)).status).toBe(200);
    expect((await send('GET', `/certificates/two?${VERSION}`)).status).toBe(404);
    expect(await send('POST', `/certificates/two/create?${VERSION}`, { body: { policy } })).toMatchObject({
      status: 409,
      body: { error: { code: 'Conflict', innererror: { code: 'ObjectIsDeletedButRecoverable' } } },
    });
    expect((await send('DELETE', `/deletedcertificates/two?${VERSION}`)).status).toBe(403);
    expect((await send('POST', `/deletedcertificates/two/recover?${VERSION}`)).status).toBe(200);
    expect((await send('GET', `/certificates/two?${VERSION}`)).status).toBe(200);
  });

  test('signs digests of the right length with RS256 alone', async () => {
    await send('POST', `/certificates/three/create?${VERSION}`, { body: { policy } });
    const { kid } = (await send('GET', `/keys/three?${VERSION}`)).body.key;
    const sign = (alg: string, bytes: number) =>
      send('POST', `${new URL(kid).pathname}/sign?${VERSION}`, {
        body: { alg, value: Buffer.alloc(bytes).toString('base64url') },
      });
    expect((await sign('RS256', 32)).status).toBe(200);
    expect((await sign('RS256', 20)).status).toBe(400);
    expect((await sign('ES256', 32)).status).toBe(400);
  });
});

test('a process of its own finds the vault and signs with its managed identity', async () => {
  const place = openKeyVault({ url: vault.url, credential: vault.credential() });
  const { key, signingRequest } = await place.begin('issuing');
  const script = fileURLToPath(new URL('sign-with-identity.ts', import.meta.url));
  const env = { ...process.env, ...environmentToReach(vault), AZURE_CLIENT_ID: 'enroll-app' };
  const { stdout } = await promisify(execFile)(process.execPath, [script, vault.url, key, 'some text'], { env });
  const { subjectPublicKeyInfo } = readSigningRequest(signingRequest);
  const publicKey = createPublicKey({ key: subjectPublicKeyInfo, format: 'der', type: 'spki' });
  expect(verify('sha256', Buffer.from('some text'), publicKey, Buffer.from(stdout, 'base64'))).toBe(true);
  expect(vault.calls.at(-1)).toMatchObject({ operation: 'keys/sign', name: VAULT_NAMES.issuing, caller: 'enroll-app' });
});
