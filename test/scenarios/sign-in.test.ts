import { beforeAll, describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { DEVICE_VERBS } from '../../local/cli/device-verbs.ts';
import { runVerb } from '../../local/cli/verb.ts';
import { webBroker } from '../../local/device/web-broker.ts';
import { useLanyard } from '../support/lanyard.ts';
import { faultOf, send, signingRequest, tokenRequest } from '../support/wire.ts';

/** Enrolling by our own sign-in page, in the web view of Windows (MS-MDE2 3.2), by invitation. */
const lanyard = useLanyard();

beforeAll(async () => {
  await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso', ways: ['Federated'] });
});

const APPRU = 'ms-app://windows.immersivecontrolpanel';
let lastAddress = 0;
function anAddress(): string {
  lastAddress += 1;
  return `127.6.0.${lastAddress}`;
}

/** The front's own name is not an address of that network, so those who come from elsewhere ask for 127.0.0.1. */
const base = () => lanyard().local.enrollUrl.replace('localhost', '127.0.0.1');

function get(query: Record<string, string>, method = 'GET') {
  const url = `${base()}/EnrollmentServer/SignIn?${new URLSearchParams(query)}`;
  return send(url, { method, ca: lanyard().local.tlsRoot });
}

function post(form: Record<string, string>, more: { headers?: Record<string, string>; localAddress?: string } = {}) {
  return send(`${base()}/EnrollmentServer/SignIn`, {
    ca: lanyard().local.tlsRoot,
    localAddress: more.localAddress ?? anAddress(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...more.headers },
    body: new URLSearchParams({ appru: APPRU, ...form }).toString(),
  });
}

/** Why a request was refused, as the log says it under the TraceId of the fault. */
async function causeOf(reply: Promise<{ body: string }>): Promise<string | undefined> {
  const { traceId = 'none' } = faultOf((await reply).body);
  const line = lanyard().logs.find((each) => each.includes(traceId) && each.includes('was refused'));
  return /"cause":"(\w+)"/.exec(line ?? '')?.[1];
}

const handedOver = (body: string) => /name="wresult" value="([^"]*)"/.exec(body)?.[1];

async function tokenFor(user: string, more: object = {}): Promise<{ token: string; id: string }> {
  const { secret, id } = await lanyard().invite(user, more);
  const { body } = await post({ user, secret });
  return { token: handedOver(body) ?? '', id };
}

const USER_TOKEN = 'http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken';

function requestWith(token: string, more: { csr?: string; valueType?: string; body?: string } = {}) {
  const { valueType = USER_TOKEN } = more;
  const data = Buffer.from(token).toString('base64');
  const security = `<wsse:Security><wsse:BinarySecurityToken ValueType="${valueType}">${data}</wsse:BinarySecurityToken></wsse:Security>`;
  return send(`${base()}/EnrollmentServer/Enrollment.svc`, {
    ca: lanyard().local.tlsRoot,
    localAddress: anAddress(),
    headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
    body: more.body ?? tokenRequest({ user: '', secret: '', security, ...more }),
  });
}

describe('a PC whose server says Federated', () => {
  test('signs in on the page, gets its certificate and opens a session', async () => {
    const { user, secret } = await lanyard().invite('Kim@example.org');
    const device = await lanyard().newDevice();
    const seen: string[] = [];
    const { tlsRoot, enrollUrl } = lanyard().local;
    const signIn = webBroker({
      person: { user, secret },
      trust: [tlsRoot],
      onPage: ({ method, status, page }) => seen.push(`${method} ${status} ${page?.title}`),
    });
    const { enrollmentId, remarks } = await device.enroll({ server: enrollUrl, user, secret: '', signIn });
    expect(seen).toEqual(['GET 200 Connect this PC to Contoso', 'POST 200 You are signed in']);
    expect(remarks).toEqual([]);
    expect((await device.sync()).messages).toBeGreaterThan(0);
    const shown = await lanyard().get(`/api/devices/${enrollmentId}`);
    expect(shown).toMatchObject({ user: 'kim@example.org', state: 'enrolled' });
  });

  test('with the secret in the link, one click is enough, and what the link says of the device is kept', async () => {
    const { user, secret } = await lanyard().invite('lee@example.org');
    const device = await lanyard().newDevice();
    const { tlsRoot, enrollUrl } = lanyard().local;
    const link = {
      accessToken: secret,
      ownership: '3',
      deviceIdentifier: '0B1E9A2C-52E9-4A7A-8F35-4B2C9D3A6E10',
      tenantIdentifier: 'contoso',
    };
    const signIn = webBroker({ person: { user }, trust: [tlsRoot], link });
    const { enrollmentId } = await device.enroll({ server: enrollUrl, user, secret: '', signIn });
    const row = await lanyard().storage.table('devices').get<{ admission: object }>(enrollmentId, '0device');
    expect(row?.value.admission).toMatchObject({
      way: 'signIn',
      ownership: 'corporate',
      deviceIdentifier: '0b1e9a2c-52e9-4a7a-8f35-4b2c9d3a6e10',
      tenantIdentifier: 'contoso',
    });
  });

  test('does so from the command line, where the PC offers the page alone', async () => {
    await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso' });
    const { user, secret } = await lanyard().invite('cleo@example.org');
    const { folder, local } = lanyard();
    const enroll = DEVICE_VERBS.find(({ name }) => name === 'device enroll')!;
    const common = ['--server', local.enrollUrl, '--user', user, '--secret', secret, '--folder', folder, '--json'];
    const { enrollmentId } = JSON.parse(await runVerb(enroll, [...common, '--name', 'PC-A', '--federated']));
    const row = await lanyard().storage.table('devices').get<{ admission: object }>(enrollmentId, '0device');
    expect(row?.value.admission).toMatchObject({ way: 'signIn' });
    await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso', ways: ['Federated'] });
  });

  test('a wrong secret is said on the page, and the journal has it under the number that is shown', async () => {
    const { user } = await lanyard().invite('max@example.org');
    const device = await lanyard().newDevice();
    const { tlsRoot, enrollUrl } = lanyard().local;
    const wrong = { user, secret: 'AAAA-BBBB-CCCC-DDDD' };
    const signIn = webBroker({ person: wrong, trust: [tlsRoot] });
    const refusal = await device.enroll({ server: enrollUrl, user, secret: '', signIn }).catch((error) => error);
    expect(refusal).toMatchObject({ hresult: '0x8018000F', step: 'sign-in' });
    expect(refusal.message).toMatch(/user name or the secret is not right/);
    const traceId = /code: (\d{8}-\w+)/.exec(refusal.message)?.[1] ?? '';
    const attempt = await lanyard().get(`/api/enrollment-attempts/${traceId}`);
    expect(attempt).toMatchObject({ user, userProved: false, cause: 'wrongCredential', step: 'signIn' });
    // The page, and no code of Windows.
    expect(attempt.onThePc).toEqual({
      message: 'The user name or the secret is not right, or the invitation has ended.',
    });
  });

  test('with a link for another organisation reads so on the page, and the journal has it', async () => {
    await lanyard().admin.call('PUT', '/api/settings', {
      organisation: 'Contoso',
      ways: ['Federated'],
      invitations: { tenantIdentifier: 'contoso' },
    });
    const { user, secret } = await lanyard().invite('ines@example.org');
    const { tlsRoot, enrollUrl } = lanyard().local;
    const enroll = async (tenantIdentifier: string) => {
      const device = await lanyard().newDevice();
      const signIn = webBroker({ person: { user, secret }, trust: [tlsRoot], link: { tenantIdentifier } });
      return device.enroll({ server: enrollUrl, user, secret: '', signIn });
    };
    const refusal = await enroll('fabrikam').catch((error) => error);
    expect(refusal).toMatchObject({ hresult: '0x8018000F', step: 'sign-in' });
    expect(refusal.message).toMatch(/Ask whoever gave you the link for one of your own organisation/);
    const traceId = /code: (\d{8}-\w+)/.exec(refusal.message)?.[1];
    const attempt = await lanyard().get(`/api/enrollment-attempts/${traceId}`);
    expect(attempt).toMatchObject({ user, cause: 'wrongTenant', step: 'signIn' });
    expect(attempt.reason).toContain('fabrikam');
    expect((await post({ user, secret, tenantidentifier: 'fabrikam' })).body).not.toContain('wresult');
    expect((await enroll('CONTOSO')).enrollmentId).toMatch(/^[0-9a-f-]{36}$/);
    await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso', ways: ['Federated'] });
  });
});

describe('the page', () => {
  test('answers GET and HEAD, and opening it with the secret in the address changes nothing', async () => {
    const { user, secret, id } = await lanyard().invite('nora@example.org');
    const query = { appru: APPRU, login_hint: user, username: user, accesstoken: secret };
    const shown = await get(query);
    const head = await get(query, 'HEAD');
    expect([shown.status, head.status, head.body]).toEqual([200, 200, '']);
    expect(shown.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(handedOver(shown.body)).toBeUndefined();
    const row = await lanyard().storage.table('invitations').get<{ uses: unknown[] }>(`user|${user}`, id);
    expect(row?.value.uses).toEqual([]);
  });

  test.each([
    ['nothing', {}],
    ['https', { appru: 'https://evil.example/' }],
    ['a script', { appru: 'javascript:alert(1)//ms-app://x' }],
    ['the right scheme with markup', { appru: 'ms-app://x"><script>alert(1)</script>' }],
  ])('with %s as the way back it shows an error and leads nowhere', async (_, query: Record<string, string>) => {
    const { status, body, headers } = await get(query);
    expect(status).toBe(400);
    expect(body).not.toMatch(/<form|<a |evil|<script/);
    expect(headers['content-security-policy']).toContain("form-action 'none'");
  });

  test('goes out with a policy that lets through its own style, and forms to itself alone; nothing is kept', async () => {
    const { headers, body } = await get({ appru: APPRU });
    const nonce = /<style nonce="([^"]+)">/.exec(body)?.[1];
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    );
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(headers['set-cookie']).toBeUndefined();
    const again = /<style nonce="([^"]+)">/.exec((await get({ appru: APPRU })).body)?.[1];
    expect(again).not.toBe(nonce);
  });

  test('hands over a token of unreserved characters alone, to the address that Windows gave, by a policy for its scheme', async () => {
    const { user, secret } = await lanyard().invite('olga@example.org');
    const appru = 'ms-appx-web://Microsoft.AAD.BrokerPlugin/done';
    const { body, headers } = await post({ user, secret, appru });
    expect(handedOver(body)).toMatch(/^[A-Za-z0-9\-._~]{100,1000}$/);
    expect(body).toContain(`<form method="post" action="${appru}">`);
    const nonce = /<script nonce="([^"]+)">/.exec(body)?.[1];
    expect(headers['content-security-policy']).toContain(`script-src 'nonce-${nonce}'; form-action ms-appx-web:;`);
    expect(headers['cache-control']).toBe('no-store');
  });

  test('may be tried in a browser: the way back may be an address of our own, to the letter, and nothing comes of it', async () => {
    const { user, secret, id } = await lanyard().invite('otto@example.org');
    const { enrollUrl } = lanyard().local;
    const done = `${enrollUrl}/EnrollmentServer/SignIn/Done`;
    const { body, headers } = await post({ user, secret, appru: done });
    expect(body).toContain(`<form method="post" action="${done}">`);
    expect(headers['content-security-policy']).toContain("form-action 'self';");
    const wresult = handedOver(body) ?? '';
    const end = await send(done.replace('localhost', '127.0.0.1'), {
      ca: lanyard().local.tlsRoot,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ wresult }).toString(),
    });
    expect([end.status, end.body]).toEqual([200, expect.stringContaining('Signing in works')]);
    expect(lanyard().logs.join('\n')).not.toContain(wresult);
    const row = await lanyard().storage.table('invitations').get<{ uses: unknown[] }>(`user|${user}`, id);
    expect(row?.value.uses).toEqual([]);
    for (const appru of [`${enrollUrl}@evil.example/`, `${enrollUrl}.evil.example/`, 'https://localhost/']) {
      expect((await get({ appru })).status).toBe(400);
    }
  });

  test('serves a help page to whoever asks, which may be kept', async () => {
    for (const [method, length] of [
      ['GET', 1_000],
      ['HEAD', 0],
    ] as const) {
      const url = `${base()}/help`;
      const { status, headers, body } = await send(url, { method, ca: lanyard().local.tlsRoot });
      expect([status, headers['cache-control']]).toEqual([200, 'public, max-age=600']);
      expect(body.length).toBeGreaterThanOrEqual(length);
    }
  });

  test('says the same of an unknown user, a wrong secret and an ended invitation', async () => {
    const { user, secret } = await lanyard().invite('pia@example.org', { expiresInHours: 1 });
    const strip = (body: string, name: string) =>
      body
        .replaceAll(name, '')
        .replace(/nonce="[^"]*"/g, '')
        .replace(/(nokeep-)?\d{8}-[0-9a-f]{12}/g, '');
    const wrong = await post({ user, secret: 'AAAA-BBBB-CCCC-DDDD' });
    const unknown = await post({ user: 'nobody@example.org', secret });
    lanyard().pass({ hours: 2 });
    const ended = await post({ user, secret });
    expect([wrong.status, unknown.status, ended.status]).toEqual([200, 200, 200]);
    expect(strip(unknown.body, 'nobody@example.org')).toBe(strip(wrong.body, user));
    expect(strip(ended.body, user)).toBe(strip(wrong.body, user));
  });

  test('slows down who fails too often; a right secret passes all the same', async () => {
    const { user, secret } = await lanyard().invite('quin@example.org');
    const localAddress = anAddress();
    const wrong = () => post({ user, secret: 'AAAA-BBBB-CCCC-DDDD' }, { localAddress });
    for (let n = 1; n <= 20; n += 1) expect((await wrong()).body).not.toMatch(/too many/);
    const slowed = await wrong();
    // Windows shows its own error in place of a page with status 429.
    expect(slowed.status).toBe(200);
    expect(slowed.body).toMatch(/too many wrong tries from your network.* wait \d+ minutes.*<form method="post"/s);
    expect(handedOver((await post({ user, secret }, { localAddress })).body)).toBeDefined();
  });

  test('takes no form of another site, of another type, or of a size that no form has', async () => {
    const { user, secret } = await lanyard().invite('rosa@example.org');
    const foreign = await post({ user, secret }, { headers: { 'sec-fetch-site': 'cross-site' } });
    const other = await post({ user, secret }, { headers: { origin: 'https://evil.example' } });
    expect([foreign.status, other.status]).toEqual([403, 403]);
    expect([handedOver(foreign.body), handedOver(other.body)]).toEqual([undefined, undefined]);
    for (const origin of ['null', lanyard().local.enrollUrl]) {
      expect(handedOver((await post({ user, secret }, { headers: { origin } })).body)).toBeDefined();
    }
    expect((await post({ user, secret }, { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await post({ user, secret, more: 'x'.repeat(20_000) })).status).toBe(413);
  });

  test('asks for what is missing, and counts that as no failure', async () => {
    const empty = await post({ user: ' ', secret: '' });
    expect(empty.body).toMatch(/role="alert"[^§]*Type your user name/);
    const noSecret = await post({ user: 'sam@example.org', secret: ' ' });
    expect(noSecret.body).toMatch(/role="alert"[^§]*Type the secret/);
    expect(noSecret.body).toContain('value="sam@example.org"');
  });

  test('is small', async () => {
    const { user, secret } = await lanyard().invite('tia@example.org');
    const shown = await get({ appru: APPRU, login_hint: user });
    const last = await post({ user, secret });
    for (const { body } of [shown, last]) expect(Buffer.byteLength(body)).toBeLessThan(6_000);
  });

  test('is not there where the administrator offers other ways only', async () => {
    const { token } = await tokenFor('tom@example.org');
    await lanyard().admin.call('PUT', '/api/settings', { ways: ['OnPremise'] });
    const { status, body } = await get({ appru: APPRU });
    expect([status, body]).toEqual([200, expect.stringMatching(/Signing in on this page is not offered.*code: <b>/s)]);
    expect(body).not.toContain('<form');
    expect(handedOver((await post({ user: 'tom@example.org', secret: 'x' })).body)).toBeUndefined();
    expect(await causeOf(requestWith(token))).toBe('wayNotOffered');
    await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso', ways: ['Federated'] });
  });
});

describe('the token', () => {
  test('costs a use of the invitation when a certificate is issued, and the same request again none', async () => {
    const { token, id } = await tokenFor('uma@example.org');
    const uses = async () => {
      const row = await lanyard().storage.table('invitations').get<{ uses: unknown[] }>('user|uma@example.org', id);
      return row?.value.uses.length;
    };
    expect(await uses()).toBe(0);
    const csr = signingRequest();
    const first = await requestWith(token, { csr });
    expect([first.status, await uses()]).toEqual([200, 1]);
    const second = await requestWith(token, { csr });
    expect([second.status, await uses()]).toEqual([200, 1]);
    expect(await causeOf(requestWith(token))).toBe('invitationUsedUp');
  });

  test('asks storage as often as an enrollment by password does', async () => {
    await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso' });
    const count = async (ask: () => Promise<{ status: number }>) => {
      const calls: string[] = [];
      observeStorage(({ operation, name }) => void calls.push(`${operation} ${name}`));
      expect((await ask()).status).toBe(200);
      observeStorage(undefined);
      return calls.filter((call) => !call.endsWith('catalogue'));
    };
    const { token } = await tokenFor('ute@example.org');
    const bySignIn = await count(() => requestWith(token));
    const { user, secret } = await lanyard().invite('uwe@example.org');
    const byPassword = await count(() => requestWith('', { body: tokenRequest({ user, secret }) }));
    expect(bySignIn).toHaveLength(byPassword.length);
    expect(bySignIn.length).toBeLessThanOrEqual(8);
    await lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso', ways: ['Federated'] });
  });

  test('is told by what it says of itself, whatever type the header gives it', async () => {
    const { token } = await tokenFor('vera@example.org');
    expect((await requestWith(token, { valueType: 'urn:ietf:params:oauth:token-type:jwt' })).status).toBe(200);
  });

  test('is good for 30 minutes, also when the invitation ends meanwhile', async () => {
    const early = await tokenFor('will@example.org', { expiresInHours: 1 });
    lanyard().pass({ minutes: 50 });
    const refused = requestWith(early.token);
    expect(await causeOf(refused)).toBe('expiredToken');
    expect(faultOf((await refused).body).error).toBe('Authentication');

    const { secret } = await lanyard().invite('xena@example.org', { expiresInHours: 1 });
    lanyard().pass({ minutes: 45 });
    const late = { token: handedOver((await post({ user: 'xena@example.org', secret })).body) ?? '' };
    lanyard().pass({ minutes: 29 });
    expect((await requestWith(late.token)).status).toBe(200);
  });

  test('is good for nothing once the invitation is gone', async () => {
    const { token, id } = await tokenFor('yann@example.org');
    const table = lanyard().storage.table('invitations');
    const row = await table.get('user|yann@example.org', id);
    await table.write('user|yann@example.org', [{ kind: 'delete', rowKey: id, etag: row?.etag ?? '' }]);
    expect(await causeOf(requestWith(token))).toBe('wrongCredential');
  });

  test.each([
    ['one that is none', () => 'hello'],
    ['one with another signature', (token: string) => `${token.slice(0, -6)}AAAAAA`],
    ['one without a signature', (token: string) => unsigned(token)],
  ])('%s is refused', async (_, bend) => {
    const { token } = await tokenFor('zoe@example.org');
    const refused = requestWith(bend(token));
    expect(await causeOf(refused)).toBe('badToken');
    expect([(await refused).status, faultOf((await refused).body).error]).toEqual([500, 'InvalidSecurity']);
  });

  test('appears in no log, nor does the secret of a link', async () => {
    const { user, secret } = await lanyard().invite('ada@example.org');
    await get({ appru: APPRU, login_hint: user, accesstoken: secret });
    const token = handedOver((await post({ user, secret })).body) ?? '';
    await requestWith(token);
    await requestWith(`${token}x`);
    const log = lanyard().logs.join('\n');
    expect(log).toContain('A user signed in');
    for (const part of [secret, ...token.split('.').slice(1)]) expect(log).not.toContain(part);
  });
});

/** The same claims under `alg: none` (RFC 8725 2.1). */
function unsigned(token: string): string {
  const [, claims = ''] = token.split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'lanyard-enrollment+jwt' })).toString('base64url');
  return `${header}.${claims}.`;
}
