import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { DEVICE_VERBS } from '../../local/cli/device-verbs.ts';
import type { EntraEnrollment, WindowsDevice } from '../../local/device/windows-device.ts';
import { setEntraAuthority } from '../../shared/enrollment/authentication/entra-token.ts';
import { useLanyard } from '../support/lanyard.ts';
import {
  APP_ID_URI,
  CLIENT_ID,
  DEVICE_ID,
  OBJECT_ID,
  TENANT,
  type TokenParts,
  useMockEntra,
} from '../support/mock-entra.ts';
import { faultOf, send, tokenRequest } from '../support/wire.ts';

const entra = useMockEntra();
const lanyard = useLanyard();

const TERMS = { version: '2026-01', text: 'Lock your PC.', required: true };
const settings = (more: object = {}) =>
  lanyard().admin.call('PUT', '/api/settings', {
    entra: { tenantId: TENANT, audiences: [CLIENT_ID, APP_ID_URI] },
    ...more,
  });

beforeAll(() => settings());
afterEach(() => observeStorage(undefined));

async function enroll(
  device: WindowsDevice,
  options: Partial<Omit<EntraEnrollment, 'token'>> & { token?: TokenParts } = {},
) {
  const { kind = 'join', token, ...more } = options;
  const { enrollUrl } = lanyard().local;
  const server = `${enrollUrl}/entra/EnrollmentServer/Discovery.svc`;
  const jwt = await entra.token({ now: lanyard().now(), ...token });
  return device.enroll({ server, user: 'kim@example.org', secret: '' }, { kind, token: jwt, ...more });
}
/** A security header with a token of Entra, as Windows writes it. */
function headerOf(jwt: string): string {
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  const token = Buffer.from(jwt).toString('base64');
  return `<wsse:Security xmlns:wsse="${wsse}"><wsse:BinarySecurityToken ValueType="urn:ietf:params:oauth:token-type:jwt">${token}</wsse:BinarySecurityToken></wsse:Security>`;
}

const askWith = (security: string, localAddress: string) =>
  send(`${lanyard().local.enrollUrl.replace('localhost', '127.0.0.1')}/EnrollmentServer/Enrollment.svc`, {
    body: tokenRequest({ user: '', secret: '', security }),
    ca: lanyard().local.tlsRoot,
    localAddress,
  });

const termsOfUse = () => `${lanyard().local.enrollUrl}/entra/TermsOfUse`;
const shown = (id: string) => lanyard().get(`/api/devices/${id}`);

describe('a PC that joins Entra', () => {
  test.each([1, 2] as const)(
    'with a token of version %i is enrolled as a device, without an invitation',
    async (version) => {
      const device = await lanyard().newDevice();
      const { enrollmentId } = await enroll(device, { token: { version, claims: { deviceid: DEVICE_ID } } });
      const report = await device.sync();
      expect(report.remarks).toEqual([]);
      const view = await shown(enrollmentId);
      expect(view).toMatchObject({
        user: 'kim@example.org',
        enrollmentType: 'Device',
        admission: { way: 'entra', kind: 'join', tenantId: TENANT, entraUserId: OBJECT_ID, entraDeviceId: DEVICE_ID },
        join: { kind: 'joined' },
      });
      expect(device.machine).toMatchObject({ join: 'joined', enrollmentType: 'Device' });
    },
  );

  test('is enrolled though it names no address to Discovery, as the set-up of a new PC may', async () => {
    const device = await lanyard().newDevice();
    const server = `${lanyard().local.enrollUrl}/entra/EnrollmentServer/Discovery.svc`;
    const jwt = await entra.token({ now: lanyard().now() });
    const { enrollmentId } = await device.enroll({ server, user: '', secret: '' }, { kind: 'join', token: jwt });
    expect(await shown(enrollmentId)).toMatchObject({ user: 'kim@example.org', enrollmentType: 'Device' });
  });

  test('keeps its join until somebody takes the risk of ending it', async () => {
    const device = await lanyard().newDevice();
    const { enrollmentId } = await enroll(device);
    await device.sync();
    await lanyard().post(`/api/devices/${enrollmentId}/unenroll`);
    await device.sync();
    expect((await shown(enrollmentId)).unenroll.state).toBe('held');
    expect(device.machine.join).toBe('joined');
    await lanyard().post(`/api/devices/${enrollmentId}/unenroll`, {
      acceptRisk: { person: 'Sam', reason: 'has a local account' },
    });
    expect((await device.sync()).unenrolled).toBe(true);
    expect(device.machine.join).toBe('none');
  });

  test('takes at most sixteen storage calls, and of these one to know its user by', async () => {
    const device = await lanyard().newDevice();
    const calls: string[] = [];
    observeStorage(({ service, operation, name }) => void calls.push(`${service} ${operation} ${name}`));
    await enroll(device);
    const own = calls.filter((call) => !call.endsWith('catalogue'));
    expect(own.length).toBeLessThanOrEqual(16);
    expect(own.filter((call) => call === 'table query invitations')).toHaveLength(1);
  });
});

describe('a PC with an added work account', () => {
  test('is enrolled for its user, and leaves without asking anybody', async () => {
    const device = await lanyard().newDevice();
    const { enrollmentId } = await enroll(device, { kind: 'workAccount' });
    await device.sync();
    expect(await shown(enrollmentId)).toMatchObject({
      enrollmentType: 'Full',
      admission: { way: 'entra', kind: 'workAccount' },
      join: { kind: 'registered' },
    });
    await lanyard().post(`/api/devices/${enrollmentId}/unenroll`);
    expect((await device.sync()).unenrolled).toBe(true);
    expect(device.show().lockedOut).toBe(false);
    expect((await shown(enrollmentId)).unenroll.state).toBe('confirmed');
  });

  test('that says it belongs to another device of the tenant is held like a joined one', async () => {
    const device = await lanyard().newDevice();
    const { enrollmentId } = await enroll(device, { kind: 'workAccount', token: { claims: { deviceid: DEVICE_ID } } });
    await device.sync();
    await lanyard().post(`/api/devices/${enrollmentId}/unenroll`);
    await device.sync();
    expect(await shown(enrollmentId)).toMatchObject({ join: { kind: 'joined' }, unenroll: { state: 'held' } });
  });
});

test('from the command line a PC joins Entra, terms of use and all', async () => {
  await settings({ termsOfUse: TERMS });
  const verb = DEVICE_VERBS.find(({ name }) => name === 'device enroll')!;
  const trust = join(lanyard().folder, 'tls-root.pem');
  const options = {
    server: `${lanyard().local.enrollUrl}/entra/EnrollmentServer/Discovery.svc`,
    user: 'kim@example.org',
    entra: 'join',
    token: await entra.token({ now: lanyard().now() }),
    terms: termsOfUse(),
    folder: lanyard().folder,
    name: 'CLI-PC',
    trust,
  };
  const input = { options, flags: {}, positionals: [] };
  const { text } = await verb.run(input);
  expect(text).toMatch(/Enrolled as [0-9a-f-]{36}/);
  await expect(verb.run({ ...input, options: { ...options, entra: 'hybrid' } })).rejects.toThrow('--entra is');
  await settings();
});

describe('terms of use', () => {
  test('that were accepted are kept with the enrollment', async () => {
    await settings({ termsOfUse: TERMS });
    const device = await lanyard().newDevice();
    const { enrollmentId } = await enroll(device, { termsOfUse: termsOfUse() });
    const view = await shown(enrollmentId);
    expect(view.admission.termsOfUse.version).toBe('2026-01');
    expect(Math.abs(Date.parse(view.admission.termsOfUse.acceptedAt) - lanyard().now().getTime())).toBeLessThan(60_000);
    expect(JSON.stringify(view)).not.toContain('EnrollmentData');
  });

  test('that are required keep out who did not pass by them', async () => {
    await settings({ termsOfUse: TERMS });
    const device = await lanyard().newDevice();
    const refused = await enroll(device).catch((error) => error);
    expect(refused).toMatchObject({ hresult: '0x80180019' });
    expect(device.machine.join).toBe('none');
    const attempt = { cause: 'termsNotAccepted', user: 'kim@example.org', userProved: true, step: 'eligibility' };
    expect(await lanyard().get(`/api/enrollment-attempts/${refused.traceId}`)).toMatchObject(attempt);
    const { items } = await lanyard().get('/api/enrollment-attempts?user=Kim@example.org');
    expect(items).toContainEqual(expect.objectContaining({ traceId: refused.traceId }));
  });

  test('that are missing slow nobody down: whoever has a token of the tenant guesses nothing', async () => {
    await settings({ termsOfUse: TERMS });
    const security = headerOf(await entra.token({ now: lanyard().now() }));
    const statuses = new Set<number>();
    for (let n = 0; n < 23; n += 1) statuses.add((await askWith(security, '127.77.0.2')).status);
    expect([...statuses]).toEqual([500]);
  });

  test('that a user declines enroll nothing', async () => {
    await settings({ termsOfUse: TERMS });
    const device = await lanyard().newDevice();
    const declined = enroll(device, { kind: 'workAccount', termsOfUse: termsOfUse(), answer: 'decline' });
    await expect(declined).rejects.toMatchObject({ step: 'terms of use' });
    expect(device.show().enrolled).toBe(false);
  });

  test('are left out where there are none', async () => {
    await settings();
    const { enrollmentId } = await enroll(await lanyard().newDevice(), { termsOfUse: termsOfUse() });
    expect((await shown(enrollmentId)).admission).not.toHaveProperty('termsOfUse');
  });
});

describe('a PC is told why not', () => {
  test.each([
    ['0x80180002', { claims: { tid: '11111111-2222-4333-8444-555555555555' } }],
    ['0x80180002', { claims: { aud: 'other' } }],
    ['0x80180002', { now: new Date(0) }],
  ] as [string, TokenParts][])('with %s for a token that is not good (%#)', async (hresult, token) => {
    await settings();
    const refused = await enroll(await lanyard().newDevice(), { token }).catch((error) => error);
    expect(refused).toMatchObject({ hresult });
    const claimed = { cause: 'badEntraToken', user: 'kim@example.org', userProved: false };
    expect(await lanyard().get(`/api/enrollment-attempts/${refused.traceId}`)).toMatchObject(claimed);
  });

  test('where no tenant is set: no token is good', async () => {
    await lanyard().admin.call('PUT', '/api/settings', {});
    await expect(enroll(await lanyard().newDevice())).rejects.toMatchObject({ hresult: '0x80180002' });
  });

  test('with "try again" where the keys of the tenant cannot be read', async () => {
    await settings();
    setEntraAuthority('http://localhost:9');
    const iss = `https://sts.windows.net/${TENANT}/`;
    const refused = enroll(await lanyard().newDevice(), { token: { claims: { iss } } });
    await expect(refused).rejects.toMatchObject({ hresult: '0x80180005' });
    setEntraAuthority(entra.authority);
  });

  test('with the right fault for a token that is far too long, and nothing of it in the log', async () => {
    await settings();
    const long = randomBytes(30_000).toString('hex');
    const { status, body } = await askWith(headerOf(`${long}.${long}.x`), '127.77.0.1');
    expect([status, faultOf(body).error]).toEqual([500, 'Authentication']);
    expect(lanyard().logs.join('\n')).not.toContain(long.slice(0, 40));
  });
});

test('no token of Entra and no proof of acceptance is in any log', () => {
  const logs = lanyard().logs.join('\n');
  expect(logs).not.toMatch(/eyJ[A-Za-z0-9_-]{20}/);
});
