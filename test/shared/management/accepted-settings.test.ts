import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { deviceView } from '../../../shared/devices/device-view.ts';
import { wantedDefaults } from '../../../shared/management/wanted-defaults.ts';
import { deviceProfilesView } from '../../../shared/profiles/device-profiles-view.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW } from '../../../shared/profiles/setting-state.ts';
import { type Asked, DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';
import { POLICY, profile, setting } from '../../support/profiles.ts';

/** What a device accepts (202) it has not done yet: whether it has is read in a later session. */

const HOUR = 3_600_000;
const A1 = setting(POLICY('A'), '1', 'int');

function model(): DeviceModel {
  const join = { kind: 'none' as const, readAt: '2026-01-01T00:00:00.000Z' };
  const device = new DeviceModel(new Partition(enrolledDevice({ join, factsReadAt: '2099-01-01T00:00:00.000Z' })));
  device.profiles = [profile('p', [A1])];
  return device;
}

/** One session, an hour after the one before. @returns what was asked in it */
async function session(device: DeviceModel, codes: (asked: Asked) => number = () => 200): Promise<string[]> {
  device.now = new Date(device.now.getTime() + HOUR);
  const asked: string[] = [];
  let reply = await device.begin();
  while (reply.commands.length > 0 && asked.length < 50) {
    asked.push(...reply.commands.map(({ verb, target }) => `${verb} ${target.split('/').at(-1)}`));
    reply = await device.answer(codes);
  }
  return asked;
}

const known = (device: DeviceModel) =>
  (device.partition.rows.get(PROFILES_OF_DEVICE_ROW)?.value as DeviceProfiles | undefined) ?? { settings: {} };
const state = (device: DeviceModel) =>
  deviceProfilesView(device.partition.device, known(device), device.profiles ?? [], device.now).settings[0];
const accepts = ({ verb }: Asked) => (verb === 'Get' ? 200 : 202);

describe('a setting of a profile that the device accepts', () => {
  test('is not done: it is read in the next session, once, and done when the value is there', async () => {
    const device = model();
    expect(await session(device, accepts)).toEqual(['Replace A']);
    expect(state(device)).toMatchObject({ state: 'sent', status: 202, reason: expect.stringContaining('later') });
    expect(device.partition.device.profileProblems).toBeUndefined();
    device.valueOf = () => '1';
    expect(await session(device)).toEqual(['Get A']);
    expect(state(device)).toMatchObject({ state: 'done' });
    expect(await session(device)).toEqual([]);
  });

  test.each<[string, number, string]>([
    ['another value', 200, '0'],
    ['nothing', 404, ''],
  ])('stays so while the device shows %s, and has failed after a day: it is sent again', async (_, code, value) => {
    const device = model();
    await session(device, accepts);
    device.valueOf = () => value;
    expect(await session(device, () => code)).toEqual(['Get A']);
    expect(state(device)?.state).toBe('sent');
    device.now = new Date(device.now.getTime() + 24 * HOUR);
    const codes = ({ verb }: Asked) => (verb === 'Get' ? code : 202);
    expect(await session(device, codes)).toEqual(['Get A', 'Replace A']);
    expect(device.partition.device.profileProblems).toMatchObject({ p: { state: 'failed' } });
    // From then on it is tried as what fails is: less and less often.
    device.now = new Date(device.now.getTime() + 24 * HOUR);
    expect(await session(device, codes)).toEqual(['Get A']);
    expect(state(device)).toMatchObject({ state: 'failed', status: 202, retryAt: expect.any(String) });
    device.now = new Date(device.now.getTime() + 24 * HOUR);
    expect(await session(device)).toEqual(['Replace A']);
    expect(state(device)?.state).toBe('done');
    expect(device.partition.device.profileProblems).toBeUndefined();
  });

  test('counts where the node cannot be read', async () => {
    const device = model();
    await session(device, accepts);
    expect(await session(device, () => 405)).toEqual(['Get A']);
    expect(state(device)?.state).toBe('done');
  });

  test('is set to another value meanwhile, and taken away when the profile goes', async () => {
    const device = model();
    await session(device, accepts);
    device.profiles = [profile('p', [setting(POLICY('A'), '2', 'int')])];
    expect(await session(device, accepts)).toEqual(['Replace A']);
    device.profiles = [];
    expect(await session(device)).toEqual(['Delete A']);
    expect(known(device).settings).toEqual({});
  });

  test('to be taken away is told once more, and is gone then', async () => {
    const device = model();
    await session(device);
    device.profiles = [];
    expect(await session(device, accepts)).toEqual(['Delete A']);
    expect(state(device)?.state).toBe('removing');
    expect(await session(device, accepts)).toEqual(['Delete A']);
    expect(known(device).settings).toEqual({});
    expect(await session(device)).toEqual([]);
  });

  test('holds the others of its Atomic back no longer than it takes', async () => {
    const device = model();
    device.profiles = [profile('p', [A1, setting(POLICY('B'), 'x')], { atomic: true })];
    expect(await session(device, accepts)).toEqual(['Atomic ', 'Replace A', 'Replace B']);
    device.valueOf = (target) => (target.endsWith('A') ? '1' : 'x');
    expect(await session(device)).toEqual(['Get A', 'Get B']);
    expect(state(device)?.state).toBe('done');
  });
});

describe('a default that the PC accepts', () => {
  const phone = (device: DeviceModel) => deviceView(device.partition.device, undefined).defaults['support.phone'];
  function given(): DeviceModel {
    const device = model();
    device.profiles = undefined;
    device.defaults = wantedDefaults(policySchema.parse({ support: { phone: '1' } }));
    return device;
  }

  test('is not done: it is sent once in each session until the PC says so', async () => {
    const device = given();
    expect(await session(device, accepts)).toEqual(['Replace HelpPhoneNumber']);
    expect(phone(device)).toMatchObject({ state: 'waiting', status: 202 });
    expect(await session(device)).toEqual(['Replace HelpPhoneNumber']);
    expect(phone(device)).toMatchObject({ state: 'done', status: 200 });
    expect(await session(device)).toEqual([]);
  });

  test('and accepts for ever is sent in five sessions', async () => {
    const device = given();
    for (let count = 0; count < 5; count += 1) expect(await session(device, accepts)).toHaveLength(1);
    expect(await session(device, accepts)).toEqual([]);
    expect(phone(device)?.state).toBe('waiting');
  });

  test('that its user may not disconnect is not said to hold before', async () => {
    const device = given();
    device.defaults = wantedDefaults(policySchema.parse({ deviceDefaults: { userMayDisconnect: false } }));
    await session(device, accepts);
    expect(deviceView(device.partition.device, undefined).userCanDisconnect?.allowed).toBe(true);
    await session(device);
    expect(deviceView(device.partition.device, undefined).userCanDisconnect?.allowed).toBe(false);
  });
});
