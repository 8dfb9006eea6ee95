import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  beginEntraSignIn,
  type EntraApp,
  EntraSignInError,
  finishEntraSignIn,
} from '../../../../shared/enrollment/sign-in/openid-connect.ts';
import { ASSERTION, CLIENT_ID, OBJECT_ID, TENANT, useEntraIssuer } from '../../../support/entra-issuer.ts';

const issuer = useEntraIssuer();

function app(more: Partial<EntraApp> = {}): EntraApp {
  return {
    authority: issuer.authority,
    tenantId: TENANT,
    clientId: CLIENT_ID,
    redirectUri: 'https://enroll.example.org/EnrollmentServer/SignIn/Callback',
    assertion: async () => ASSERTION,
    ...more,
  };
}

/** The person signs in at the tenant and is sent back. */
async function comeBack(url: string): Promise<URLSearchParams> {
  const reply = await fetch(url, { redirect: 'manual' });
  return new URL(reply.headers.get('location') ?? '').searchParams;
}

async function signIn(more: { app?: Partial<EntraApp>; bend?: (answer: URLSearchParams) => void } = {}) {
  const { url, secrets } = await beginEntraSignIn(app(), 'kim@example.org');
  const answer = await comeBack(url);
  more.bend?.(answer);
  return finishEntraSignIn(app(more.app), answer, secrets);
}

const failureOf = (more: Parameters<typeof signIn>[0] = {}) =>
  signIn(more).then(
    () => 'signed in',
    (error) => (error instanceof EntraSignInError ? `${error.kind}: ${error.message}` : error),
  );

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** The same header and claims, signed by a stranger. */
function resigned(token: string): string {
  const signed = token.split('.').slice(0, 2).join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), stranger.privateKey).toString('base64url')}`;
}

describe('signing in with Microsoft Entra', () => {
  test('gives the user and the object id', async () => {
    expect(await signIn()).toEqual({ user: 'kim@example.org', objectId: OBJECT_ID });
    issuer.claims = { upn: 'K.Upn@example.org', tid: TENANT.toUpperCase() };
    expect(await signIn()).toEqual({ user: 'k.upn@example.org', objectId: OBJECT_ID });
  });

  test('asks for a code by PKCE, and names the person who is expected', async () => {
    await signIn();
    const [asked] = issuer.asked;
    expect(Object.fromEntries(asked ?? [])).toMatchObject({
      client_id: CLIENT_ID,
      response_type: 'code',
      response_mode: 'query',
      scope: 'openid profile',
      redirect_uri: app().redirectUri,
      code_challenge_method: 'S256',
      login_hint: 'kim@example.org',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked?.get(name)?.length).toBeGreaterThan(40);
  });

  test('proves the app by its managed identity, with no secret', async () => {
    await signIn();
    expect(issuer.exchanged[0]).toMatchObject({
      client_id: CLIENT_ID,
      client_assertion: ASSERTION,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      redirect_uri: app().redirectUri,
    });
    expect(issuer.exchanged[0]).not.toHaveProperty('client_secret');
  });

  test('is other secrets each time', async () => {
    const one = await beginEntraSignIn(app(), '');
    const other = await beginEntraSignIn(app(), '');
    for (const name of ['state', 'nonce', 'verifier'] as const) expect(one.secrets[name]).not.toBe(other.secrets[name]);
    expect(new URL(one.url).searchParams.has('login_hint')).toBe(false);
  });
});

describe('a sign-in is refused', () => {
  const past = Math.floor(Date.now() / 1_000) - 7_200;
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['of another tenant', { tid: 'd2d1f4f6-5b1c-4a7c-9d57-70b6ee5c1f02' }, /^failed: .*another tenant/],
    ['without a tenant', { tid: undefined }, /^failed: .*another tenant/],
    ['by another issuer', { iss: 'https://evil.example' }, /^failed: .*iss/],
    ['for another application', { aud: 'd2d1f4f6-5b1c-4a7c-9d57-70b6ee5c1f02' }, /^failed: .*aud/],
    ['of another sign-in', { nonce: 'another-nonce-than-was-asked-for' }, /^failed: .*nonce/],
    ['without a nonce', { nonce: undefined }, /^failed: .*nonce/],
    ['that has ended', { exp: past, iat: past - 3_600 }, /^failed: .*exp/],
    ['that is not good yet', { nbf: Math.floor(Date.now() / 1_000) + 7_200 }, /^failed: .*nbf/],
    ['without a name', { preferred_username: undefined }, /^failed: .*neither upn/],
    ['with a name that is none', { preferred_username: '+49 30 123456' }, /^failed: .*neither upn/],
    ['without an object id', { oid: undefined }, /^failed: .*oid/],
    ['of a guest', { upn: 'kim_fabrikam.com#EXT#@contoso.onmicrosoft.com' }, /^guest: /],
    ['of a guest that the name does not show', { idp: 'https://sts.windows.net/other/' }, /^guest: /],
    ['of a guest by the claim acct', { acct: 1 }, /^guest: /],
  ])('%s', async (_, claims, reason) => {
    issuer.claims = claims;
    expect(await failureOf()).toMatch(reason);
  });

  test.each<[string, (token: string) => string, RegExp]>([
    ['with a key that the tenant has not got', resigned, /^failed: .*signature/],
    ['and changed afterwards', (token) => `${token.slice(0, -8)}AAAAAAAA`, /^failed: .*signature/],
    ['by nobody', (token) => `${base64url({ alg: 'none' })}.${token.split('.')[1]}.`, /^failed: .*alg/],
  ])('signed %s', async (_, bend, reason) => {
    issuer.server.service.once('beforeResponse', (reply) => {
      const body = reply.body as Record<string, string>;
      body['id_token'] = bend(body['id_token'] ?? '');
    });
    expect(await failureOf()).toMatch(reason);
  });

  test('with the state of another', async () => {
    expect(await failureOf({ bend: (answer) => answer.set('state', 'x'.repeat(43)) })).toMatch(/^failed: .*state/);
    expect(await failureOf({ bend: (answer) => answer.delete('state') })).toMatch(/^failed: .*state/);
  });

  test('that the person broke off, and one that the tenant’s rules refuse', async () => {
    issuer.answers = { error: 'access_denied', error_description: 'AADSTS65004' };
    expect(await failureOf()).toBe('declined: Microsoft Entra: access_denied (AADSTS65004)');
    issuer.answers = { error: 'interaction_required', error_description: 'AADSTS50105: not assigned' };
    expect(await failureOf()).toBe('failed: Microsoft Entra: interaction_required (AADSTS50105: not assigned)');
  });

  test('whose code the tenant does not take', async () => {
    issuer.server.service.once('beforeResponse', (reply) => {
      reply.statusCode = 401;
      reply.body = { error: 'invalid_client', error_description: 'AADSTS700213: no matching federated identity' };
    });
    expect(await failureOf()).toBe(
      'identity: Microsoft Entra: invalid_client (AADSTS700213: no matching federated identity)',
    );
    issuer.server.service.once('beforeResponse', (reply) => {
      reply.statusCode = 400;
      reply.body = { error: 'invalid_grant', error_description: 'AADSTS70008: the code has ended' };
    });
    expect(await failureOf()).toMatch(/^failed: .*AADSTS70008/);
  });

  test.each([
    ['answers nothing that is JSON', 503, ''],
    ['says that it is down', 503, { error: 'temporarily_unavailable' }],
    ['fails', 500, { error: 'server_error' }],
  ])('while Entra %s', async (_, statusCode, body) => {
    issuer.server.service.once('beforeResponse', (reply) => Object.assign(reply, { statusCode, body }));
    expect(await failureOf()).toMatch(/^unreachable: /);
    issuer.answers = { error: 'temporarily_unavailable' };
    expect(await failureOf()).toMatch(/^unreachable: /);
  });

  test('while the app has no identity, or Entra cannot be reached', async () => {
    const assertion = () => Promise.reject(new Error('no managed identity'));
    expect(await failureOf({ app: { assertion } })).toBe('identity: Error: no managed identity');
    const gone = beginEntraSignIn(app({ authority: 'http://localhost:1' }), '');
    await expect(gone).rejects.toMatchObject({ kind: 'unreachable' });
  });
});
