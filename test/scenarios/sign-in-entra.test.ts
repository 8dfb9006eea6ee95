import { beforeAll, describe, expect, test } from 'vitest';
import { webBroker } from '../../local/device/web-broker.ts';
import { setEntraAuthority } from '../../shared/enrollment/authentication/entra-token.ts';
import { CLIENT_ID, OBJECT_ID, TENANT, useEntraIssuer } from '../support/entra-issuer.ts';
import { useLanyard } from '../support/lanyard.ts';
import { send } from '../support/wire.ts';

/** Enrolling by our sign-in page with Microsoft Entra, against an issuer of our own. */
const lanyard = useLanyard();
const issuer = useEntraIssuer();
const SETTINGS = {
  organisation: 'Contoso',
  ways: ['Federated'],
  signIn: { entra: { tenantId: TENANT, clientId: CLIENT_ID } },
};
const APPRU = 'ms-app://windows.immersivecontrolpanel';
const COOKIE = '__Host-lanyard-sign-in';

beforeAll(async () => {
  await lanyard().admin.call('PUT', '/api/settings', SETTINGS);
});

function enrollWith(more: { chooses?: RegExp; seen?: string[] } = {}) {
  const { tlsRoot, enrollUrl } = lanyard().local;
  const signIn = webBroker({
    person: { user: 'kim@example.org', chooses: /Microsoft/ },
    trust: [tlsRoot],
    link: { ownership: '2' },
    onPage: ({ method, url, status }) => more.seen?.push(`${method} ${status} ${new URL(url).pathname}`),
  });
  return lanyard()
    .newDevice()
    .then((device) =>
      device
        .enroll({ server: enrollUrl, user: 'kim@example.org', secret: '', signIn })
        .then((enrollment) => ({ device, enrollment })),
    );
}

describe('a PC whose user signs in with Microsoft Entra', () => {
  test('is sent there and back, gets its certificate by the standing right of the user, and opens a session', async () => {
    const seen: string[] = [];
    const { device, enrollment } = await enrollWith({ seen });
    expect(seen).toEqual([
      'GET 200 /EnrollmentServer/SignIn',
      'GET 302 /EnrollmentServer/SignIn/Entra',
      `GET 302 /${TENANT}/v2.0/authorize`,
      'GET 200 /EnrollmentServer/SignIn/Callback',
    ]);
    expect((await device.sync()).messages).toBeGreaterThan(0);
    const row = await lanyard()
      .storage.table('devices')
      .get<{ user: string; admission: object }>(enrollment.enrollmentId, '0device');
    expect(row?.value.user).toBe('kim@example.org');
    expect(row?.value.admission).toMatchObject({ way: 'signIn', entraUserId: OBJECT_ID, ownership: 'personal' });
    expect(row?.value.admission).not.toHaveProperty('invitationId', expect.anything());
    expect(issuer.asked[0]?.get('redirect_uri')).toBe(`${lanyard().local.enrollUrl}/EnrollmentServer/SignIn/Callback`);
    expect(new Set(issuer.identities)).toEqual(new Set(['api://AzureADTokenExchange']));
  });

  test('may enroll a second PC the same way', async () => {
    const one = await enrollWith();
    const other = await enrollWith();
    expect(other.enrollment.enrollmentId).not.toBe(one.enrollment.enrollmentId);
  });

  test.each([
    ['is a guest', { acct: 1 }, 'guestNotServed', /Guests of the organisation cannot sign in/],
    ['is of another tenant', { tid: OBJECT_ID }, 'badToken', /Signing in with Microsoft did not work/],
  ])('%s: the page says so, and the journal why', async (_, claims, cause, words) => {
    issuer.claims = claims;
    const refusal = await enrollWith().catch((error) => error);
    expect(refusal).toMatchObject({ hresult: '0x8018000F' });
    expect(refusal.message).toMatch(words);
    const [, day = '', row = ''] = /code: (\d{8})-(\w+)/.exec(refusal.message) ?? [];
    const entry = await lanyard().storage.table('journal').get(day, row);
    expect(entry?.value).toMatchObject({ outcome: 'refused', cause, step: 'signIn' });
  });

  test('broke off at Microsoft, and is told how to go on', async () => {
    issuer.answers = { error: 'access_denied', error_description: 'AADSTS65004' };
    const refusal = await enrollWith().catch((error) => error);
    expect(refusal.message).toMatch(/You did not sign in with Microsoft/);
    const traceId = /code: (\d{8}-\w+)/.exec(refusal.message)?.[1];
    const attempt = await lanyard().get(`/api/enrollment-attempts/${traceId}`);
    expect(attempt).toMatchObject({ cause: 'signInDeclined', reason: expect.stringContaining('AADSTS65004') });
    expect(attempt.onThePc).toEqual({
      message: 'You did not sign in with Microsoft. Try again, or use an invitation.',
    });
  });
});

const base = () => lanyard().local.enrollUrl.replace('localhost', '127.0.0.1');
const get = (path: string, cookie?: string, localAddress?: string) =>
  send(base() + path, {
    method: 'GET',
    ca: lanyard().local.tlsRoot,
    localAddress,
    headers: cookie === undefined ? {} : { cookie },
  });

test('an outage of Microsoft is said as one, and slows nobody down', async () => {
  const localAddress = '127.61.0.1';
  setEntraAuthority('http://localhost:9');
  const query = new URLSearchParams({ appru: APPRU, login_hint: 'kim@example.org' });
  const pages: string[] = [];
  for (let n = 0; n < 22; n += 1) {
    const { status, body } = await get(`/EnrollmentServer/SignIn/Entra?${query}`, undefined, localAddress);
    expect(status).toBe(200);
    pages.push(body);
  }
  setEntraAuthority(issuer.authority);
  const traceId = /code: <b>([^<]+)/.exec(pages[0] ?? '')?.[1];
  const attempt = await lanyard().get(`/api/enrollment-attempts/${traceId}`);
  expect(attempt).toMatchObject({ cause: 'entraUnreachable', user: 'kim@example.org', userProved: false });
  for (const page of pages) {
    expect(page).toMatch(/Microsoft cannot be reached now/);
    expect(page).not.toMatch(/too many/);
  }
});

describe('a sign-in that somebody else began', () => {
  const start = async () => {
    const { headers, status } = await get(`/EnrollmentServer/SignIn/Entra?appru=${encodeURIComponent(APPRU)}`);
    const setCookie = String(headers['set-cookie']);
    return { status, setCookie, cookie: setCookie.split(';')[0] ?? '', location: String(headers['location']) };
  };
  const comeBack = async (location: string) => {
    const reply = await fetch(location, { redirect: 'manual' });
    const { pathname, search } = new URL(reply.headers.get('location') ?? '');
    return pathname + search;
  };

  test('cannot be finished in another web view, nor with the cookie of another sign-in', async () => {
    const attacker = await start();
    const victim = await start();
    const callback = await comeBack(attacker.location);
    const without = await get(callback);
    expect(without.body).toMatch(/took too long/);
    const withOther = await get(callback, victim.cookie);
    expect(withOther.body).toMatch(/did not work/);
    for (const { body } of [without, withOther]) expect(body).not.toContain('wresult');
  });

  test('keeps its state in a cookie that no script reads, only this host gets, and that tells nothing', async () => {
    const { status, setCookie, cookie } = await start();
    expect(status).toBe(302);
    const attributes = setCookie.toLowerCase().split(/; ?/).slice(1);
    expect(attributes).toEqual(expect.arrayContaining(['path=/', 'secure', 'httponly', 'samesite=lax', 'max-age=900']));
    expect(attributes.some((each) => each.startsWith('domain='))).toBe(false);
    expect(cookie.startsWith(`${COOKIE}=`)).toBe(true);
    expect(Buffer.from(cookie, 'latin1').toString()).not.toContain('ms-app');
  });

  test('is over after fifteen minutes, and the cookie is taken back', async () => {
    const { location, cookie } = await start();
    const callback = await comeBack(location);
    lanyard().pass({ minutes: 16 });
    const late = await get(callback, cookie);
    expect(late.body).toMatch(/took too long/);
    expect(String(late.headers['set-cookie'])).toMatch(new RegExp(`^${COOKIE}=;`));
  });

  test('cannot be begun where it is not set up, or for a way back that is none', async () => {
    expect((await get('/EnrollmentServer/SignIn/Entra?appru=https://evil.example')).status).toBe(400);
    await lanyard().admin.call('PUT', '/api/settings', { ...SETTINGS, signIn: {} });
    const { status, body: page } = await get(`/EnrollmentServer/SignIn/Entra?appru=${encodeURIComponent(APPRU)}`);
    expect([status, page]).toEqual([200, expect.stringMatching(/Signing in with Microsoft is not set up.*code: <b>/s)]);
    const { body } = await get(`/EnrollmentServer/SignIn?appru=${encodeURIComponent(APPRU)}`);
    expect(body).not.toContain('Microsoft');
    await lanyard().admin.call('PUT', '/api/settings', SETTINGS);
  });

  test('leaves neither code nor state nor cookie in the log', async () => {
    const { location, cookie } = await start();
    const callback = await comeBack(location);
    expect((await get(callback, cookie)).body).toContain('wresult');
    const log = lanyard().logs.join('\n');
    const { code, state } = Object.fromEntries(new URLSearchParams(callback.split('?')[1]));
    for (const secret of [code, state, cookie.split('=')[1]]) expect(log).not.toContain(secret);
  });
});
