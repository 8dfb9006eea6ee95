import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Machine, type NetworkFaults, PowerCut, WindowsDevice } from '../../local/device/windows-device.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

const WORKGROUP: Partial<Machine> = { join: 'none' };
/** Joined to Entra, and nobody has a local administrator's password: an Unenroll would lock everybody out. */
const JOINED: Partial<Machine> = { join: 'joined', localAdministrator: false };

async function enrolled(machine: Partial<Machine> = WORKGROUP): Promise<{ device: WindowsDevice; id: string }> {
  const { device, id } = await lanyard().enrolledDevice({ machine });
  await device.sync();
  return { device, id };
}

const pathOf = (id: string) => `/api/devices/${id}`;
const show = (id: string) => lanyard().get(pathOf(id));
const ask = (id: string, body: object = {}, headers = {}) => lanyard().post(`${pathOf(id)}/unenroll`, body, headers);
const commandsOf = async (id: string) => (await lanyard().get(`${pathOf(id)}/commands`)).items;
const sweep = () => lanyard().local.host.fireTimer('silent-devices');

test('a joined PC is held until a local administrator is made, then leaves, and its user can still sign in', async () => {
  const { device, id } = await enrolled(JOINED);
  await ask(id);
  await device.sync();
  expect((await show(id)).unenroll).toMatchObject({
    state: 'held',
    reason: expect.stringContaining('local administrator'),
  });

  const asked = await ask(id, { localAdministrator: { name: 'rescue' } });
  expect(asked.localAdministrator).toEqual({ name: 'rescue', password: expect.stringMatching(/^(\w{4}-){4}\w{4}$/) });
  expect(asked.unenroll.localAdministrator).toMatchObject({ state: 'asked', name: 'rescue' });
  const report = await device.sync();
  expect(report.unenrolled).toBe(true);
  expect(await show(id)).toMatchObject({
    state: 'unenrolled',
    unenroll: {
      state: 'confirmed',
      localAdministrator: { state: 'confirmed', name: 'rescue', reason: expect.stringContaining('200') },
    },
  });
  expect(device.show()).toMatchObject({ enrolled: false, join: 'none', lockedOut: false });
  expect(device.canSignIn('rescue', asked.localAdministrator.password)).toBe(true);
});

describe('a local administrator', () => {
  test('is made alone, while other commands wait for the unenroll, and these are cancelled with it', async () => {
    const { device, id } = await enrolled(JOINED);
    const waiting = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    await ask(id, { localAdministrator: { name: 'rescue' } });
    const queued = await commandsOf(id);
    expect(queued).toMatchObject([
      { id: waiting, waitingFor: 'unenroll' },
      { items: [{ data: '***' }, { data: '2' }] },
    ]);
    expect(queued[1].waitingFor).toBeUndefined();
    const { commandsRun } = await device.sync();
    const run = commandsRun.map(({ verb, target, status }) => `${verb} ${target.split('/').at(-1)} ${status}`);
    expect(run).not.toContain('Get SwV 200');
    expect(run.filter((each) => each.startsWith('Add'))).toEqual(['Add Password 200', 'Add LocalUserGroup 200']);
    expect(await commandsOf(id)).toMatchObject([{ id: waiting, state: 'cancelled' }, { state: 'done' }]);
  });

  test('whose name is taken opens nothing, and whoever has that account does not become an administrator', async () => {
    const { device, id } = await enrolled({ ...JOINED, localAccounts: ['Kim'] });
    await ask(id, { localAdministrator: { name: 'kim' } });
    await device.sync();
    expect((await show(id)).unenroll).toMatchObject({
      state: 'held',
      reason: expect.stringContaining('Choose another name'),
      localAdministrator: { state: 'failed', reason: expect.stringContaining('exists already') },
    });
    expect(device.valueOf('./Vendor/MSFT/Accounts/Users/kim/LocalUserGroup')).toBeUndefined();
    await ask(id, { localAdministrator: { name: 'kim2' } });
    expect((await device.sync()).unenrolled).toBe(true);
    expect(device.show().lockedOut).toBe(false);
  });

  test('of which the answer never came is not taken for made', async () => {
    const network: NetworkFaults = {};
    const { device, id } = await lanyard().enrolledDevice({ machine: JOINED, network });
    await device.sync();
    await ask(id, { localAdministrator: { name: 'rescue' } });
    Object.assign(network, { requests: 0, powerCutAfter: [2] });
    await expect(device.sync()).rejects.toThrow(PowerCut);
    Object.assign(network, { powerCutAfter: [] });
    await device.sync();
    expect((await commandsOf(id))[0]).toMatchObject({ state: 'unknown' });
    expect((await show(id)).unenroll).toMatchObject({
      state: 'held',
      localAdministrator: { state: 'failed', reason: expect.stringContaining('may be there') },
    });
  });

  test('is given with the same password to a call that is repeated, and kept nowhere in clear', async () => {
    const { id } = await enrolled(JOINED);
    const body = { localAdministrator: { name: 'rescue' } };
    const first = await ask(id, body, { 'Idempotency-Key': 'k1' });
    lanyard().pass({ minutes: 5 });
    const again = await ask(id, body, { 'Idempotency-Key': 'k1' });
    expect(again.localAdministrator).toEqual(first.localAdministrator);
    expect(await commandsOf(id)).toHaveLength(1);
    const { password } = first.localAdministrator;
    const rows = await lanyard().storage.table('devices').page(id, { limit: 100 });
    expect(JSON.stringify(rows)).not.toContain(password);
    expect(JSON.stringify([await show(id), await commandsOf(id)])).not.toContain(password);
    expect(lanyard().logs.join('\n')).not.toContain(password);
    const audit = await lanyard().get('/api/audit');
    expect(JSON.stringify(audit)).toContain('local administrator rescue');
    expect(JSON.stringify(audit)).not.toContain(password);
  });

  test.each(['', 'x', 'Administrator', '12345', 'a/b', 'twenty-one-characters', 'kim@example', '.kim'])(
    'is refused the name "%s"',
    async (name) => {
      const { id } = await lanyard().enrolledDevice();
      const asked = ask(id, { localAdministrator: { name } });
      await expect(asked).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('localAdministrator.name'),
      });
      expect((await show(id)).state).toBe('enrolled');
    },
  );

  test('is not asked for together with another proof, one of which would be for nothing', async () => {
    const { id } = await lanyard().enrolledDevice();
    const both = { localAdministrator: { name: 'rescue' }, acceptRisk: { person: 'kim', reason: 'scrapped' } };
    await expect(ask(id, both)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('one of') });
    expect((await show(id)).state).toBe('enrolled');
  });

  test('is not made when the unenroll is called off before', async () => {
    const { device, id } = await enrolled(JOINED);
    await ask(id, { localAdministrator: { name: 'rescue' } });
    await lanyard().admin.call('DELETE', `${pathOf(id)}/unenroll`);
    expect(await commandsOf(id)).toMatchObject([{ state: 'cancelled', reason: expect.stringContaining('called off') }]);
    await device.sync();
    expect(device.canSignIn('rescue', '')).toBe(false);
    expect((await show(id)).state).toBe('enrolled');
  });
});

describe('LAPS', () => {
  test('opens the gate when the new password is in the directory, and says where', async () => {
    const { device, id } = await enrolled({ ...JOINED, laps: { backupDirectory: 1 } });
    await ask(id, { laps: true });
    expect((await device.sync()).unenrolled).toBe(true);
    expect((await show(id)).unenroll).toMatchObject({
      state: 'confirmed',
      laps: { state: 'confirmed', backup: 'entra', reason: expect.stringContaining('lost when the device is deleted') },
    });
    expect(device.show().lockedOut).toBe(false);
  });

  test('is asked again in the next session while it is at work', async () => {
    const { device, id } = await enrolled({ ...JOINED, laps: { backupDirectory: 2, pendingReads: 1 } });
    await ask(id, { laps: true });
    await device.sync();
    expect((await show(id)).unenroll).toMatchObject({ state: 'waiting', laps: { state: 'asked' } });
    expect((await device.sync()).unenrolled).toBe(true);
    expect((await show(id)).unenroll.laps).toMatchObject({ state: 'confirmed', backup: 'directory' });
    expect(Object.entries(device.execCounts).find(([node]) => node.endsWith('/ResetPassword'))?.[1]).toBe(1);
  });

  test.each([
    ['is not set up', undefined, '0x80070032'],
    ['keeps the password nowhere', { backupDirectory: 0 as const }, 'nowhere'],
    ['fails', { backupDirectory: 1 as const, failsWith: -2147024891 }, '0x80070005'],
  ])('that %s opens nothing', async (_, laps, reason) => {
    const { device, id } = await enrolled({ ...JOINED, ...(laps ? { laps } : {}) });
    await ask(id, { laps: true });
    await device.sync();
    expect((await show(id)).unenroll).toMatchObject({
      state: 'held',
      laps: { state: 'failed', reason: expect.stringContaining(reason) },
    });
    expect(device.show().enrolled).toBe(true);
  });
});

describe('commands that wait when an unenroll is asked for', () => {
  test('go on when it is called off', async () => {
    const { device, id } = await enrolled();
    const waiting = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    await ask(id);
    expect((await commandsOf(id))[0]).toMatchObject({ id: waiting, state: 'waiting', waitingFor: 'unenroll' });
    await lanyard().admin.call('DELETE', `${pathOf(id)}/unenroll`);
    await device.sync();
    expect((await commandsOf(id))[0]).toMatchObject({ id: waiting, state: 'done' });
  });

  test('go before it where it was asked for behind them', async () => {
    const { device, id } = await enrolled();
    const waiting = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    expect((await ask(id, { after: 'queue' })).unenroll).toMatchObject({ state: 'waiting', after: 'queue' });
    expect((await commandsOf(id))[0].waitingFor).toBeUndefined();
    const report = await device.sync();
    expect(report.unenrolled).toBe(true);
    const run = report.commandsRun.map(({ target }) => target.split('/').at(-1));
    expect(run.indexOf('SwV')).toBeLessThan(run.indexOf('AADDeviceID'));
    expect((await commandsOf(id))[0]).toMatchObject({ id: waiting, state: 'done' });
  });

  test('keep it back while one of them cannot be sent, until it is asked for at once', async () => {
    const { device, id } = await enrolled();
    const waiting = await lanyard().queue(id, 'Get', './User/Vendor/MSFT/Policy/Config/A/B');
    await ask(id, { after: 'queue' });
    expect((await device.sync({ loginStatus: 'none' })).unenrolled).toBeUndefined();
    expect((await commandsOf(id))[0]).toMatchObject({ state: 'waiting', waitingFor: 'userSignIn' });
    await ask(id, { after: 'now' });
    expect((await device.sync({ loginStatus: 'none' })).unenrolled).toBe(true);
    expect((await commandsOf(id))[0]).toMatchObject({ id: waiting, state: 'cancelled' });
  });
});

describe('a user who disconnects', () => {
  test('is believed at once; and a PC that calls after some delay has not left, and its record says so', async () => {
    const folder = join(lanyard().folder, 'stays');
    const { device, id } = await lanyard().enrolledDevice({ folder, name: 'PC-STAYS', machine: WORKGROUP });
    await device.sync();
    await cp(folder, `${folder}-as-it-was`, { recursive: true });
    await device.unenroll();
    const left = await show(id);
    expect(left).toMatchObject({
      state: 'unenrolled',
      unenroll: { state: 'confirmed', requestedBy: 'device', reason: expect.stringContaining('1226') },
    });
    // Its clean-up did not go through, so everything is still as it was before.
    const trust = [lanyard().local.tlsRoot];
    const still = await WindowsDevice.open({ folder: `${folder}-as-it-was`, trust, now: () => lanyard().now() });
    lanyard().pass({ minutes: 5 });
    await still.sync({ loginStatus: 'none' }).catch(() => undefined);
    const soon = await show(id);
    expect(soon.calledAfterLeaving).toBeUndefined();
    expect(soon.notes).toEqual(left.notes);
  });

  test('and whose PC calls hours later has not left: it says so, and is offered Unenroll', async () => {
    const folder = join(lanyard().folder, 'stays-long');
    const { device, id } = await lanyard().enrolledDevice({ folder, name: 'PC-LATE', machine: WORKGROUP });
    await device.sync();
    await cp(folder, `${folder}-as-it-was`, { recursive: true });
    await device.unenroll();
    const trust = [lanyard().local.tlsRoot];
    const still = await WindowsDevice.open({
      folder: `${folder}-as-it-was`,
      trust,
      now: () => lanyard().now(),
      machine: { join: 'joined' },
    });
    lanyard().pass({ hours: 8 });
    expect((await still.sync()).commandsRun.map(({ target }) => target.split('/').at(-1))).toEqual([
      'AADDeviceID',
      'DomainName',
    ]);
    expect(await show(id)).toMatchObject({
      state: 'unenrolled',
      calledAfterLeaving: expect.any(String),
      notes: expect.arrayContaining([expect.stringContaining('It has not left')]),
    });
    const workgroup = await WindowsDevice.open({
      folder: `${folder}-as-it-was`,
      trust,
      now: () => lanyard().now(),
      machine: { join: 'none' },
    });
    expect((await workgroup.sync()).unenrolled).toBe(true);
    expect(await show(id)).toMatchObject({ state: 'unenrolled', unenroll: { state: 'confirmed' } });
    expect((await show(id)).calledAfterLeaving).toBeUndefined();
  });

  test('and fails stays enrolled, and the record of that can be cleared', async () => {
    const { device, id } = await enrolled({ join: 'joined', unjoinFails: true });
    await device.unenroll().catch(() => undefined);
    expect(await show(id)).toMatchObject({ state: 'enrolled', unenroll: { state: 'failed', requestedBy: 'device' } });
    await lanyard().admin.call('DELETE', `/api/devices/${id}/unenroll`);
    expect(await show(id)).not.toHaveProperty('unenroll');
    expect((await show(id)).state).toBe('enrolled');
  });

  test('is refused by Windows where the policy forbids it, and the server hears nothing', async () => {
    const { device, id } = await enrolled();
    const node = './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment';
    await lanyard().queue(id, 'Replace', node, { data: '0', format: 'int' });
    await device.sync();
    const before = await show(id);
    lanyard().pass({ minutes: 1 });
    await expect(device.unenroll()).rejects.toThrow('AllowManualMDMUnenrollment');
    expect(await show(id)).toEqual(before);
  });
});

describe('a wipe', () => {
  test.each([
    'doWipe',
    'doWipeProtected',
    'doWipePersistProvisionedData',
    'doWipePersistUserData',
    'doWipeCloud',
    'doWipeCloudPersistUserData',
    'doWipeCloudPersistProvisionedData',
  ])('of kind %s that the PC takes counts when it has been silent for 7 days', async (kind) => {
    const { device, id } = await enrolled();
    await lanyard().queue(id, 'Exec', `./Device/Vendor/MSFT/RemoteWipe/${kind}`);
    expect((await device.sync()).wiped).toBe(true);
    expect(await show(id)).toMatchObject({ state: 'enrolled', wipe: { kind, state: 'accepted' } });
    const waiting = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    lanyard().pass({ days: 6 });
    await sweep();
    expect((await show(id)).state).toBe('enrolled');
    lanyard().pass({ days: 2 });
    await sweep();
    expect(await show(id)).toMatchObject({
      state: 'wiped',
      wipe: { state: 'wiped', reason: expect.stringContaining('Evidence: silence') },
    });
    await lanyard().local.host.fireTimer('retention');
    expect((await commandsOf(id)).find((each: { id: string }) => each.id === waiting)).toMatchObject({
      state: 'cancelled',
      reason: expect.stringContaining('wiped'),
    });
  });

  test('that the PC refuses is known, with the usual cause', async () => {
    const { device, id } = await enrolled({ ...WORKGROUP, recoveryEnvironment: false });
    await lanyard().queue(id, 'Exec', './Device/Vendor/MSFT/RemoteWipe/doWipe');
    expect((await device.sync()).wiped).toBeUndefined();
    expect((await show(id)).wipe).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/500.*Recovery Environment/),
    });
  });

  test('that the PC took and did not do is known when it calls', async () => {
    const { device, id } = await enrolled({ ...WORKGROUP, wipeDoesNothing: true });
    await lanyard().queue(id, 'Exec', './Device/Vendor/MSFT/RemoteWipe/doWipe');
    await device.sync();
    lanyard().pass({ minutes: 5 });
    await device.sync();
    expect((await show(id)).wipe.state).toBe('accepted');
    lanyard().pass({ hours: 8 });
    await device.sync();
    expect(await show(id)).toMatchObject({
      state: 'enrolled',
      wipe: { state: 'notDone', reason: expect.stringContaining('was not wiped') },
    });
    // It goes on calling, so what silences it later is something else.
    for (const days of [4, 4]) {
      lanyard().pass({ days });
      await device.sync();
    }
    lanyard().pass({ days: 30 });
    await sweep();
    expect((await show(id)).state).toBe('enrolled');
  });

  test('that begins late, after one more session, counts as well when silence follows, and the reason says so', async () => {
    const { device, id } = await enrolled({ ...WORKGROUP, wipeDoesNothing: true });
    await lanyard().queue(id, 'Exec', './Device/Vendor/MSFT/RemoteWipe/doWipe');
    await device.sync();
    lanyard().pass({ minutes: 15 });
    await device.sync();
    expect((await show(id)).wipe.state).toBe('notDone');
    lanyard().pass({ days: 8 });
    await sweep();
    expect(await show(id)).toMatchObject({
      state: 'wiped',
      wipe: { state: 'wiped', reason: expect.stringMatching(/called for the last time on .* silent for 7 days/) },
    });
  });

  test('of the protected kind without a recovery environment leaves a PC that does not start, of which the record warns', async () => {
    const { device, id } = await enrolled({ ...WORKGROUP, recoveryEnvironment: false });
    await lanyard().queue(id, 'Exec', './Device/Vendor/MSFT/RemoteWipe/doWipeProtected');
    await device.sync();
    expect(device.show()).toMatchObject({ wiped: true, unbootable: true });
    expect((await show(id)).wipe.reason).toContain('may not start');
  });
});

describe('the preview', () => {
  test('shows what would happen, and asking for it changes nothing', async () => {
    const { device, id } = await enrolled({ ...JOINED });
    const ca = './Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB/EncodedCertificate';
    await lanyard().queue(id, 'Replace', './Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera', {
      data: '0',
      format: 'chr',
    });
    await lanyard().queue(id, 'Add', ca, { data: 'AAAA', format: 'b64' });
    await device.sync();
    await lanyard().queue(id, 'Get', './DevDetail/SwV');
    const before = await lanyard().storage.table('devices').page(id, { limit: 100 });
    const preview = await lanyard().get(`${pathOf(id)}/unenroll`);
    expect(await lanyard().storage.table('devices').page(id, { limit: 100 })).toEqual(before);
    expect(preview).toMatchObject({
      state: 'enrolled',
      join: { kind: 'joined', meaning: expect.stringContaining('removed') },
      gate: { decision: 'held', opensBy: expect.stringContaining('LAPS') },
      commandsOpen: 1,
    });
    const known = preview.removes.flatMap((each: { known: string[] }) => each.known);
    expect(known).toEqual([ca, './Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera']);
    expect(preview.warnings.join(' ')).toContain('Windows Information Protection');
    expect(preview.warnings.join(' ')).not.toContain('mobile');
  });

  test('of an unknown device is 404', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000';
    await expect(lanyard().get(`${pathOf(nobody)}/unenroll`)).rejects.toMatchObject({ status: 404 });
  });
});
