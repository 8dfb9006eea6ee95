import { describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import type { DeviceOptions } from '../../local/device/windows-device.ts';
import { setPushAuthorities } from '../../shared/push/wns.ts';
import { useFakeWns } from '../support/fake-wns.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();
const wns = useFakeWns();

const NAME = 'Contoso.Wake_8wekyb3d8bbwe';
const SID = 'ms-app://s-1-15-2-2972962901-2322836549-3722629029-1345238579-3987825745-2155616079-650196962';
const SECRET = 'kept-to-itself-4711';
const CHANNEL = 'https://db5p.notify.windows.com/w/?token=channel-of-one-pc';
const PUSH = './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Push';

const settings = (push: object = { packageFamilyName: NAME, packageSid: SID }) =>
  lanyard().admin.call('PUT', '/api/settings', { push });
const setSecret = () => lanyard().admin.call('PUT', '/api/push-secret', { secret: SECRET });
const syncNow = (id: string, headers = {}) => lanyard().post(`/api/devices/${id}/actions/sync-now`, {}, headers);
const view = async (id: string) => (await lanyard().get(`/api/devices/${id}`)).push;

type Push = NonNullable<DeviceOptions['machine']>['push'];

/** A PC that has had so many sessions with push on; the second reads the channel. */
async function pc({ sessions = 2, push = { channel: CHANNEL } as Push } = {}) {
  await settings();
  await setSecret();
  const enrolled = await lanyard().enrolledDevice({ machine: push ? { push } : {} });
  for (let count = 0; count < sessions; count += 1) await enrolled.device.sync();
  return enrolled;
}

test('a PC gets the name of the app, then its channel is read, and sync-now wakes it', async () => {
  const { device, id } = await pc({ sessions: 0 });
  expect((await device.sync()).commandsRun.map(({ verb, target }) => `${verb} ${target}`)).toContain(
    `Replace ${PUSH}/PFN`,
  );
  expect(device.valueOf(`${PUSH}/PFN`)).toBe(NAME);
  expect(await view(id)).toBeUndefined();

  expect((await device.sync()).commandsRun.map(({ verb, target }) => `${verb} ${target}`)).toEqual(
    expect.arrayContaining([`Get ${PUSH}/ChannelURI`, `Get ${PUSH}/Status`]),
  );
  expect(await view(id)).toMatchObject({
    channel: true,
    status: 0,
    says: expect.stringMatching(/^There is a channel, read at 20.*has its channel/),
  });

  const done = await syncNow(id);
  expect(done).toMatchObject({ action: 'sync-now', items: [], wns: 'received', device: 'connected' });
  expect(done.warnings.join(' ')).toMatch(/no proof.*connected to WNS.*Info, Sync/);
  expect(wns.asked).toEqual([
    { grant_type: 'client_credentials', client_id: SID, client_secret: SECRET, scope: 'notify.windows.com' },
  ]);
  expect(wns.notifications).toMatchObject([
    {
      path: '/w/?token=channel-of-one-pc',
      headers: {
        authorization: 'Bearer token-1',
        'content-type': 'application/octet-stream',
        'x-wns-type': 'wns/raw',
        'x-wns-cache-policy': 'cache',
        'x-wns-ttl': '28800',
      },
    },
  ]);
  const [{ headers, body }] = wns.notifications as [(typeof wns.notifications)[0]];
  expect(Number(headers['content-length'])).toBe(body.length);
  expect(body.length).toBeGreaterThan(0);
  const { items } = await lanyard().get('/api/audit');
  expect(items[0]).toMatchObject({ act: 'action sync-now', subject: id, outcome: 'received' });
});

test('a message takes two calls to storage, with push as without', async () => {
  const { device } = await pc();
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => {
    calls.push(`${service} ${operation} ${name}`);
  });
  await device.sync();
  observeStorage(undefined);
  const message = ['table query devices', 'table transaction devices'];
  expect(calls.filter((call) => !call.endsWith('catalogue'))).toEqual([...message, ...message]);
});

test('a token is used until it ends', async () => {
  const { id } = await pc();
  await syncNow(id);
  await syncNow(id);
  expect(wns.asked).toHaveLength(1);
  lanyard().pass({ hours: 24 });
  await syncNow(id);
  expect(wns.asked).toHaveLength(2);
  expect(wns.notifications.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer token-1',
    'Bearer token-1',
    'Bearer token-2',
  ]);
});

test('a token that WNS refuses is made anew once', async () => {
  const { id } = await pc();
  await syncNow(id);
  wns.revoked.add('token-1');
  await expect(syncNow(id)).resolves.toMatchObject({ wns: 'received' });
  expect(wns.asked).toHaveLength(2);
  for (const token of ['token-2', 'token-3']) wns.revoked.add(token);
  await expect(syncNow(id)).rejects.toMatchObject({ status: 502, message: expect.stringContaining('Info, Sync') });
  expect(wns.asked).toHaveLength(3);
});

test('a call that is sent twice wakes once', async () => {
  const { id } = await pc();
  const headers = { 'Idempotency-Key': 'wake-1' };
  const first = await syncNow(id, headers);
  expect(await syncNow(id, headers)).toEqual(first);
  expect(wns.notifications).toHaveLength(1);
});

test.each([404, 410])(
  'a channel that WNS answers with %i is forgotten, and read again in the next session',
  async (status) => {
    const { device, id } = await pc();
    wns.answer = { status };
    await expect(syncNow(id)).rejects.toMatchObject({
      status: 409,
      message: expect.stringMatching(/is no more.*Sync/),
    });
    expect(await view(id)).toMatchObject({ channel: false, says: expect.stringContaining('is no more') });
    wns.answer = undefined;
    await expect(syncNow(id)).rejects.toMatchObject({ status: 409 });
    expect(wns.notifications).toHaveLength(1);
    await device.sync();
    await expect(syncNow(id)).resolves.toMatchObject({ wns: 'received' });
  },
);

describe('what does not wake the PC says why, and how somebody at it does it by hand', () => {
  const refused = async (id: string, status: number, why: RegExp) => {
    await expect(syncNow(id)).rejects.toMatchObject({ status, message: expect.stringMatching(why) });
    await expect(syncNow(id)).rejects.toThrow(/Settings > Accounts > Access work or school/);
  };

  test('push is off', async () => {
    const { device, id } = await pc();
    await settings({});
    await refused(id, 409, /not set up/);
    await device.sync();
    expect(device.valueOf(`${PUSH}/PFN`)).toBeUndefined();
    expect(await view(id)).toBeUndefined();
  });

  test('there is no secret', async () => {
    const { id } = await pc();
    await lanyard().admin.call('DELETE', '/api/push-secret');
    await refused(id, 409, /PUT \/api\/push-secret/);
    await expect(lanyard().admin.call('DELETE', '/api/push-secret')).rejects.toMatchObject({ status: 404 });
  });

  test('no channel was read yet', async () => {
    const { id } = await pc({ sessions: 1 });
    await refused(id, 409, /No channel is known/);
  });

  test('the PC could get none', async () => {
    const { id } = await pc({ push: { status: 4 } });
    expect(await view(id)).toMatchObject({ channel: false, status: 4 });
    await refused(id, 409, /No channel is known/);
  });

  test('the PC names another host, and nobody is called', async () => {
    const { id } = await pc({ push: { channel: 'https://169.254.169.254/metadata' } });
    await refused(id, 409, /not of WNS/);
    expect([wns.asked, wns.notifications]).toEqual([[], []]);
  });

  test('the channel was read more than 30 days ago', async () => {
    const { id } = await pc();
    lanyard().pass({ days: 31 });
    await refused(id, 409, /lasts 30 days/);
    expect(wns.notifications).toEqual([]);
  });

  test('login.live.com gives no token, as it does for new identities', async () => {
    const { id } = await pc();
    wns.tokenAnswer = { status: 400, body: '{"error":"invalid_client","error_description":"…"}' };
    await refused(id, 502, /login\.live\.com gave no token \(400, invalid_client\).*new are refused/);
  });

  test('WNS says that the channel is of another app', async () => {
    const { id } = await pc();
    wns.answer = { status: 403 };
    await refused(id, 502, /of one app/);
  });

  test('WNS sends the call elsewhere, which is not followed', async () => {
    const { id } = await pc();
    wns.answer = { status: 307, headers: { Location: `${wns.authority}/elsewhere` } };
    await expect(syncNow(id)).rejects.toMatchObject({ status: 502, message: expect.stringContaining('307') });
    expect(wns.notifications.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  test('WNS takes no more for some time', async () => {
    const { id } = await pc();
    wns.answer = { status: 406, headers: { 'Retry-After': '90' } };
    const { status, headers, body } = await lanyard().admin.send('POST', `/api/devices/${id}/actions/sync-now`);
    expect([status, headers['retry-after']]).toEqual([503, '90']);
    expect(body).toContain('Try again in 90 seconds');
  });

  test('neither of the two can be reached', async () => {
    const { id } = await pc();
    setPushAuthorities({ token: `${wns.authority}/accesstoken.srf`, notify: 'http://localhost:9' });
    await refused(id, 502, /WNS could not be reached/);
    setPushAuthorities({ token: 'http://localhost:9', notify: wns.authority });
    await refused(id, 502, /login\.live\.com.*could not be reached/);
  });

  test('neither of the two answers in time', async () => {
    const { id } = await pc();
    const servers = { token: `${wns.authority}/accesstoken.srf`, notify: wns.authority, timeoutMs: 200 };
    setPushAuthorities(servers);
    wns.answer = 'silence';
    await refused(id, 502, /WNS did not answer/);
    setPushAuthorities(servers);
    wns.tokenAnswer = 'silence';
    await refused(id, 502, /login\.live\.com.*did not answer/);
  });

  test('WNS has dropped it', async () => {
    const { id } = await pc();
    wns.answer = { status: 200, headers: { 'X-WNS-Status': 'dropped' } };
    const done = await syncNow(id);
    expect(done).toMatchObject({ wns: 'dropped' });
    expect(done.warnings.join(' ')).toMatch(/has dropped.*Info, Sync/);
  });
});

test('a device that has left is not woken', async () => {
  const { device, id } = await pc();
  await device.unenroll();
  await expect(syncNow(id)).rejects.toMatchObject({ status: 409, message: expect.stringContaining('unenrolled') });
});

test('settings say whether there is a secret, and can be sent back as they were read', async () => {
  await settings();
  await setSecret();
  const read = await lanyard().get('/api/settings');
  expect(read.push).toEqual({ packageFamilyName: NAME, packageSid: SID, hasSecret: true });
  const { settings: kept } = await lanyard().admin.call<{ settings: object }>('PUT', '/api/settings', read);
  expect(kept).toEqual(read);
  await lanyard().admin.call('DELETE', '/api/push-secret');
  expect((await lanyard().get('/api/settings')).push.hasSecret).toBe(false);
  await expect(lanyard().admin.call('PUT', '/api/push-secret', { secret: '' })).rejects.toMatchObject({ status: 400 });
});

test('no log, view, trace or table of settings holds the secret, a token or the address of a channel', async () => {
  const { device, id } = await pc({ sessions: 1 });
  await lanyard().post(`/api/devices/${id}/trace`, { hours: 1 });
  await lanyard().queue(id, 'Get', `${PUSH}/ChannelURI`);
  await device.sync();
  await syncNow(id);
  wns.answer = { status: 403 };
  await expect(syncNow(id)).rejects.toThrow();
  wns.answer = { status: 410 };
  await expect(syncNow(id)).rejects.toThrow();
  const traces = await lanyard().get(`/api/devices/${id}/trace`);
  const shown = await Promise.all([
    ...['', '/commands', '/trace'].map((part) => lanyard().get(`/api/devices/${id}${part}`)),
    ...traces.items.map(({ n }: { n: string }) => lanyard().get(`/api/devices/${id}/trace/${n}`)),
    ...['devices', 'settings', 'audit'].map((list) => lanyard().get(`/api/${list}`)),
  ]);
  const rows = await lanyard().storage.table('catalogue').page('push', { limit: 10 });
  const text = JSON.stringify(shown) + JSON.stringify(rows) + lanyard().logs.join('\n');
  expect(text).toContain('Push/ChannelURI');
  for (const secret of [SECRET, wns.token, 'channel-of-one-pc', 'db5p']) expect(text).not.toContain(secret);
});
