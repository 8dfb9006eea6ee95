import { beforeAll, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { newMachine } from '../../local/device/machine.ts';
import type { WindowsDevice } from '../../local/device/windows-device.ts';
import { credentialsOf } from '../support/credentials.ts';
import { useLanyard } from '../support/lanyard.ts';
import { firstMessage, send } from '../support/wire.ts';

const lanyard = useLanyard();
const PC = newMachine('PC-BACK');

async function enroll(device: WindowsDevice, user = 'kim@example.org'): Promise<string> {
  const { secret } = await lanyard().invite(user);
  return (await device.enroll({ server: lanyard().local.enrollUrl, user, secret })).enrollmentId;
}

/** The same hardware and the same Windows, which has forgotten its enrollment. */
async function theSamePc(): Promise<WindowsDevice> {
  const { serialNumber, hwDevId, deviceId } = PC;
  return lanyard().newDevice({ name: 'PC-BACK', machine: { serialNumber, hwDevId, deviceId } });
}

let old: { id: string; credentials: Awaited<ReturnType<typeof credentialsOf>>; command: string };
let fresh: { id: string; device: WindowsDevice };

beforeAll(async () => {
  const before = await theSamePc();
  const id = await enroll(before);
  await before.sync();
  const command = await lanyard().queue(id, 'Exec', './Vendor/MSFT/Reboot/RebootNow');
  const credentials = await credentialsOf(lanyard().folder, 'PC-BACK');
  old = { id, credentials, command };
  lanyard().pass({ days: 2 });
  const device = await theSamePc();
  fresh = { id: await enroll(device), device };
});

test('a PC that enrolls again ends its old enrollment, and what waited for that one is cancelled', async () => {
  const shown = await lanyard().get(`/api/devices/${old.id}`);
  expect(shown).toMatchObject({ state: 'superseded', supersededBy: fresh.id, supersededBecause: 'return' });
  expect(await lanyard().get(`/api/devices/${old.id}/commands/${old.command}`)).toMatchObject({
    state: 'cancelled',
    reason: 'The device enrolled anew before it was sent.',
  });
  const { items } = await lanyard().get('/api/devices');
  const listed = items.find((item: { id: string }) => item.id === old.id);
  expect(listed).toMatchObject({ state: 'superseded', lastContactDay: expect.stringMatching(/^\d{4}-/) });
});

test('what administrators said of a PC holds on when it enrolls again, until they take it back', async () => {
  const { serialNumber, hwDevId, deviceId } = newMachine('PC-TAGGED');
  const machine = { serialNumber, hwDevId, deviceId };
  const before = await lanyard().enrolledDevice({ machine });
  await before.device.sync();
  await lanyard().admin.call('PUT', `/api/devices/${before.id}/tags`, { tags: ['berlin'] });
  const target = (name: string) => `./Device/Vendor/MSFT/Policy/Config/Test/${name}`;
  const profile = (name: string, assignedTo: object) =>
    lanyard().admin.call('PUT', `/api/profiles/${name}`, {
      settings: [{ target: target(name), value: '1' }],
      assignedTo,
    });
  await profile('by-tag', { tags: ['berlin'] });
  await profile('by-id', { devices: [before.id] });
  await before.device.sync();
  lanyard().pass({ days: 1 });
  const after = await lanyard().enrolledDevice({ machine });
  const set = async () => (await after.device.sync()).commandsRun.filter(({ target: node }) => node.includes('/Test/'));
  expect((await set()).map(({ verb, target: node }) => `${verb} ${node}`)).toEqual(
    ['by-id', 'by-tag'].map((name) => `Replace ${target(name)}`),
  );
  expect(await lanyard().get(`/api/devices/${after.id}`)).toMatchObject({
    tags: ['berlin'],
    formerIds: [before.id],
    notes: [expect.stringContaining(before.id)],
  });
  await lanyard().post('/api/profiles/by-id/assignments', { remove: { devices: [after.id] } });
  expect((await set()).map(({ verb, target: node }) => `${verb} ${node}`)).toEqual([`Delete ${target('by-id')}`]);
  for (const name of ['by-tag', 'by-id']) await lanyard().admin.call('DELETE', `/api/profiles/${name}`);
});

test('what the old enrollment was told does not reach the new one', async () => {
  await fresh.device.sync();
  expect(fresh.device.execCounts['./Vendor/MSFT/Reboot/RebootNow']).toBeUndefined();
});

test('the old certificate opens a session in which nothing is asked, and nothing of the new one is touched', async () => {
  const before = await lanyard().get(`/api/devices/${fresh.id}`);
  const { manageUrl, tlsRoot } = lanyard().local;
  const { key, cert } = old.credentials;
  const unenrolled =
    '<Alert><CmdID>2</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type><Format xmlns="syncml:metinf">int</Format></Meta><Data>1</Data></Item></Alert>';
  for (const body of [undefined, unenrolled]) {
    const reply = await send(`${manageUrl}/ManagementServer/MDM.svc`, {
      body: firstMessage({ sessionId: body ? '8' : '7', ...(body && { body }) }),
      headers: { 'content-type': 'application/vnd.syncml.dm+xml' },
      ca: tlsRoot,
      key,
      cert,
    });
    expect(reply.status).toBe(200);
    expect(reply.body).toContain('<Final');
    expect(reply.body).not.toMatch(/<(Exec|Get|Replace|Add|Delete)>/);
  }
  expect(await lanyard().get(`/api/devices/${fresh.id}`)).toEqual(before);
  await fresh.device.sync();
});

test("another user's invitation does not end an enrollment, whatever the PC says of itself", async () => {
  const forger = await theSamePc();
  const forged = await enroll(forger, 'mallory@example.org');
  const shown = await lanyard().get(`/api/devices/${fresh.id}`);
  expect(shown).toMatchObject({ state: 'enrolled', flags: [{ kind: 'otherUser', other: forged }] });
  expect((await lanyard().get(`/api/devices/${forged}`)).flags).toMatchObject([{ kind: 'otherUser', other: fresh.id }]);
  const id = await lanyard().queue(fresh.id, 'Get', './DevDetail/SwV');
  await fresh.device.sync();
  expect(await lanyard().get(`/api/devices/${fresh.id}/commands/${id}`)).toMatchObject({ state: 'done' });
});

test('two PCs from one image keep their enrollments and are flagged', async () => {
  const image = newMachine('IMAGE').hwDevId;
  const ids: string[] = [];
  for (const name of ['CLONE-1', 'CLONE-2']) {
    ids.push(await enroll(await lanyard().newDevice({ name, machine: { hwDevId: image } })));
  }
  const shown = await Promise.all(ids.map((id) => lanyard().get(`/api/devices/${id}`)));
  expect(shown.map(({ state }) => state)).toEqual(['enrolled', 'enrolled']);
  expect(shown.map(({ flags }) => [flags[0].kind, flags[0].other])).toEqual([
    ['sharedHardwareId', ids[1]],
    ['sharedHardwareId', ids[0]],
  ]);
});

test('a PC that comes back takes at most 16 calls of storage, however many copies of its disk there are', async () => {
  const { hwDevId, deviceId, serialNumber } = newMachine('PC-COUNTED');
  for (let copy = 0; copy < 4; copy += 1) await lanyard().enrolledDevice({ machine: { hwDevId } });
  const machine = { hwDevId, deviceId, serialNumber };
  const before = await lanyard().enrolledDevice({ machine });
  await before.device.sync();
  lanyard().pass({ minutes: 1 });
  const { user, secret } = await lanyard().invite();
  const device = await lanyard().newDevice({ machine });
  const calls: string[] = [];
  observeStorage(({ operation, name }) => {
    calls.push(`${operation} ${name}`);
  });
  await device.enroll({ server: lanyard().local.enrollUrl, user, secret });
  observeStorage(undefined);
  expect(calls.filter((call) => !call.endsWith('catalogue')).length).toBeLessThanOrEqual(16);
  expect(await lanyard().get(`/api/devices/${before.id}`)).toMatchObject({ state: 'superseded' });
});

test('a PC that is joined anew when it comes back is flagged within the hour of its first session: its old device is still in Entra', async () => {
  const { serialNumber, hwDevId, deviceId } = newMachine('PC-JOINED');
  const joined = (entraDeviceId: string) => ({
    machine: { serialNumber, hwDevId, deviceId, join: 'joined' as const, entraDeviceId },
  });
  const before = await lanyard().enrolledDevice(joined('11111111-2222-4333-8444-555555555555'));
  await before.device.sync();
  lanyard().pass({ days: 1 });
  const after = await lanyard().enrolledDevice(joined('99999999-2222-4333-8444-555555555555'));
  expect(await lanyard().get(`/api/devices/${before.id}`)).toMatchObject({ state: 'superseded' });
  expect((await lanyard().get(`/api/devices/${after.id}`)).flags).toBeUndefined();
  await after.device.sync();
  await lanyard().local.host.fireTimer('device-counts');
  const shown = await lanyard().get(`/api/devices/${after.id}`);
  expect(shown.flags).toMatchObject([{ kind: 'oldIdentity', other: before.id }]);
});

test('PCs that say their serial number in a session only are compared by it within the hour', async () => {
  const { serialNumber } = newMachine('PC-RESET');
  const ids: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    // An older Windows: what it says when it enrolls has no serial number, and after a reset nothing else is as it was.
    const { device, id } = await lanyard().enrolledDevice({ machine: { serialNumber, serialAtEnrollment: false } });
    await device.sync();
    ids.push(id);
    lanyard().pass({ days: 1 });
  }
  await lanyard().local.host.fireTimer('device-counts');
  for (const [id, other] of [ids, ids.toReversed()]) {
    expect((await lanyard().get(`/api/devices/${id}`)).flags).toMatchObject([{ kind: 'oldIdentity', other }]);
  }
});
