import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { openCatalogue } from '../../../../shared/catalogue/catalogue.ts';
import { policySchema } from '../../../../shared/catalogue/policy.ts';
import { setEntraAuthority } from '../../../../shared/enrollment/authentication/entra-token.ts';
import { decideTerms, showTerms, type TermsServices } from '../../../../shared/enrollment/terms-of-use/answer-terms.ts';
import { checkAcceptance } from '../../../../shared/enrollment/terms-of-use/terms-of-use.ts';
import { StorageUnavailable } from '../../../../shared/storage/errors.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { CLIENT_ID, OBJECT_ID, TENANT, useMockEntra } from '../../../support/mock-entra.ts';

const entra = useMockEntra();
const KEY = randomBytes(32);
const REDIRECT = 'ms-appx-web://microsoft.aad.brokerplugin/terms?x=1';
const TEXT = 'Be <kind>.\n\nLock your PC & go.';

let storage: MemoryStorage;
let services: TermsServices;
let logged: string[];

async function setPolicy(more: object = {}): Promise<void> {
  storage = new MemoryStorage();
  const catalogue = openCatalogue(storage);
  const policy = { organisation: 'Contoso', entra: { tenantId: TENANT, audiences: [CLIENT_ID] }, ...more };
  await catalogue.writePolicy(
    policySchema.parse({ termsOfUse: { version: '7', text: TEXT, required: true }, ...policy }),
  );
  const note = (...said: unknown[]) => void logged.push(JSON.stringify(said));
  const log = { info: note, warn: note, error: note } as unknown as TermsServices['log'];
  services = { catalogue, appKey: async () => KEY, log };
}
beforeEach(async () => {
  logged = [];
  await setPolicy();
});

async function show(parameters: Record<string, string> = {}, authorization?: string | null) {
  const query = {
    redirect_uri: REDIRECT,
    'client-request-id': 'c1',
    'api-version': '1.0',
    mode: 'azureadjoin',
    ...parameters,
  };
  const header = authorization === undefined ? `Bearer ${await entra.token()}` : authorization;
  return showTerms(services, new URLSearchParams(query), header);
}

async function shownForm(parameters: Record<string, string> = {}): Promise<{ body: string; form: string }> {
  const reply = await show(parameters);
  if (reply.status !== 200) throw new Error(`no page but ${JSON.stringify(reply)}`);
  return { body: reply.page.body, form: /name="form" value="([^"]+)"/.exec(reply.page.body)?.[1] ?? '' };
}

const locationOf = (reply: Awaited<ReturnType<typeof show>>) => (reply.status === 302 ? reply.location : reply.status);
const answer = (form: string, word: string) => decideTerms(services, new URLSearchParams({ form, answer: word }));

describe('the page of the terms of use', () => {
  test("shows the organisation's text, escaped, a paragraph for each", async () => {
    const { body } = await shownForm();
    expect(body).toContain('<p>Be &lt;kind&gt;.</p>\n<p>Lock your PC &amp; go.</p>');
    expect(body).toContain('Contoso');
    expect(body).not.toContain('<script');
  });

  test('can be declined for a work account; a join is given up in Windows', async () => {
    expect((await shownForm()).body).not.toContain('value="decline"');
    expect((await shownForm({ mode: '' })).body).toContain('value="decline"');
  });

  test('may be framed and do nothing but send its form here and back to Windows', async () => {
    const reply = await show();
    const headers = reply.status === 200 ? reply.page.headers : {};
    const policy = headers['Content-Security-Policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' ms-appx-web:;");
    expect(policy).not.toMatch(/frame-ancestors|script-src|unsafe/);
    expect(headers).not.toHaveProperty('X-Frame-Options');
  });

  test('leads back into the set-up of a new PC as well, which waits under another scheme', async () => {
    const redirect_uri = 'ms-aadj-redir://auth/mdm';
    const reply = await show({ redirect_uri });
    const policy = reply.status === 200 ? reply.page.headers['Content-Security-Policy'] : '';
    expect(policy).toContain("form-action 'self' ms-aadj-redir:;");
    const { form } = await shownForm({ redirect_uri });
    expect(locationOf(await answer(form, 'accept'))).toMatch(
      /^ms-aadj-redir:\/\/auth\/mdm\?IsAccepted=true&OpaqueBlob=[\w.-]+$/,
    );
  });

  test('holds nothing of the token', async () => {
    const token = await entra.token();
    const reply = await show({}, `Bearer ${token}`);
    for (const part of token.split('.')) expect(JSON.stringify(reply)).not.toContain(part);
    expect(logged.join()).not.toContain(token.slice(0, 20));
  });

  test('is left out where there are no terms', async () => {
    await setPolicy({ termsOfUse: {} });
    expect(locationOf(await show())).toBe(`${REDIRECT}&IsAccepted=true`);
  });
});

describe('the answer', () => {
  test('accept goes to Windows with a proof that this user can bring back', async () => {
    const { form } = await shownForm();
    const location = String(locationOf(await answer(form, 'accept')));
    expect(location).toMatch(
      /^ms-appx-web:\/\/microsoft\.aad\.brokerplugin\/terms\?x=1&IsAccepted=true&OpaqueBlob=[\w.-]+$/,
    );
    const blob = location.split('OpaqueBlob=')[1];
    const { policy } = await services.catalogue.read();
    const entraUser = { user: 'kim@example.org', tenantId: TENANT, objectId: OBJECT_ID };
    const accepted = await checkAcceptance({ appKey: services.appKey, terms: policy.termsOfUse, blob, entraUser });
    expect(accepted?.version).toBe('7');
  });

  test.each(['decline', '', 'Accept'])('%j declines', async (word) => {
    const { form } = await shownForm({ mode: '' });
    expect(locationOf(await answer(form, word))).toBe(`${REDIRECT}&IsAccepted=false`);
  });

  test('with a form that is not ours goes nowhere', async () => {
    for (const form of ['', 'a.b.c', (await shownForm()).form.slice(0, -2)]) {
      expect(await answer(form, 'accept')).toMatchObject({ status: 400 });
    }
  });
});

describe('nothing is shown', () => {
  test.each([
    '',
    'https://evil.example',
    'javascript:alert(1)',
    'ms-app://windows.immersivecontrolpanel',
    'ms-appx-web:evil',
    'ms-appx-web://x/"><b>',
  ])('and nobody sent on where the way back is %j', async (redirect_uri) => {
    const reply = await show({ redirect_uri });
    expect(reply.status).toBe(400);
    if (redirect_uri !== '') expect(JSON.stringify(reply)).not.toContain(redirect_uri);
    expect(logged.join()).toContain(`"scheme":"${redirect_uri.split(':')[0]}"`);
  });

  test.each([
    ['no token', null],
    ['another scheme', 'Basic a2ltOnNlY3JldA=='],
    ['no good token', 'Bearer a.b.c'],
  ])('with %s', async (_, header) => {
    expect(locationOf(await show({}, header))).toBe(
      `${REDIRECT}&error=unauthorized_client&error_description=The%20token%20is%20not%20good%20for%20this%20server.`,
    );
  });

  test("with another tenant's token, or where no tenant is set", async () => {
    const foreign = await entra.token({ claims: { tid: '11111111-2222-4333-8444-555555555555' } });
    expect(locationOf(await show({}, `Bearer ${foreign}`))).toContain('error=unauthorized_client');
    await setPolicy({ entra: {} });
    expect(locationOf(await show())).toContain('error=unauthorized_client');
  });

  test('to a version of the protocol that nobody knows', async () => {
    expect(locationOf(await show({ 'api-version': '2.0' }))).toContain('error=invalid_request');
  });

  test('and Windows told to try again, when storage or the keys of the tenant are away', async () => {
    storage.onCall = () => {
      throw new StorageUnavailable('down');
    };
    expect(locationOf(await show())).toContain('error=server_error');
    await setPolicy();
    const token = await entra.token();
    setEntraAuthority('http://localhost:9');
    expect(locationOf(await show({}, `Bearer ${token}`))).toContain('error=server_error');
    setEntraAuthority(entra.authority);
  });
});
