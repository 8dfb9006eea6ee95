import { describe, expect, test } from 'vitest';
import type { NetworkFaults } from '../../local/device/windows-device.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

async function ready() {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  return { device, id };
}

describe('the admin API', () => {
  test.each([
    ['GET', '/api/devices'],
    ['POST', '/api/invitations'],
    ['GET', '/api/settings'],
    ['POST', '/api/devices/00000000-0000-4000-8000-000000000000/unenroll'],
  ])('answers %s %s with 401 without the right key', async (method, path) => {
    for (const key of ['', 'wrong']) {
      const reply = await lanyard().admin.send(method, path, '{}', { 'x-functions-key': key });
      expect([reply.status, reply.body]).toEqual([401, '']);
    }
  });

  test('asks for the master key to make the certificate authority', async () => {
    expect((await lanyard().admin.send('POST', '/api/certificate-authority', '{}')).status).toBe(401);
  });

  test('has no GET that unenrolls', async () => {
    const { id } = await ready();
    expect((await lanyard().admin.send('GET', `/api/devices/${id}/unenroll`)).status).toBe(200);
    expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('enrolled');
  });

  test.each([
    ['/api/devices/00000000-0000-4000-8000-000000000000', 404],
    ['/api/devices/nonsense', 404],
    ['/api/devices/..%2F..%2Fx', 404],
    ['/api/devices?limit=0', 400],
    ['/api/devices?limit=1001', 400],
    ['/api/devices?cursor=AAAA', 400],
  ])('answers GET %s with %i as problem details', async (path, status) => {
    const reply = await lanyard().admin.send('GET', path);
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toContain('application/problem+json');
    expect(JSON.parse(reply.body)).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
  });

  test.each([
    [{}, 'user'],
    [{ user: 'kim' }, 'user'],
    [{ user: 'kim@example.org', expiresInHours: 0 }, 'expiresInHours'],
    [{ user: 'kim@example.org', maxDevices: 1.5 }, 'maxDevices'],
    [{ user: 'kim@example.org', colour: 'red' }, 'colour'],
  ])('refuses the invitation %j and names the field', async (body, field) => {
    const reply = await lanyard().admin.send('POST', '/api/invitations', JSON.stringify(body));
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).errors[0]).toMatchObject({ field, message: expect.any(String) });
  });

  test.each([
    [{ verb: 'Fly', target: './X' }, 'verb'],
    [{ verb: 'Get', target: '/Vendor' }, 'target'],
    [{ verb: 'Get', target: './A//B' }, 'target'],
    [{ verb: 'Get', target: './A', data: 'x' }, 'data'],
    [{ verb: 'Replace', target: './A' }, 'data'],
    [{ verb: 'Replace', target: './A', data: 'one', format: 'int' }, 'data'],
    [{ verb: 'Replace', target: './A', data: 'a\u0001b' }, 'data'],
    [{ verb: 'Replace', target: './A', data: 'x'.repeat(128 * 1024 + 1) }, 'data'],
    [{ verb: 'Replace', target: './A', data: '&'.repeat(60_000) }, 'data'],
    [{ verb: 'Get', items: [{ target: './A' }, { target: 'B' }] }, 'items[1].target'],
    [
      [
        { verb: 'Get', target: './A' },
        { verb: 'Delete', target: './A', data: 'x' },
      ],
      '[1].data',
    ],
    [{ verb: 'Exec', items: [{ target: './A' }, { target: './B' }] }, 'items'],
    [[], ''],
  ])('refuses the command %j and names the field', async (body, field) => {
    const { id } = await ready();
    const reply = await lanyard().admin.send('POST', `/api/devices/${id}/commands`, JSON.stringify(body));
    expect(reply.status).toBe(400);
    expect(
      JSON.parse(reply.body)
        .errors.map((error: { field: string }) => error.field)
        .join(' '),
    ).toContain(field);
    expect((await lanyard().get(`/api/devices/${id}/commands`)).items).toEqual([]);
  });

  test('pages through commands by an opaque cursor: those that wait first, then the finished', async () => {
    const { device, id } = await ready();
    for (let index = 0; index < 3; index += 1) await lanyard().queue(id, 'Get', './DevDetail/SwV');
    await device.sync();
    for (let index = 0; index < 3; index += 1) await lanyard().queue(id, 'Get', './DevDetail/FwV');
    const states: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await lanyard().get(`/api/devices/${id}/commands?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      states.push(...page.items.map(({ state }: { state: string }) => state));
      cursor = page.next;
    } while (cursor);
    expect(states).toEqual(['waiting', 'waiting', 'waiting', 'done', 'done', 'done']);
  });

  test('pages through devices', async () => {
    for (let index = 0; index < 3; index += 1) await lanyard().enrolledDevice();
    const all = await lanyard().get('/api/devices?limit=1000');
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await lanyard().get(`/api/devices?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      paged.push(...page.items.map(({ id }: { id: string }) => id));
      cursor = page.next;
    } while (cursor);
    expect(paged).toEqual(all.items.map(({ id }: { id: string }) => id));
  });

  test('cancels a command that waits, and says the state of one that does not', async () => {
    const { device, id } = await ready();
    const command = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    const cancelled = await lanyard().admin.call<{ state: string; reason: string }>(
      'DELETE',
      `/api/devices/${id}/commands/${command}`,
    );
    expect(cancelled).toMatchObject({ state: 'cancelled', reason: 'Cancelled by local.' });
    expect((await device.sync()).commandsRun).toEqual([]);
    const again = await lanyard().admin.send('DELETE', `/api/devices/${id}/commands/${command}`);
    expect([again.status, JSON.parse(again.body).detail]).toEqual([409, expect.stringContaining('cancelled')]);
  });

  test('queues once what is sent twice under one Idempotency-Key, and refuses another request under it', async () => {
    const { id } = await ready();
    const path = `/api/devices/${id}/commands`;
    const headers = { 'idempotency-key': 'k-1' };
    const body = { verb: 'Get', target: './DevDetail/SwV' };
    const first = await lanyard().post(path, body, headers);
    expect(await lanyard().post(path, body, headers)).toEqual(first);
    expect((await lanyard().get(path)).items).toHaveLength(1);
    await expect(lanyard().post(path, { ...body, target: './DevDetail/FwV' }, headers)).rejects.toMatchObject({
      status: 422,
    });
    lanyard().pass({ hours: 25 });
    await lanyard().post(path, body, headers);
    expect((await lanyard().get(path)).items).toHaveLength(2);
    lanyard().pass({ hours: -25 });
  });

  test('gives the same invitation for the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'invite-1' };
    const first = await lanyard().post('/api/invitations', { user: 'ann@example.org' }, headers);
    const second = await lanyard().post('/api/invitations', { user: 'ann@example.org' }, headers);
    expect(second).toEqual(first);
    await expect(lanyard().post('/api/invitations', { user: 'bob@example.org' }, headers)).rejects.toMatchObject({
      status: 422,
    });
  });

  test('unenrolls once what is asked twice, and lets it be called off until it is sent', async () => {
    const { device, id } = await ready();
    const path = `/api/devices/${id}/unenroll`;
    const first = await lanyard().post(path, {}, { 'idempotency-key': 'u-1' });
    expect(await lanyard().post(path, {}, { 'idempotency-key': 'u-1' })).toEqual(first);
    expect(await lanyard().admin.call('DELETE', path)).toMatchObject({ state: 'enrolled' });
    expect(await device.sync()).not.toHaveProperty('unenrolled');
    expect((await lanyard().admin.send('DELETE', path)).status).toBe(409);
    await lanyard().post(path);
    await device.sync();
    expect((await lanyard().admin.send('DELETE', path)).status).toBe(409);
    expect((await lanyard().admin.send('POST', path, '{}')).status).toBe(409);
  });

  test('holds the unenroll of a joined device until somebody takes the risk by name', async () => {
    const { device, id } = await lanyard().enrolledDevice({ machine: { join: 'joined' } });
    await device.sync();
    const path = `/api/devices/${id}/unenroll`;
    await lanyard().post(path);
    await device.sync();
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
      state: 'unenrolling',
      join: { kind: 'joined' },
      unenroll: { state: 'held' },
    });
    expect(device.show()).toMatchObject({ enrolled: true, lockedOut: false });
    await lanyard().post(path, { acceptRisk: { person: 'kim', reason: 'goes to the shredder' } });
    expect((await device.sync()).unenrolled).toBe(true);
    expect((await lanyard().get(`/api/devices/${id}`)).unenroll).toMatchObject({
      state: 'confirmed',
      acceptedRisk: { person: 'kim' },
    });
  });

  test('reads and replaces the settings as a whole, says how soon they hold, and a device is told the new schedule', async () => {
    const before = await lanyard().get('/api/settings');
    expect(before.poll).toEqual({
      first: { intervalMinutes: 15, count: 5 },
      second: { intervalMinutes: 60, count: 10 },
      remaining: { intervalMinutes: 480 },
    });
    const changed = {
      ...before,
      organisation: 'Contoso & Sons',
      poll: { ...before.poll, remaining: { intervalMinutes: 1440 } },
    };
    const reply = await lanyard().admin.call('PUT', '/api/settings', changed);
    expect(reply).toMatchObject({ settings: changed, effectiveWithinSeconds: 60 });
    const { device } = await lanyard().enrolledDevice();
    expect(device.valueOf('./Vendor/MSFT/DMClient/Provider/Lanyard/Poll/IntervalForRemainingScheduledRetries')).toBe(
      '1440',
    );
    const bad = await lanyard().admin.send(
      'PUT',
      '/api/settings',
      JSON.stringify({ poll: { first: { intervalMinutes: 0, count: 1 } } }),
    );
    expect(JSON.parse(bad.body).errors[0].field).toBe('poll.first.intervalMinutes');
    expect(await lanyard().get('/api/settings')).toEqual(changed);
    await lanyard().admin.call('PUT', '/api/settings', {});
  });

  test('keeps settings of another version from being lost, and lets nobody in by the defaults meanwhile', async () => {
    const { user, secret } = await lanyard().invite();
    const policy = { ...(await lanyard().get('/api/settings')), onlyOnTuesdays: true };
    await lanyard()
      .storage.table('catalogue')
      .write('catalogue', [{ kind: 'upsert', rowKey: 'policy', value: { policy } }]);
    lanyard().pass({ minutes: 2 });
    for (const method of ['GET', 'PUT']) {
      const reply = await lanyard().admin.send(method, '/api/settings', method === 'PUT' ? '{}' : undefined);
      expect(reply.status).toBe(409);
      expect(JSON.parse(reply.body).detail).toContain('onlyOnTuesdays: is not known here');
    }
    const device = await lanyard().newDevice();
    const enroll = () => device.enroll({ server: lanyard().local.enrollUrl, user, secret });
    const error = await enroll().catch((refused) => refused);
    expect(error.hresult).toBe('0x80180005');
    expect(await lanyard().get(`/api/enrollment-attempts/${error.traceId}`)).toMatchObject({
      cause: 'settingsUnreadable',
    });
    await lanyard().admin.call('PUT', '/api/settings?replace=unreadable', {});
    await enroll();
  });
});

describe('time', () => {
  async function toldToLeave() {
    const network: NetworkFaults = {};
    const { device, id } = await lanyard().enrolledDevice({ network });
    await device.sync();
    await lanyard().post(`/api/devices/${id}/unenroll`);
    return { device, id, network };
  }

  test('ends an unenroll that was delivered and followed by silence for a week', async () => {
    const { device, id, network } = await toldToLeave();
    // The device leaves, and its report never arrives: requests are the first message, the answer about the join, the report.
    network.requests = 0;
    network.cutOffBefore = [3];
    expect(await device.sync()).toMatchObject({ unenrolled: true, unenrollAlert: { delivered: false } });
    lanyard().pass({ days: 6 });
    await lanyard().local.host.fireTimer('silent-devices');
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
      state: 'unenrolling',
      unenroll: { state: 'sent' },
    });
    lanyard().pass({ days: 2 });
    await lanyard().local.host.fireTimer('silent-devices');
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
      state: 'unenrolled',
      unenroll: { state: 'silent', reason: expect.stringContaining('silence') },
    });
    expect((await lanyard().get('/api/devices')).items.find((item: { id: string }) => item.id === id).state).toBe(
      'unenrolled',
    );
  });

  test('says of a device that never called again that the unenroll was never delivered', async () => {
    const { id } = await toldToLeave();
    lanyard().pass({ days: 91 });
    await lanyard().local.host.fireTimer('silent-devices');
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
      state: 'unenrolling',
      unenroll: { state: 'neverDelivered' },
    });
  });

  test('still delivers it when that device calls after all', async () => {
    const { device, id } = await toldToLeave();
    lanyard().pass({ days: 91 });
    await lanyard().local.host.fireTimer('silent-devices');
    expect((await device.sync()).unenrolled).toBe(true);
    expect((await lanyard().get(`/api/devices/${id}`)).unenroll.state).toBe('confirmed');
  });
});
