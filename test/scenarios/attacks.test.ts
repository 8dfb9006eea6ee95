import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { useLanyard } from '../support/lanyard.ts';
import { faultOf, firstMessage, send, tokenRequest } from '../support/wire.ts';

/** What somebody tries who has an invitation, a certificate or a key and means harm. */
const lanyard = useLanyard();
afterEach(() => observeStorage(undefined));

/** A device that says what it likes under a certificate of its own. */
async function hostileDevice() {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  const root = join(lanyard().folder, 'devices');
  const folder = (await readdir(root)).find((name) => name.endsWith(`-${device.machine.name}`)) ?? '';
  const [key, cert] = await Promise.all(
    ['client-key.pem', 'client-certificate.pem'].map((file) => readFile(join(root, folder, file), 'utf8')),
  );
  const { manageUrl, tlsRoot } = lanyard().local;
  const headers = { 'content-type': 'application/vnd.syncml.dm+xml' };
  const say = (body: string) =>
    send(`${manageUrl}/ManagementServer/MDM.svc`, { ca: tlsRoot, key, cert, headers, body });
  return { id, say };
}

let lastAddress = 0;
function requestToken(parts: Parameters<typeof tokenRequest>[0], bend = (body: string) => body) {
  lastAddress += 1;
  const { enrollUrl, tlsRoot } = lanyard().local;
  const url = `${enrollUrl.replace('localhost', '127.0.0.1')}/EnrollmentServer/Enrollment.svc`;
  return send(url, {
    ca: tlsRoot,
    localAddress: `127.7.0.${lastAddress}`,
    headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
    body: bend(tokenRequest(parts)),
  });
}

test.each([
  ['elements', (count: number) => '<a:b/>'.repeat(count)],
  ['attributes', (count: number) => '<b a:c=""/>'.repeat(count)],
])(
  'a result whose %s would repeat a huge namespace thousands of times is refused, not written out',
  async (_, inside) => {
    const { say } = await hostileDevice();
    const data = `<Data xmlns:a="${'u'.repeat(60_000)}">${inside(9_000)}</Data>`;
    const results = `<Results><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Item>${data}</Item></Results>`;
    const before = process.memoryUsage().arrayBuffers;
    expect((await say(firstMessage({ body: results }))).status).toBe(400);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  },
);

test('two requests for the same hardware at the same moment do not make two devices of an invitation for one', async () => {
  const { user, secret } = await lanyard().invite('racer@example.org');
  const hwDevId = 'ab'.repeat(32);
  const deviceId = 'CD'.repeat(16);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let reached = () => {};
  const firstHasItsUse = new Promise<void>((resolve) => {
    reached = resolve;
  });
  let holding = true;
  observeStorage(async ({ name, operation }) => {
    if (name !== 'devices' || operation !== 'insert' || !holding) return;
    holding = false;
    reached();
    await held;
  });
  const first = requestToken({ user, secret, hwDevId, deviceId });
  await firstHasItsUse;
  expect((await requestToken({ user, secret, hwDevId, deviceId })).status).toBe(200);
  release();
  expect(faultOf((await first).body).error).toBe('EnrollmentServer');
  const { items } = await lanyard().get('/api/devices?limit=1000');
  const own = items.filter((item: { user: string }) => item.user === user);
  expect(own.map(({ state }: { state: string }) => state)).toEqual(['enrolled']);
});

test('a name that is cut inside a character costs no use of the invitation', async () => {
  const { user, secret } = await lanyard().invite();
  const name = `${'x'.repeat(511)}\u{1F600}`;
  const reply = await requestToken({ user, secret }, (body) => body.replace('RAW-PC', name));
  expect([reply.status, faultOf(reply.body)]).toEqual([200, {}]);
});

test('a risk that was taken for one unenroll does not open the gate for the next', async () => {
  const { id, say } = await hostileDevice();
  const acceptRisk = { person: 'kim', reason: 'its local administrator is known' };
  await lanyard().post(`/api/devices/${id}/unenroll`, { acceptRisk });
  const failed =
    '<Alert><CmdID>2</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type></Meta><Data>2</Data></Item></Alert>';
  await say(firstMessage({ sessionId: '66', body: failed }));
  expect((await lanyard().get(`/api/devices/${id}`)).unenroll).toMatchObject({
    state: 'failed',
    acceptedRisk: acceptRisk,
  });
  const again = await lanyard().post(`/api/devices/${id}/unenroll`);
  expect(again.unenroll).toMatchObject({ state: 'waiting' });
  expect(again.unenroll.acceptedRisk).toBeUndefined();
});

test('what is more than storage takes is refused as too large, and nothing of it is kept', async () => {
  const { id } = await hostileDevice();
  const data = '\\'.repeat(80_500);
  const commands = Array.from({ length: 13 }, () => ({ verb: 'Replace', target: './Device/Vendor/X', data }));
  await expect(lanyard().post(`/api/devices/${id}/commands`, commands)).rejects.toMatchObject({ status: 413 });
  expect((await lanyard().get(`/api/devices/${id}/commands`)).items).toEqual([]);
  await expect(lanyard().invite(`${'#'.repeat(300)}@example.org`)).rejects.toMatchObject({ status: 413 });
});
