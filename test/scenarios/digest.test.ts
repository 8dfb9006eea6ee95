import { expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';
import { firstMessage, send } from '../support/wire.ts';

/** The deployment that cannot ask for client certificates: OMA-DM MD5 credentials instead. */
const lanyard = useLanyard({ deviceAuth: 'digest' });

const MANAGEMENT = '/ManagementServer/MDM.svc';

test('a PC without a client certificate is challenged once, then managed, then unenrolled', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const first = await device.sync();
  expect(first).toMatchObject({ challenges: 1, remarks: [] });
  await lanyard().queue(id, 'Get', './DevDetail/SwV');
  await device.sync();
  expect((await lanyard().get(`/api/devices/${id}/commands/000000000001`)).state).toBe('done');
  await lanyard().post(`/api/devices/${id}/unenroll`);
  expect(await device.sync()).toMatchObject({ unenrolled: true, unenrollAlert: { data: '1', delivered: true } });
  expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('unenrolled');
});

test('a lost reply is given again in digest mode too', async () => {
  const network = { requests: 0, loseReplyOf: [] as number[] };
  const { device, id } = await lanyard().enrolledDevice({ network });
  await device.sync();
  await lanyard().queue(id, 'Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
  network.requests = 0;
  network.loseReplyOf = [2];
  await device.sync();
  // The challenge, the opening message twice, and its answers.
  expect(network.requests).toBe(4);
  expect(Object.values(device.execCounts)).toEqual([1]);
  expect((await lanyard().get(`/api/devices/${id}/commands/000000000001`)).state).toBe('done');
});

test('a report of leaving without a credential gets the challenge and nothing else', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  const alert =
    '<Alert><CmdID>2</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type></Meta><Data>1</Data></Item></Alert>';
  const reply = await manage(firstMessage({ source: device.machine.deviceId, body: alert }));
  expect(reply.status).toBe(200);
  expect(reply.body).toContain('<Data>407</Data>');
  expect(reply.body.match(/<Status>/g)).toHaveLength(1);
  expect(reply.body).not.toContain('<Final');
  expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('enrolled');
});

test('a wrong credential gets 401, the same for a known and an unknown enrollment', async () => {
  const { id } = await lanyard().enrolledDevice();
  const message = (locName: string) =>
    firstMessage({ msgId: '2' }).replace(
      '</Source></SyncHdr>',
      `<LocName>${locName}</LocName></Source><Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta><Data>AAAAAAAAAAAAAAAAAAAAAA==</Data></Cred></SyncHdr>`,
    );
  const known = await manage(message(id));
  const unknown = await manage(message('00000000-0000-4000-8000-000000000000'));
  expect(known.body).toContain('<Data>401</Data>');
  expect(unknown.body).toBe(known.body);
});

test('a certificate header is worth nothing in digest mode', async () => {
  const reply = await manage(firstMessage(), { 'x-arr-clientcert': 'MIIB' });
  expect(reply.body).toContain('<Data>407</Data>');
});

function manage(body: string, headers: Record<string, string> = {}) {
  const { manageUrl, tlsRoot } = lanyard().local;
  return send(manageUrl + MANAGEMENT, {
    body,
    ca: tlsRoot,
    headers: { 'content-type': 'application/vnd.syncml.dm+xml', ...headers },
  });
}
