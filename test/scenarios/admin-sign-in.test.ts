import { afterEach, beforeEach, expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';

/** Administrators who sign in with Entra: the test plays the platform, which names in a header whom it has signed in. */

const lanyard = useLanyard({ adminAuth: 'entra', callersHeader: 'pass' });

beforeEach(() => {
  process.env['WEBSITE_AUTH_ENABLED'] = 'True';
});
afterEach(() => {
  delete process.env['WEBSITE_AUTH_ENABLED'];
});

function signedIn(name: string, ...roles: string[]): Record<string, string> {
  const claims = [{ typ: 'preferred_username', val: name }, ...roles.map((val) => ({ typ: 'roles', val }))];
  return { 'x-ms-client-principal': Buffer.from(JSON.stringify({ claims })).toString('base64') };
}

async function call(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
  const { status, body: text } = await lanyard().admin.send(method, path, body && JSON.stringify(body), headers);
  return { status, value: text === '' ? undefined : JSON.parse(text) };
}

test('a role opens what it is for, and a key opens nothing', async () => {
  const master = { 'x-functions-key': lanyard().local.masterKey };
  expect(await call('GET', '/api/devices', master)).toMatchObject({ status: 401, value: { title: 'Not signed in' } });

  const reader = signedIn('rita@example.org', 'Reader');
  expect((await call('GET', '/api/devices', reader)).status).toBe(200);
  const refused = await call('POST', '/api/invitations', reader, { user: 'kim@example.org' });
  expect(refused).toMatchObject({ status: 403, value: { title: 'Role missing' } });
  expect(refused.value.detail).toBe('This call needs the app role Operator. rita@example.org has Reader.');

  const operator = signedIn('otto@example.org', 'Operator');
  expect((await call('POST', '/api/invitations', operator, { user: 'kim@example.org' })).status).toBe(201);
  expect((await call('POST', '/api/certificate-authority', operator, {})).status).toBe(403);

  const approver = signedIn('ada@example.org', 'Approver');
  expect((await call('POST', '/api/certificate-authority', approver, {})).status).toBe(200);
  expect((await call('GET', '/api/devices', signedIn('nina@example.org'))).value.detail).toContain('has none');
});

test('the audit has the name that was signed in, whatever the caller says', async () => {
  const headers = { ...signedIn('otto@example.org', 'Operator'), 'x-lanyard-actor': 'somebody else' };
  await call('POST', '/api/invitations', headers, { user: 'lee@example.org' });
  const { value } = await call('GET', '/api/audit', signedIn('rita@example.org', 'Reader'));
  const act = value.items.find(({ subject }: { subject: string }) => subject === 'lee@example.org');
  expect(act).toMatchObject({ act: 'invite', actor: 'otto@example.org' });
});

test('while the sign-in of the platform is off, its header is not believed', async () => {
  delete process.env['WEBSITE_AUTH_ENABLED'];
  const reply = await call('GET', '/api/devices', signedIn('ada@example.org', 'Approver'));
  expect(reply).toMatchObject({ status: 503, value: { title: 'Sign-in is off' } });
});

test('a page of another site changes nothing in the name of whoever is signed in here', async () => {
  const approver = signedIn('ada@example.org', 'Approver');
  for (const site of ['cross-site', 'same-site']) {
    const foreign = { ...approver, 'sec-fetch-site': site };
    const reply = await call('POST', '/api/invitations', foreign, { user: 'eve@example.org' });
    expect(reply).toMatchObject({ status: 403, value: { title: 'From another site' } });
  }
  const own = { ...approver, 'sec-fetch-site': 'same-origin' };
  expect((await call('POST', '/api/invitations', own, { user: 'kim@example.org' })).status).toBe(201);
});

test('devices enroll as ever', async () => {
  await call('POST', '/api/certificate-authority', signedIn('ada@example.org', 'Approver'), {});
  const operator = signedIn('otto@example.org', 'Operator');
  const { value } = await call('POST', '/api/invitations', operator, { user: 'kim@example.org' });
  const device = await lanyard().newDevice();
  const { enrollUrl: server } = lanyard().local;
  expect(await device.enroll({ server, user: value.user, secret: value.secret })).toHaveProperty('enrollmentId');
});
