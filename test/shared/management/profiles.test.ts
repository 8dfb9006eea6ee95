import { describe, expect, test } from 'vitest';
import type { Device } from '../../../shared/devices/device.ts';
import { requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { deviceProfilesView } from '../../../shared/profiles/device-profiles-view.ts';
import type { Profile } from '../../../shared/profiles/profile.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW } from '../../../shared/profiles/setting-state.ts';
import { type Asked, DeviceModel, type Reply } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';
import { POLICY, profile, secretSetting, setting } from '../../support/profiles.ts';

const DAY = 86_400_000;

function model(profiles: Profile[], change: Partial<Device> = {}): DeviceModel {
  const join = { kind: 'none' as const, readAt: '2026-01-01T00:00:00.000Z' };
  const device = new DeviceModel(
    new Partition(enrolledDevice({ join, factsReadAt: '2099-01-01T00:00:00.000Z', ...change })),
  );
  device.profiles = profiles;
  return device;
}

const shown = ({ verb, target, data }: Asked) =>
  `${verb} ${target.split('/').at(-1)}${data === undefined ? '' : ` = ${data}`}`;

/** One session in which the device answers what it is asked. @returns what it was asked, message by message */
async function session(
  device: DeviceModel,
  codes: (asked: Asked) => number | undefined = () => 200,
  options: { login?: string } = {},
): Promise<string[]> {
  const asked: string[] = [];
  let reply: Reply = await device.begin(options);
  while (reply.commands.length > 0 && asked.length < 400) {
    asked.push(...reply.commands.map(shown));
    reply = await device.answer(codes);
  }
  return asked;
}

const states = (device: DeviceModel) =>
  (device.partition.rows.get(PROFILES_OF_DEVICE_ROW)?.value as DeviceProfiles | undefined)?.settings ?? {};
const pass = (device: DeviceModel, days: number) => {
  device.now = new Date(device.now.getTime() + days * DAY);
};

const A1 = setting(POLICY('A'), '1', 'int');
const B1 = setting(POLICY('B'), 'x');

describe('a device with a profile', () => {
  test('is set to it once, and to what changes of it', async () => {
    const device = model([profile('p', [A1, B1])]);
    expect(await session(device)).toEqual(['Replace A = 1', 'Replace B = x']);
    expect(await session(device)).toEqual([]);
    device.profiles = [profile('p', [setting(POLICY('A'), '2', 'int'), B1])];
    expect(await session(device)).toEqual(['Replace A = 2']);
  });

  test('gives back what was set when the profile goes, and nothing else', async () => {
    const device = model([profile('p', [A1, B1])]);
    await session(device, ({ target }) => (target.endsWith('B') ? 500 : 200));
    device.profiles = [];
    expect(await session(device)).toEqual(['Delete A']);
    expect(await session(device)).toEqual([]);
    expect(states(device)).toEqual({});
  });

  test('keeps what a second profile asks for too', async () => {
    const device = model([profile('p', [A1]), profile('q', [A1, B1])]);
    await session(device);
    device.profiles = [profile('p', [A1])];
    expect(await session(device)).toEqual(['Delete B']);
  });

  test('loses nothing while the profiles are not known', async () => {
    const device = model([profile('p', [A1])]);
    await session(device);
    device.profiles = undefined;
    expect(await session(device)).toEqual([]);
    expect(Object.keys(states(device))).toHaveLength(1);
  });

  test('gets it by Add where Replace finds no node', async () => {
    const device = model([profile('p', [A1])]);
    expect(await session(device, ({ verb }) => (verb === 'Replace' ? 404 : 200))).toEqual([
      'Replace A = 1',
      'Add A = 1',
    ]);
    expect(await session(device)).toEqual([]);
  });

  test('is not asked for ever for what it does not know', async () => {
    const device = model([profile('p', [A1])]);
    expect(await session(device, () => 404)).toEqual(['Replace A = 1', 'Add A = 1']);
    pass(device, 30);
    expect(await session(device, () => 404)).toEqual([]);
    expect(device.partition.device.profileProblems).toMatchObject({ p: { state: 'notApplicable' } });
  });

  test('is asked again for what it refused: in the next session, then after days', async () => {
    const device = model([profile('p', [A1])]);
    const sent: number[] = [];
    for (let day = 0; day < 16; day += 1) {
      sent.push((await session(device, () => 500)).length);
      pass(device, 1);
    }
    expect(sent).toEqual([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
    const { since } = device.partition.device.profileProblems?.['p'] ?? {};
    expect(since).toBe('2026-01-01T08:00:00.000Z');
    pass(device, 7);
    await session(device);
    expect(device.partition.device.profileProblems).toBeUndefined();
  });

  test('that says nothing is asked in five sessions and then once a day', async () => {
    const device = model([profile('p', [A1])]);
    const silent = async () => (await device.begin()).commands.length;
    const sent = [];
    for (let n = 0; n < 8; n += 1) sent.push(await silent());
    expect(sent).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
    pass(device, 1);
    expect(await silent()).toBe(1);
  });

  test('waits with the settings of its user until he is there', async () => {
    const device = model([profile('p', [A1, setting('./User/Vendor/MSFT/Policy/Config/Test/U', '1')])]);
    expect(await session(device, undefined, { login: 'none' })).toEqual(['Replace A = 1']);
    expect(await session(device, undefined, { login: 'others' })).toEqual([]);
    expect(await session(device)).toEqual(['Replace U = 1']);
  });

  test.each(['unenrolling', 'unenrolled', 'superseded', 'retired'] as const)('that is %s gets none', async (state) => {
    const unenroll = {
      state: 'waiting',
      since: '',
      reason: '',
      requestedAt: '',
      requestedBy: '',
      deliveries: 0,
      refusals: 0,
    };
    const device = model([profile('p', [A1])], { state, unenroll } as Partial<Device>);
    expect((await session(device)).filter((asked) => asked.endsWith('A = 1'))).toEqual([]);
  });

  test('is told in messages of 25 commands, until all of it is there', async () => {
    const many = Array.from({ length: 60 }, (_, n) => setting(POLICY(`N${n}`), '1'));
    const device = model([profile('p', many)]);
    const sizes: number[] = [];
    let reply = await device.begin();
    while (reply.commands.length > 0) {
      sizes.push(reply.commands.length);
      reply = await device.answer();
    }
    expect(sizes).toEqual([25, 25, 10]);
  });

  test('gets the same reply again when the message is repeated', async () => {
    const device = model([profile('p', [A1])]);
    const first = await device.begin();
    const again = await device.sendBytes(first.bytes);
    expect(again.outcome.reply.equals(first.outcome.reply)).toBe(true);
    expect(again.outcome.changes).toEqual([]);
  });

  test('does what waits in its queue first', async () => {
    const device = model([profile('p', [A1])]);
    device.partition.queue('Get', './DevDetail/SwV');
    const { commands } = await device.begin();
    expect(commands.map(shown)).toEqual(['Get SwV', 'Replace A = 1']);
  });

  test('that is to leave when its queue is done gets none of them meanwhile', async () => {
    const device = model([profile('p', [A1])]);
    device.partition.queue('Get', './DevDetail/SwV');
    device.defaults = [{ name: 'support.phone', value: '1' }];
    device.partition.setDevice(requestUnenroll(device.partition.device, { by: 'kim', after: 'queue' }, device.now));
    expect((await device.begin()).commands.map(shown)).toEqual(['Get SwV']);
  });

  test('has no problem any more when all profiles are gone', async () => {
    const device = model([profile('p', [A1]), profile('q', [setting(POLICY('A'), '2', 'int')])]);
    await session(device);
    expect(Object.keys(device.partition.device.profileProblems ?? {})).toEqual(['p', 'q']);
    device.profiles = [];
    await session(device);
    expect(device.partition.device.profileProblems).toBeUndefined();
  });

  test('has what it said last: a late word on the value before is none on the new one', async () => {
    const device = model([profile('p', [A1])]);
    const first = await device.begin();
    device.profiles = [profile('p', [setting(POLICY('A'), '2', 'int')])];
    const second = await device.next();
    const said = (reply: Reply, code: number) =>
      `<Status><CmdID>${reply.msgId}0</CmdID><MsgRef>${reply.msgId}</MsgRef><CmdRef>${reply.commands[0]!.cmdId}</CmdRef><Cmd>Replace</Cmd><Data>${code}</Data></Status>`;
    await device.next(said(first, 200) + said(second, 500));
    expect(states(device)[A1.node]).toMatchObject({ attempt: { status: 500 } });
    expect(states(device)[A1.node]?.set).toBeUndefined();
  });

  test('gets a command that it may have choked on without anything beside it', async () => {
    const device = model([profile('p', [A1])]);
    device.partition.queue('Get', './DevDetail/SwV');
    await device.begin();
    await device.next('<Alert><CmdID>9</CmdID><Data>1223</Data></Alert>');
    const { commands } = await device.begin();
    expect(commands.map(shown)).toEqual(['Get SwV']);
  });

  test('that gives up over one setting gets the others', async () => {
    const device = model([profile('p', [A1, B1, setting(POLICY('C'), '3')])]);
    for (let n = 0; n < 8; n += 1) {
      let reply = await device.begin();
      while (reply.commands.length > 0) {
        const chokes = reply.commands.some(({ target }) => target.endsWith('B'));
        reply = chokes ? await device.next('<Alert><CmdID>9</CmdID><Data>1223</Data></Alert>') : await device.answer();
        if (chokes) break;
      }
    }
    const known = states(device);
    expect([A1.node, setting(POLICY('C'), '3').node].map((node) => known[node]?.set)).toEqual([
      expect.any(String),
      expect.any(String),
    ]);
    expect(known[B1.node]?.attempt).toMatchObject({ aborts: 3, ended: 'rejected' });
    expect(await session(device)).toEqual([]);
    expect(device.partition.device.profileProblems).toMatchObject({ p: { state: 'failed' } });
  });
});

test('settings that a device never lets go do not fill its row until nothing can be written any more', async () => {
  const large = (round: number) =>
    profile(
      'p',
      Array.from({ length: 64 }, (_, n) => setting(`${POLICY(`${round}-${n}-`)}${'x'.repeat(340)}`, '1')),
    );
  const device = model([large(0)]);
  for (let round = 1; round < 8; round += 1) {
    await session(device, ({ verb }) => (verb === 'Delete' ? 405 : 200));
    device.profiles = [large(round)];
  }
  const size = () => JSON.stringify(states(device)).length;
  expect(size()).toBeGreaterThan(380_000);
  expect(size()).toBeLessThan(500_000);
  expect(await session(device)).toEqual([]);
});

describe('profiles that contradict each other', () => {
  test('are not sent, and what was there stays', async () => {
    const device = model([profile('p', [A1])]);
    await session(device);
    device.profiles = [profile('p', [A1]), profile('q', [setting(POLICY('A'), '2', 'int'), B1])];
    expect(await session(device)).toEqual(['Replace B = x']);
    expect(device.partition.device.profileProblems).toEqual({
      p: { state: 'conflict', since: '2026-01-01T08:00:00.000Z' },
      q: { state: 'conflict', since: '2026-01-01T08:00:00.000Z' },
    });
    device.profiles = [profile('q', [setting(POLICY('A'), '2', 'int'), B1])];
    expect(await session(device)).toEqual(['Replace A = 2']);
    expect(device.partition.device.profileProblems).toBeUndefined();
  });
});

describe('what somebody else changed', () => {
  /** One session a day later, in which the device tells this value of everything that is read. */
  async function dayLater(device: DeviceModel, value: string | undefined): Promise<string[]> {
    pass(device, 1);
    const asked: string[] = [];
    let reply = await device.begin();
    for (let n = 0; reply.commands.length > 0 && n < 9; n += 1) {
      asked.push(...reply.commands.map(shown));
      const parts = reply.commands.map(({ verb, cmdId, target }, index) => {
        const code = verb === 'Get' && value === undefined ? 404 : 200;
        const status = `<Status><CmdID>${10 + index}</CmdID><MsgRef>${device.msgId}</MsgRef><CmdRef>${cmdId}</CmdRef><Cmd>${verb}</Cmd><Data>${code}</Data></Status>`;
        const results = `<Results><CmdID>${60 + index}</CmdID><MsgRef>${device.msgId}</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>${target}</LocURI></Source><Data>${value}</Data></Item></Results>`;
        return verb === 'Get' && code === 200 ? status + results : status;
      });
      reply = await device.next(parts.join(''));
    }
    return asked;
  }

  test.each([
    ['1', ['Get A']],
    [' 1\n', ['Get A']],
    ['01', ['Get A']],
    ['0', ['Get A', 'Replace A = 1']],
    ['', ['Get A', 'Replace A = 1']],
    [undefined, ['Get A', 'Replace A = 1']],
  ])('is found a day later and set again: %o', async (value, expected) => {
    const device = model([profile('p', [A1])]);
    await session(device);
    expect(await session(device)).toEqual([]);
    expect(await dayLater(device, value)).toEqual(expected);
    expect(states(device)[A1.node]?.set).toBe(A1.hash);
    expect(await session(device)).toEqual([]);
  });

  test('day after day is known of the profile, with its setting, how often and since when', async () => {
    const device = model([profile('p', [A1, B1])]);
    await session(device);
    const since = new Date(device.now.getTime() + DAY).toISOString();
    const problems = () => device.partition.device.profileProblems;
    await dayLater(device, '1');
    // Of the other one it is found again and again that it is not `x`.
    expect(problems()).toBeUndefined();
    await dayLater(device, '1');
    const drifts = { target: B1.target, count: 2, since };
    expect(problems()).toEqual({ p: { state: 'undone', since, drifts } });
    for (let day = 3; day <= 20; day += 1) await dayLater(device, '1');
    expect(problems()).toEqual({ p: { state: 'undone', since, drifts: { ...drifts, count: 20 } } });
  });

  test('is over when nothing was undone for a week, and counted anew', async () => {
    const device = model([profile('p', [A1])]);
    await session(device);
    for (let day = 1; day <= 3; day += 1) await dayLater(device, '0');
    const before = device.now;
    for (let day = 1; day <= 7; day += 1) await dayLater(device, '1');
    expect(device.partition.device.profileProblems).toMatchObject({ p: { drifts: { count: 3 } } });
    await dayLater(device, '1');
    expect(device.partition.device.profileProblems).toBeUndefined();
    for (let day = 1; day <= 2; day += 1) await dayLater(device, '0');
    const { count, since } = device.partition.device.profileProblems?.['p']?.drifts ?? {};
    expect(count).toBe(2);
    expect(Date.parse(since ?? '') - before.getTime()).toBe(9 * DAY);
  });

  test('is said beside what is worse', async () => {
    const device = model([profile('p', [A1, B1])]);
    await session(device, ({ target }) => (target.endsWith('B') ? 500 : 200));
    for (let day = 1; day <= 2; day += 1) {
      pass(device, 1);
      device.valueOf = () => '0';
      await session(device, ({ target, verb }) => (verb !== 'Get' && target.endsWith('B') ? 500 : 200));
    }
    expect(device.partition.device.profileProblems).toMatchObject({
      p: { state: 'failed', since: '2026-01-01T08:00:00.000Z', drifts: { target: A1.target, count: 2 } },
    });
  });

  test('that a device never tells is asked for once a day, and keeps nothing else from being read', async () => {
    const device = model([profile('p', [A1])]);
    await session(device);
    device.inventoryDays = 7;
    const silent = ({ target }: Asked) => (target.endsWith('/A') ? undefined : 404);
    pass(device, 1);
    const asked = await session(device, silent);
    expect(asked).toContain('Get A');
    expect(asked.filter((each) => each.includes('?list='))).toHaveLength(3);
    expect(await session(device, silent)).toEqual([]);
    pass(device, 1);
    expect(await session(device, silent)).toEqual(['Get A']);
  });

  test('is not sought in what is no plain value', async () => {
    const device = model([
      profile('p', [setting(POLICY('A'), '<enabled/>'), secretSetting('p', POLICY('S'), 'Pa55-phrase')]),
    ]);
    await session(device);
    expect(await dayLater(device, 'anything')).toEqual(['Get A', 'Get S']);
  });

  test('is sought in 20 settings of a session at most, and in all of them in turn', async () => {
    const many = Array.from({ length: 50 }, (_, n) => setting(POLICY(`N${n}`), '1'));
    const device = model([profile('p', many)]);
    await session(device);
    pass(device, 1);
    const read = new Set<string>();
    for (const expected of [20, 20, 10, 0]) {
      const asked = await session(device, ({ verb }) => (verb === 'Get' ? 405 : 200));
      expect(asked).toHaveLength(expected);
      for (const each of asked) read.add(each);
    }
    expect(read.size).toBe(50);
  });
});

describe('an Atomic profile', () => {
  const atomic = (value = '1') =>
    profile('p', [setting(POLICY('A'), value, 'int'), B1, setting(POLICY('C'), '3')], { atomic: true });

  test('goes as one, and later the difference alone', async () => {
    const device = model([atomic()]);
    const first = await device.begin();
    expect(first.commands.map(({ verb, atomic: outer }) => [verb, outer !== undefined])).toEqual([
      ['Atomic', false],
      ['Replace', true],
      ['Replace', true],
      ['Replace', true],
    ]);
    await device.answer();
    device.profiles = [atomic('2')];
    expect(await session(device)).toEqual(['Atomic ', 'Replace A = 2']);
  });

  describe('whose settings belong together', () => {
    const whole = (...settings: Profile['settings']) => profile('p', settings, { atomic: true, together: true });
    const [A, B, C] = [setting(POLICY('A'), '1', 'int'), B1, setting(POLICY('C'), '3')];
    const ALL = ['Atomic ', 'Replace A = 1', 'Replace B = x', 'Replace C = 3'];

    test('goes whole when one of them changes, in its order, and then rests', async () => {
      const device = model([whole(A, B, C)]);
      expect(await session(device)).toEqual(ALL);
      expect(await session(device)).toEqual([]);
      device.profiles = [whole(A, B, setting(POLICY('C'), '4'))];
      expect(await session(device)).toEqual([...ALL.slice(0, 3), 'Replace C = 4']);
      expect(await session(device)).toEqual([]);
    });

    test('goes whole when one was added, and when somebody has undone one', async () => {
      const device = model([whole(A, B)]);
      await session(device);
      device.profiles = [whole(A, B, C)];
      expect(await session(device)).toEqual(ALL);
      pass(device, 1);
      device.valueOf = (target) => (target.endsWith('/B') ? 'theirs' : target.endsWith('/A') ? '1' : '3');
      expect(await session(device)).toEqual(['Get A', 'Get B', 'Get C', ...ALL]);
      expect(await session(device)).toEqual([]);
    });

    test('is deleted by what goes alone', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(A, B)];
      expect(await session(device)).toEqual(['Atomic ', 'Delete C']);
    });

    test('stays as it was where the device refuses the new one, which alone has failed', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(setting(POLICY('A'), '2', 'int'), B, C)];
      const refused = ({ verb, target }: Asked) => (verb === 'Atomic' ? 507 : target.endsWith('A') ? 500 : 216);
      const changed = ['Atomic ', 'Replace A = 2', ...ALL.slice(2)];
      expect(await session(device, refused)).toEqual(changed);
      expect(device.partition.device.profileProblems).toMatchObject({ p: { state: 'failed' } });
      const view = deviceProfilesView(
        device.partition.device,
        { settings: states(device) },
        device.profiles,
        device.now,
      );
      expect(view.settings.map(({ state }) => state)).toEqual(['failed', 'done', 'done']);
      expect(await session(device)).toEqual(changed);
      expect(await session(device)).toEqual([]);
      expect(device.partition.device.profileProblems).toBeUndefined();
    });

    test('stays as it was where the device says only of the whole that it failed', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(setting(POLICY('A'), '2', 'int'), B, C)];
      await session(device, ({ verb }) => (verb === 'Atomic' ? 507 : undefined));
      const view = deviceProfilesView(
        device.partition.device,
        { settings: states(device) },
        device.profiles,
        device.now,
      );
      expect(view.settings.map(({ state }) => state)).toEqual(['failed', 'done', 'done']);
    });

    test('waits for its day where one that was there is refused, and names it', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(setting(POLICY('A'), '2', 'int'), B, C)];
      const refused = ({ verb, target }: Asked) => (verb === 'Atomic' ? 507 : target.endsWith('B') ? 500 : 216);
      const changed = ['Atomic ', 'Replace A = 2', ...ALL.slice(2)];
      expect(await session(device, refused)).toEqual(changed);
      expect(await session(device, refused)).toEqual(changed);
      expect(await session(device, refused)).toEqual([]);
      const view = deviceProfilesView(
        device.partition.device,
        { settings: states(device) },
        device.profiles,
        device.now,
      );
      expect(view.settings).toMatchObject([
        { state: 'failed', waitingFor: 'group', blockedBy: B.target },
        { state: 'failed', status: 500 },
        { state: 'done' },
      ]);
      pass(device, 1);
      expect(await session(device)).toEqual([...changed]);
      expect(await session(device)).toEqual([]);
    });

    test('is read back, also those that were taken back with one that fails', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(setting(POLICY('A'), '2', 'int'), B, C)];
      const refused = ({ verb, target }: Asked) => {
        if (verb === 'Get') return 200;
        return verb === 'Atomic' ? 507 : target.endsWith('A') ? 406 : 216;
      };
      await session(device, refused);
      pass(device, 1);
      expect(await session(device, refused)).toEqual(['Get B', 'Get C']);
    });

    test('comes to be there where a node is gone that was taken for set', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(setting(POLICY('A'), '2', 'int'), B, C)];
      const asked = await session(device, ({ verb, target }) => {
        if (device.lastAsked.some((each) => each.verb === 'Add')) return 200;
        return verb === 'Atomic' ? 507 : target.endsWith('B') ? 404 : 216;
      });
      expect(asked.slice(4)).toEqual(['Atomic ', 'Replace A = 2', 'Add B = x', 'Replace C = 3']);
      expect(await session(device)).toEqual([]);
    });

    test('goes whole again where the answer was lost', async () => {
      const device = model([whole(A, B, C)]);
      await session(device);
      device.profiles = [whole(setting(POLICY('A'), '2', 'int'), B, C)];
      const changed = ['Atomic ', 'Replace A = 2', ...ALL.slice(2)];
      expect((await device.begin()).commands.map(shown)).toEqual(changed);
      expect(await session(device)).toEqual(changed);
      expect(await session(device)).toEqual([]);
    });
  });

  test('comes with none of its settings while one of them is refused', async () => {
    const device = model([atomic()]);
    const codes = ({ verb, target }: Asked) => (verb === 'Atomic' ? 507 : target.endsWith('B') ? 500 : 216);
    expect(await session(device, codes)).toHaveLength(4);
    expect(Object.values(states(device)).map(({ set }) => set)).toEqual([undefined, undefined, undefined]);
    expect(await session(device, codes)).toHaveLength(4);
    expect(await session(device, codes)).toEqual([]);
    pass(device, 1);
    expect(await session(device)).toHaveLength(4);
    expect(await session(device)).toEqual([]);
  });

  test('is sent with Add in place of the Replace that found no node', async () => {
    const device = model([atomic()]);
    const asked = await session(device, ({ verb, target }) => {
      if (device.lastAsked.some((each) => each.verb === 'Add')) return 200;
      return verb === 'Atomic' ? 507 : target.endsWith('B') ? 404 : 216;
    });
    expect(asked.slice(4)).toEqual(['Atomic ', 'Replace A = 1', 'Add B = x', 'Replace C = 3']);
    expect(await session(device)).toEqual([]);
  });

  test('requires no encryption of a device that is not joined, and sends nothing else of it either', async () => {
    const required = setting('./Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption', '1', 'int');
    const bitlocker = profile('bitlocker', [A1, required], { atomic: true });
    const device = model([bitlocker]);
    expect(await session(device)).toEqual([]);
    expect(device.partition.device.profileProblems).toMatchObject({ bitlocker: { state: 'refused' } });
    device.partition.setDevice({ join: { kind: 'joined', readAt: '2026-01-01T00:00:00.000Z' } });
    expect(await session(device)).toEqual(['Atomic ', 'Replace A = 1', 'Replace RequireDeviceEncryption = 1']);
  });
});

describe('the secret of a profile', () => {
  const wifi = profile('wifi', [secretSetting('wifi', POLICY('S'), 'Pa55-phrase'), A1]);

  test('reaches the device, and lies nowhere in its partition', async () => {
    const device = model([wifi]);
    const first = await device.begin();
    expect(first.commands.map(shown)).toEqual(['Replace S = Pa55-phrase', 'Replace A = 1']);
    const stored = [...device.partition.rows.values()].map(({ value }) => JSON.stringify(value)).join();
    expect(stored).not.toContain('Pa55-phrase');
    const again = await device.sendBytes(first.bytes);
    expect(again.outcome.reply.equals(first.outcome.reply)).toBe(true);
  });

  test('waits while the key cannot be read, and the rest does not', async () => {
    const device = model([wifi]);
    device.key = 'notNow';
    expect(await session(device)).toEqual(['Replace A = 1']);
    device.key = Buffer.alloc(32, 7);
    expect(await session(device)).toEqual(['Replace S = Pa55-phrase']);
  });

  test('that the key does not open any more has failed', async () => {
    const device = model([wifi]);
    device.key = undefined;
    expect(await session(device)).toEqual(['Replace A = 1']);
    expect(device.partition.device.profileProblems).toMatchObject({ wifi: { state: 'failed' } });
  });
});
