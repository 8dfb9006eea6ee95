import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { EntraPolicy } from '../../../../shared/catalogue/policy-entra.ts';
import { setEntraAuthority, verifyEntraToken } from '../../../../shared/enrollment/authentication/entra-token.ts';
import { APP_ID_URI, CLIENT_ID, DEVICE_ID, OBJECT_ID, TENANT, useMockEntra } from '../../../support/mock-entra.ts';

const entra = useMockEntra();
const POLICY: EntraPolicy = { tenantId: TENANT, audiences: [CLIENT_ID, APP_ID_URI] };
const verify = (token: string, policy = POLICY, now = new Date()) => verifyEntraToken(token, policy, now);
const refusalOf = (token: string, policy?: EntraPolicy, now?: Date) =>
  verify(token, policy, now).then(
    (user) => user,
    (error) => error.refusal ?? error,
  );
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const minutes = (count: number) => new Date(Date.now() + count * 60_000);

/** The claims of a good token, to be signed by others. */
async function goodClaims(): Promise<Record<string, unknown>> {
  const [, payload = ''] = (await entra.token()).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}

describe('a token of the tenant', () => {
  test.each([
    ['of version 1, for the App ID URI', { version: 1 as const }, 'Kim@Example.org'],
    ['of version 2, for the client id', { version: 2 as const }, 'kim@example.org'],
    ['of version 2 with upn', { claims: { upn: 'k@example.org' } }, 'k@example.org'],
    ['without upn', { version: 1 as const, claims: { upn: undefined, unique_name: 'u@example.org' } }, 'u@example.org'],
    ['for an audience in other letter case', { claims: { aud: CLIENT_ID.toUpperCase() } }, 'kim@example.org'],
    ['for several audiences', { claims: { aud: ['other', APP_ID_URI] } }, 'kim@example.org'],
    ['with the tenant in other letter case', { claims: { tid: TENANT.toUpperCase() } }, 'kim@example.org'],
    ['without a scope', { claims: { scp: undefined } }, 'kim@example.org'],
    ['with more scopes', { claims: { scp: 'openid mdm_delegation' } }, 'kim@example.org'],
    ['of a member', { claims: { acct: 0, idp: `https://sts.windows.net/${TENANT}/` } }, 'kim@example.org'],
  ])('%s names its user', async (_, parts, user) => {
    expect(await verify(await entra.token(parts))).toEqual({
      user,
      tenantId: TENANT,
      objectId: OBJECT_ID,
      deviceId: undefined,
    });
  });

  test('names the device, where it has one', async () => {
    const token = await entra.token({ claims: { deviceid: DEVICE_ID.toUpperCase() } });
    expect((await verify(token)).deviceId).toBe(DEVICE_ID);
  });

  test('is good with clocks that differ by two minutes, and no more', async () => {
    const token = await entra.token();
    expect(await refusalOf(token, POLICY, minutes(61))).toMatchObject({ tenantId: TENANT });
    expect(await refusalOf(token, POLICY, minutes(63))).toBe('badEntraToken');
    expect(await refusalOf(token, POLICY, minutes(-1))).toMatchObject({ tenantId: TENANT });
    expect(await refusalOf(token, POLICY, minutes(-3))).toBe('badEntraToken');
  });
});

describe('refused is a token', () => {
  const other = '11111111-2222-4333-8444-555555555555';
  test.each([
    ['of another tenant', { claims: { tid: other } }],
    ['without a tenant', { claims: { tid: undefined } }],
    ['of the issuer of another tenant', { claims: { iss: `https://sts.windows.net/${other}/` } }],
    ['of an issuer that is not Entra', { claims: { iss: `https://sts.example/${TENANT}/` } }],
    ['whose issuer begins like the right one', { claims: { iss: `https://sts.windows.net/${TENANT}/x` } }],
    ['for another application', { claims: { aud: other } }],
    ['for an application whose name begins like ours', { claims: { aud: `${APP_ID_URI}.example` } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['for something that is no text', { claims: { aud: [7, null] } }],
    ['that never ends', { claims: { exp: undefined } }],
    ['that does not say when it begins', { claims: { nbf: undefined } }],
    ['with the scope of another purpose', { claims: { scp: 'user_impersonation' } }],
    ['whose scope only holds the right word', { claims: { scp: 'not_mdm_delegation' } }],
    ['of an application', { claims: { idtyp: 'app' } }],
    ['of a guest', { claims: { upn: 'kim_fabrikam.com#EXT#@contoso.onmicrosoft.com' } }],
    ['of a guest by the claim acct', { claims: { acct: 1 } }],
    ['of a guest of another tenant', { claims: { idp: `https://sts.windows.net/${other}/` } }],
    ['of a guest with an account of his own', { version: 1 as const, claims: { upn: undefined, idp: 'live.com' } }],
    ['that names no user', { claims: { preferred_username: undefined } }],
    ['whose user is no name of a domain', { claims: { preferred_username: 'kim' } }],
    ['whose user has a character that XML cannot carry', { claims: { preferred_username: 'k\u0001@example.org' } }],
  ])('%s', async (_, parts) => {
    expect(await refusalOf(await entra.token(parts))).toBe('badEntraToken');
  });

  test('when no tenant is set', async () => {
    expect(await refusalOf(await entra.token(), { tenantId: '', audiences: [CLIENT_ID] })).toBe('badEntraToken');
  });

  test('when no audience is set', async () => {
    expect(await refusalOf(await entra.token(), { tenantId: TENANT, audiences: [] })).toBe('badEntraToken');
  });

  test('without a signature', async () => {
    const claims = await goodClaims();
    for (const alg of ['none', 'None', 'NONE']) {
      expect(await refusalOf(`${base64url({ alg, typ: 'JWT' })}.${base64url(claims)}.`)).toBe('badEntraToken');
    }
    const [header = '', payload = ''] = (await entra.token()).split('.');
    expect(await refusalOf(`${header}.${payload}.`)).toBe('badEntraToken');
  });

  test('whose content was changed', async () => {
    const [header = '', , signature = ''] = (await entra.token()).split('.');
    const claims = { ...(await goodClaims()), preferred_username: 'boss@example.org' };
    expect(await refusalOf(`${header}.${base64url(claims)}.${signature}`)).toBe('badEntraToken');
  });

  test('signed with the public key of the tenant as a secret', async () => {
    const jwk = entra.server.issuer.keys.toJSON().find(({ kid }) => kid === 'key-1') as JsonWebKey;
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    for (const secret of [pem.toString(), pem.toString().trim(), JSON.stringify(jwk)]) {
      const forged = await new SignJWT(await goodClaims())
        .setProtectedHeader({ alg: 'HS256', kid: 'key-1', typ: 'JWT' })
        .sign(Buffer.from(secret));
      expect(await refusalOf(forged)).toBe('badEntraToken');
    }
  });

  test('signed with a key of its own, whatever its header says of the place of that key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'own', alg: 'RS256' };
    let asked = 0;
    const elsewhere = createServer((_, reply) => {
      asked += 1;
      reply.end(JSON.stringify({ keys: [jwk] }));
    }).listen(0, 'localhost');
    await new Promise((resolve) => elsewhere.once('listening', resolve));
    const jku = `http://localhost:${(elsewhere.address() as AddressInfo).port}/keys`;
    const headers = [{ kid: 'own' }, { kid: 'key-1' }, {}, { kid: jku }, { kid: 'own', jku }, { x5u: jku }, { jwk }];
    for (const more of headers) {
      const forged = await new SignJWT(await goodClaims())
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...more })
        .sign(privateKey);
      expect(await refusalOf(forged), JSON.stringify(more)).toBe('badEntraToken');
    }
    expect(asked).toBe(0);
    elsewhere.close();
  });

  test.each([
    ['nothing', ''],
    ['a text', 'token'],
    ['three empty parts', '..'],
    ['five parts', 'a.b.c.d.e'],
    ['a token that is too long', `a.${'b'.repeat(20_000)}.c`],
  ])('that is %s', async (_, token) => {
    expect(await refusalOf(token)).toBe('badEntraToken');
  });

  test('and the reason holds nothing of it', async () => {
    const token = await entra.token({ claims: { tid: other, preferred_username: 'kim@example.org' } });
    const error: Error = await verify(token).catch((thrown) => thrown);
    expect(error.message).toBe('The token of Microsoft Entra is not good: it is of another tenant.');
  });
});

describe('the keys of the tenant', () => {
  afterEach(() => {
    vi.useRealTimers();
    setEntraAuthority(entra.authority);
  });

  test('are read anew for a key that came later, and not more than once in half a minute', async () => {
    let reads = 0;
    const fetching = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
      reads += 1;
      return new Response(JSON.stringify({ keys: entra.server.issuer.keys.toJSON() }));
    });
    const began = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: began });
    setEntraAuthority('https://entra.example');
    const iss = `https://sts.windows.net/${TENANT}/`;
    await verify(await entra.token({ claims: { iss } }));
    await entra.addKey('key-2');
    const rolled = await entra.token({ kid: 'key-2', claims: { iss } });
    expect(await refusalOf(rolled)).toBe('badEntraToken');
    expect(reads).toBe(1);
    vi.setSystemTime(began + 31_000);
    expect(await refusalOf(rolled)).toMatchObject({ tenantId: TENANT });
    expect(reads).toBe(2);
    fetching.mockRestore();
  });

  test('that the tenant has withdrawn are good for nothing after ten minutes', async () => {
    await entra.addKey('key-3');
    const all = entra.server.issuer.keys.toJSON();
    let keys = all;
    const fetching = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json({ keys }));
    const began = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: began });
    setEntraAuthority('https://withdrawing.example');
    const iss = `https://sts.windows.net/${TENANT}/`;
    const old = await entra.token({ claims: { iss } });
    expect(await refusalOf(old)).toMatchObject({ tenantId: TENANT });
    keys = all.filter(({ kid }) => kid === 'key-3');
    vi.setSystemTime(began + 11 * 60_000);
    expect(await refusalOf(old)).toBe('badEntraToken');
    expect(await refusalOf(await entra.token({ kid: 'key-3', claims: { iss } }))).toMatchObject({ tenantId: TENANT });
    fetching.mockRestore();
  });

  test('that cannot be read are no fault of the token', async () => {
    const iss = `https://sts.windows.net/${TENANT}/`;
    const token = await entra.token({ claims: { iss } });
    setEntraAuthority('http://localhost:9');
    expect(await refusalOf(token)).toBe('entraUnreachable');
    for (const answer of [new Response('', { status: 503 }), new Response('<html>'), new Response('{}')]) {
      const fetching = vi.spyOn(globalThis, 'fetch').mockResolvedValue(answer);
      expect(await refusalOf(token)).toBe('entraUnreachable');
      fetching.mockRestore();
    }
  });
});
