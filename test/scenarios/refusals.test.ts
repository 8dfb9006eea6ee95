import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ENROLLMENT_VERBS } from '../../local/cli/enrollment-verbs.ts';
import { runVerb } from '../../local/cli/verb.ts';
import type { DeviceError, DeviceOptions, WindowsDevice } from '../../local/device/windows-device.ts';
import { useLanyard } from '../support/lanyard.ts';

/** Every refusal that an administrator can bring about, as the simulated PC shows it and as the journal explains it. */
const lanyard = useLanyard();

const HARDWARE = 'AB'.repeat(32);
const TEXT = 'Enrollment opens again on Monday. Call 1234.';

async function set(enrollment: object): Promise<void> {
  await lanyard().admin.call('PUT', '/api/settings', { enrollment });
}

const refuse = (kind: string, value: string) =>
  lanyard().admin.call('PUT', `/api/refusals/${kind}/${encodeURIComponent(value)}`, { reason: 'for a test' });
const allow = (kind: string, value: string) =>
  lanyard().admin.call('DELETE', `/api/refusals/${kind}/${encodeURIComponent(value)}`);

/** Each PC has an address of its own: the journal keeps so many attempts of one. */
let lastAddress = 0;
function anAddress(): string {
  lastAddress += 1;
  return `127.8.0.${lastAddress}`;
}

interface Tried {
  user?: string;
  secret?: string;
  machine?: DeviceOptions['machine'];
  invitation?: object;
}

/** @returns what the PC shows. */
async function refused({ user = 'kim@example.org', secret, machine, invitation }: Tried): Promise<DeviceError> {
  const invited = await lanyard().invite(user, invitation);
  const device = await lanyard().newDevice({ machine, localAddress: anAddress() });
  const request = { server: lanyard().local.enrollUrl, user, secret: secret ?? invited.secret };
  const error: unknown = await device.enroll(request).then(
    () => expect.fail('the device was enrolled'),
    (thrown: unknown) => thrown,
  );
  return error as DeviceError;
}

interface Case extends Tried {
  cause: string;
  hresult: string;
  /** What the administrator did before. */
  given?: () => Promise<unknown>;
  /** What undoes it, where the settings do not. */
  after?: () => Promise<unknown>;
}

const CASES: Case[] = [
  { cause: 'wrongCredential', hresult: '0x80180002', secret: 'AAAA-AAAA-AAAA-AAAA' },
  { cause: 'closed', hresult: '0x80180003', given: () => set({ open: false }) },
  { cause: 'closed', hresult: '0x80180003', given: () => set({ closedDomains: ['example.org'] }) },
  { cause: 'closedWithMessage', hresult: '0x80180032', given: () => set({ open: false, closedMessage: TEXT }) },
  {
    cause: 'closed',
    hresult: '0x80180003',
    given: () => set({ open: false, closedMessage: TEXT }),
    machine: { osVersion: '10.0.19041.1' },
  },
  { cause: 'maintenance', hresult: '0x80180017', given: () => set({ maintenance: true }) },
  { cause: 'foreignDomain', hresult: '0x80180003', given: () => set({ domains: ['example.com'] }) },
  { cause: 'userNotListed', hresult: '0x80180018', given: () => set({ users: ['sam@example.org'] }) },
  { cause: 'editionNotServed', hresult: '0x80180014', given: () => set({ editions: [48, 121] }) },
  {
    cause: 'versionTooOld',
    hresult: '0x80180014',
    given: () => set({ minimumVersion: '10.0.22000' }),
    machine: { osVersion: '10.0.19045.3803' },
  },
  {
    cause: 'userBlocked',
    hresult: '0x80180003',
    given: () => refuse('user', 'kim@example.org'),
    after: () => allow('user', 'KIM@example.org'),
  },
  {
    cause: 'deviceBlocked',
    hresult: '0x80180015',
    given: () => refuse('serial', 'PF3/K2 A1B'),
    after: () => allow('serial', 'pf3/k2 a1b'),
    machine: { serialNumber: 'PF3/K2 A1B' },
  },
  {
    cause: 'deviceBlocked',
    hresult: '0x80180015',
    given: () => refuse('hardwareId', HARDWARE),
    after: () => allow('hardwareId', HARDWARE),
    machine: { hwDevId: HARDWARE },
  },
  {
    cause: 'decommissioning',
    hresult: '0x80180017',
    given: async () => {
      const { id } = await lanyard().enrolledDevice({ machine: { serialNumber: 'DECOM1' } });
      await refuse('device', id);
    },
    machine: { serialNumber: 'DECOM1' },
  },
  { cause: 'badContext', hresult: '0x80180019', machine: { deviceId: '' } },
  { cause: 'kindNotServed', hresult: '0x80180015', machine: { enrollmentType: 'Compliance' as 'Full' } },
  { cause: 'badSigningRequest', hresult: '0x80180004', machine: { keyBits: 1024 } },
  {
    cause: 'invitationUsedUp',
    hresult: '0x80180013',
    given: async () => {
      const { user, secret } = await lanyard().invite('full@example.org');
      await (await lanyard().newDevice()).enroll({ server: lanyard().local.enrollUrl, user, secret });
      usedUp = secret;
    },
    user: 'full@example.org',
    get secret() {
      return usedUp;
    },
  },
  {
    cause: 'userDeviceLimit',
    hresult: '0x80180013',
    given: async () => {
      await set({ devicesPerUser: 1 });
      const { user, secret } = await lanyard().invite('many@example.org');
      await (await lanyard().newDevice()).enroll({ server: lanyard().local.enrollUrl, user, secret });
    },
    user: 'many@example.org',
  },
  { cause: 'organisationDeviceLimit', hresult: '0x80180013', given: () => set({ devicesInAll: 1 }) },
];
let usedUp = '';

describe('a PC that is refused', () => {
  beforeEach(() => set({}));
  afterAll(() => set({}));

  test.each(CASES.map((each) => [each.cause, each.hresult, each] as const))(
    'because of %s shows %s, and its TraceId says why',
    async (cause, hresult, { given, after, ...tried }) => {
      await given?.();
      const error = await refused({ ...tried, secret: CASES.find((each) => each.cause === cause)?.secret });
      expect(error.hresult).toBe(hresult);
      if (cause === 'closedWithMessage') expect(error.message).toBe(TEXT);
      const attempt = await lanyard().get(`/api/enrollment-attempts/${error.traceId}`);
      expect(attempt).toMatchObject({
        cause,
        outcome: 'refused',
        user: tried.user ?? 'kim@example.org',
        reason: expect.stringMatching(/\w+ \w+/),
        onThePc: { hresult, windowsSays: expect.any(String), message: expect.any(String) },
        remedy: expect.any(String),
      });
      const story = await say('attempts', error.traceId ?? '');
      for (const part of [hresult, attempt.reason, attempt.remedy]) expect(story).toContain(part);
      await after?.();
    },
  );

  test('enrolls when what stood against it is gone', async () => {
    await refuse('serial', 'GONE1234');
    expect((await refused({ machine: { serialNumber: 'GONE1234' } })).hresult).toBe('0x80180015');
    await allow('serial', 'GONE1234');
    const { id } = await lanyard().enrolledDevice({ machine: { serialNumber: 'GONE1234' } });
    expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('enrolled');
  });

  test('is kept out while it is taken out of service, whatever becomes of its enrollment, until an administrator lets it', async () => {
    const machine = { serialNumber: 'HELD1234' };
    const { device, id } = await lanyard().enrolledDevice({ name: 'PC-HELD', machine });
    await device.sync();
    expect(await say('refuse', 'device', 'PC-HELD', '--reason', 'goes to the recycler')).toContain(
      `device ${id} cannot`,
    );
    await lanyard().post(`/api/devices/${id}/unenroll`);
    const error = await refused({ machine });
    expect([error.hresult, error.message]).toEqual(['0x80180017', expect.stringContaining('out of service')]);
    const { reason } = await lanyard().get(`/api/enrollment-attempts/${error.traceId}`);
    expect(reason).toContain('goes to the recycler');
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({ state: 'unenrolling' });
    await device.sync();
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({ state: 'unenrolled' });
    expect((await refused({ machine })).hresult).toBe('0x80180017');

    expect(await say('refusals')).toContain('goes to the recycler');
    expect(await say('allow', 'device', id)).toContain('may enroll again');
    const again = await lanyard().enrolledDevice({ machine });
    expect((await lanyard().get(`/api/devices/${again.id}`)).state).toBe('enrolled');
    await expect(say('allow', 'device', id)).rejects.toThrow(/is not kept from enrolling/);
  });

  test('finds a place again when another device of its user has left', async () => {
    await set({ devicesPerUser: 1 });
    const user = 'lee@example.org';
    const enroll = async (device: WindowsDevice) => {
      const { secret } = await lanyard().invite(user);
      return device.enroll({ server: lanyard().local.enrollUrl, user, secret });
    };
    const first = await lanyard().newDevice();
    const { enrollmentId } = await enroll(first);
    await first.sync();
    expect((await refused({ user })).hresult).toBe('0x80180013');
    await lanyard().post(`/api/devices/${enrollmentId}/unenroll`);
    await first.sync();
    await enroll(await lanyard().newDevice());
  });
});

/** What the command line prints. */
function say(name: string, ...args: string[]): Promise<string> {
  const verb = ENROLLMENT_VERBS.find((each) => each.name === name)!;
  const { local, folder } = lanyard();
  return runVerb(verb, [
    ...args,
    '--url',
    local.enrollUrl,
    '--key',
    local.adminKey,
    '--folder',
    folder,
    '--actor',
    'kim',
  ]);
}

describe('the list of attempts', () => {
  test('of a user shows what he tried, over pages, and of today what all tried', async () => {
    // In an hour of its own: so many of one address are kept in each.
    lanyard().pass({ hours: 1 });
    const user = 'pages@example.org';
    for (let n = 0; n < 3; n += 1) await refused({ user, machine: { deviceId: '' } });
    const first = await lanyard().get(`/api/enrollment-attempts?user=${user.toUpperCase()}&limit=2`);
    const second = await lanyard().get(`/api/enrollment-attempts?user=${user}&limit=2&cursor=${first.next}`);
    expect([...first.items, ...second.items].map(({ cause }) => cause)).toEqual(Array(3).fill('badContext'));
    const today = await lanyard().get('/api/enrollment-attempts?limit=1000');
    expect(today.items.slice(0, 3)).toEqual([...first.items, ...second.items]);
    expect(await say('attempts', '--user', user)).toContain(first.items[0].traceId);
  });

  test.each([
    ['?day=yesterday', 'day'],
    ['?days=91', 'days'],
    ['?limit=0', 'limit'],
    ['?cursor=AAAA', 'cursor'],
  ])('%s is refused, and names the field', async (query, field) => {
    const reply = await lanyard().admin.send('GET', `/api/enrollment-attempts${query}`);
    expect([reply.status, JSON.parse(reply.body).errors[0].field]).toEqual([400, field]);
  });

  test.each(['nokeep-20260301-0123456789ab', '20260301-0123456789ab', 'x'])('%s is a 404 with words', async (id) => {
    const reply = await lanyard().admin.send('GET', `/api/enrollment-attempts/${id}`);
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.body).detail).toMatch(/\w+ \w+ \w+/);
  });
});

describe('what people do by the command line', () => {
  test('refuses, lists and allows', async () => {
    await say('refuse', 'serial', 'CLI12345', '--reason', 'stolen on the train');
    expect(await say('refusals')).toContain('stolen on the train');
    await say('allow', 'serial', 'cli12345');
    expect(await say('refusals')).not.toContain('CLI12345');
    await expect(say('refuse', 'serial', 'Default string', '--reason', 'x')).rejects.toThrow(/many PCs/);
    await expect(say('refuse', 'colour', 'red', '--reason', 'x')).rejects.toThrow(/user, serial, hardwareId, device/);
  });

  test('withdraws an invitation, which then enrolls nobody, and the audit has it', async () => {
    const { id, user, secret } = await lanyard().invite('gone@example.org');
    expect(await say('invitations', user)).toMatch(new RegExp(`${id} +open`));
    expect(await say('withdraw', user, id)).toContain('withdrawn');
    expect((await refused({ user, secret })).hresult).toBe('0x80180002');
    const listed = await lanyard().get(`/api/invitations?user=${user}`);
    expect(JSON.stringify(listed)).not.toMatch(/secret/i);
    await expect(say('withdraw', user, '~devices')).rejects.toThrow(/no invitation/);
    expect(await say('audit')).toContain('withdraw invitation');
  });

  test('shows what enrolled with an invitation', async () => {
    const { user, secret, id } = await lanyard().invite('shown@example.org');
    const { enrollmentId } = await (await lanyard().newDevice()).enroll({
      server: lanyard().local.enrollUrl,
      user,
      secret,
    });
    const { items } = await lanyard().get(`/api/invitations?user=${user}`);
    expect(items).toMatchObject([{ id, state: 'usedUp', devices: [{ enrollmentId }] }]);
  });
});

describe('a device that is blocked', () => {
  test('is refused in the middle of a session, and goes on where it was once it is unblocked', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    await device.sync();
    await lanyard().post(`/api/devices/${id}/unenroll`);
    expect(await say('block', id, '--reason', 'stolen')).toContain('blocked');
    await expect(device.sync()).rejects.toThrow();
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
      state: 'blocked',
      blocked: { by: 'kim', reason: 'stolen', before: 'unenrolling' },
    });
    const { items } = await lanyard().get('/api/devices?limit=1000');
    expect(items.find((each: { id: string }) => each.id === id).state).toBe('blocked');
    const again = await lanyard().admin.send('POST', `/api/devices/${id}/block`, '{"reason":"x"}');
    expect([again.status, JSON.parse(again.body).detail]).toEqual([409, expect.stringContaining('blocked already')]);
    await say('unblock', id, '--reason', 'found');
    const freed = await lanyard().get(`/api/devices/${id}`);
    expect([freed.state, freed.blocked]).toEqual(['unenrolling', undefined]);
    await device.sync();
    expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('unenrolled');
  });

  test('needs a reason', async () => {
    const { id } = await lanyard().enrolledDevice();
    const reply = await lanyard().admin.send('POST', `/api/devices/${id}/block`, '{}');
    expect([reply.status, JSON.parse(reply.body).errors[0].field]).toEqual([400, 'reason']);
    await expect(say('block', id)).rejects.toThrow(/--reason/);
  });
});

describe('the audit', () => {
  test('is listed page by page, the newest first', async () => {
    for (const reason of ['one', 'two', 'three']) {
      lanyard().pass({ minutes: 1 });
      await lanyard().admin.call('PUT', '/api/refusals/user/a@b.example', { reason });
    }
    const first = await lanyard().get('/api/audit?limit=2');
    const second = await lanyard().get(`/api/audit?limit=1&cursor=${first.next}`);
    const outcomes = [...first.items, ...second.items].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['three', 'two', 'one']);
    expect(first.items[0]).toMatchObject({ act: 'refuse', subject: 'user a@b.example', actor: 'local' });
    expect((await lanyard().get('/api/audit?day=2020-01-01')).items).toEqual([]);
    expect((await lanyard().admin.send('GET', '/api/audit?day=today')).status).toBe(400);
  });
});

test('one Idempotency-Key of two callers makes two invitations', async () => {
  const ask = (actor: string) =>
    lanyard().post(
      '/api/invitations',
      { user: 'two@example.org' },
      { 'idempotency-key': 'laptop', 'x-lanyard-actor': actor },
    );
  const [one, again, other] = [await ask('kim'), await ask('kim'), await ask('sam')];
  expect(again).toEqual(one);
  expect(other.id).not.toBe(one.id);
  expect(other.secret).not.toBe(one.secret);
});
