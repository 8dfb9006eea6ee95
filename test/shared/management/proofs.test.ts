import { describe, expect, test } from 'vitest';
import { type AskedUnenroll, askToUnenroll } from '../../../shared/unenroll/unenroll-requests.ts';
import { DeviceModel, type Reply } from '../../support/device-model.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const UNENROLL = './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll';
const PASSWORD = './Device/Vendor/MSFT/Accounts/Users/rescue/Password';
const GROUP = './Device/Vendor/MSFT/Accounts/Users/rescue/LocalUserGroup';
const RESET = './Device/Vendor/MSFT/LAPS/Actions/ResetPassword';
const STATUS = `${RESET}Status`;
const DIRECTORY = './Device/Vendor/MSFT/LAPS/Policies/BackupDirectory';

const ACCOUNT = { localAdministrator: { name: 'rescue', password: () => 'Pa55-phrase' } };

/** A joined device that is asked to leave, brought to the message in which the gate asks for its first proof. */
async function asked(request: Omit<AskedUnenroll, 'by'>, before = 0): Promise<{ device: DeviceModel; reply: Reply }> {
  const device = new DeviceModel(new Partition(enrolledDevice()));
  for (let n = 0; n < before; n += 1) device.partition.queue('Get', './DevDetail/SwV');
  await ask(device, request);
  await device.begin({ pages: 20 });
  return { device, reply: await device.answer(undefined, { pages: 20 }) };
}

async function ask(device: DeviceModel, request: Omit<AskedUnenroll, 'by'>): Promise<void> {
  const services = { storage: device.partition.storage(), log: new MemoryLog(), now: device.now };
  await askToUnenroll(services, device.partition.device.id, { by: 'kim', ...request });
}

const targets = ({ commands }: Reply) => commands.map(({ target }) => target);
const request = ({ partition }: DeviceModel) => partition.device.unenroll;
const commandOfAccount = (device: DeviceModel) =>
  device.partition.command(request(device)?.localAdministrator?.command ?? '');

describe('a local administrator', () => {
  test('is made by its password, and by its group only when that was taken; then the Unenroll goes', async () => {
    const { device, reply } = await asked(ACCOUNT);
    expect(reply.commands).toMatchObject([{ verb: 'Add', target: PASSWORD, data: 'Pa55-phrase' }]);
    expect((await device.answer()).commands).toMatchObject([{ verb: 'Add', target: GROUP, data: '2' }]);
    expect(targets(await device.answer())).toEqual([UNENROLL]);
    expect(commandOfAccount(device)).toMatchObject({ state: 'done', deliveries: 1 });
    expect(request(device)?.localAdministrator).toMatchObject({
      state: 'confirmed',
      by: 'kim',
      settledAt: device.now.toISOString(),
    });
  });

  test.each([201, 202, 213, 400, 404, 405, 418, 425, 500])(
    'is not made when its password is answered %d: the group is not sent, and the device is held',
    async (code) => {
      const { device } = await asked(ACCOUNT);
      expect((await device.answer(() => code)).commands).toEqual([]);
      expect(commandOfAccount(device)).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining(String(code)),
      });
      expect(request(device)).toMatchObject({ state: 'held', localAdministrator: { state: 'failed' } });
    },
  );

  test.each([202, 418, 500])('is not made when its group is answered %d', async (code) => {
    const { device } = await asked(ACCOUNT);
    await device.answer();
    expect((await device.answer(() => code)).commands).toEqual([]);
    expect(request(device)).toMatchObject({
      state: 'held',
      localAdministrator: { state: 'failed', reason: expect.stringContaining('no administrator') },
    });
  });

  test('is never taken for made when an answer did not come, and is not sent a second time', async () => {
    const { device } = await asked(ACCOUNT);
    await device.begin();
    expect(targets(await device.answer())).toEqual([]);
    expect(commandOfAccount(device).state).toBe('unknown');
    expect(request(device)).toMatchObject({ state: 'held', reason: expect.stringContaining('may be there') });
  });

  test('goes on with its second step in a later session', async () => {
    const { device } = await asked(ACCOUNT);
    await device.answer(undefined, { more: '<Alert><CmdID>92</CmdID><Data>1223</Data></Alert>' });
    await device.begin();
    expect(targets(await device.answer())).toEqual([GROUP]);
    expect(targets(await device.answer())).toEqual([UNENROLL]);
  });

  test('is found behind more commands than one page holds', async () => {
    const { reply } = await asked(ACCOUNT, 150);
    expect(targets(reply)).toEqual([PASSWORD]);
  });

  test('waits while the key of secret data may not be read, and the device is not held for that', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await ask(device, ACCOUNT);
    device.key = 'notNow';
    await device.begin();
    expect(targets(await device.answer())).toEqual([]);
    expect(request(device)).toMatchObject({ state: 'waiting', localAdministrator: { state: 'asked' } });
  });

  test('is not sent where somebody takes the risk after all', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await ask(device, ACCOUNT);
    await ask(device, { acceptRisk: { person: 'kim', reason: 'scrapped' } });
    await device.begin();
    expect(targets(await device.answer())).toEqual([UNENROLL]);
    expect(commandOfAccount(device).state).toBe('cancelled');
  });

  test('of a request before is not believed in the next one', async () => {
    const { device } = await asked(ACCOUNT);
    await device.answer();
    await device.answer(() => 500);
    await ask(device, {});
    expect(request(device)?.localAdministrator).toBeUndefined();
    await device.begin();
    expect(targets(await device.answer())).toEqual([]);
    expect(request(device)?.state).toBe('held');
  });

  test('whose request was replaced by another is not made', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await ask(device, ACCOUNT);
    const { command } = request(device)!.localAdministrator!;
    await ask(device, { localAdministrator: { name: 'other', password: () => 'Pa55-phrase' } });
    expect(device.partition.command(command)).toMatchObject({ state: 'cancelled' });
    await device.begin();
    expect(targets(await device.answer())).toEqual([PASSWORD.replace('rescue', 'other')]);
  });
});

describe('LAPS', () => {
  /** @param values what the two questions are answered; undefined is 404 */
  async function reset(values: {
    status?: string;
    directory?: string;
  }): Promise<{ device: DeviceModel; reply: Reply }> {
    const { device, reply } = await asked({ laps: true });
    expect(reply.commands).toMatchObject([{ verb: 'Exec', target: RESET }]);
    expect(targets(await device.answer())).toEqual([DIRECTORY, STATUS]);
    return { device, reply: await tell(device, values) };
  }

  function tell(device: DeviceModel, { status, directory }: { status?: string; directory?: string }): Promise<Reply> {
    device.valueOf = (target) => (target === STATUS ? status : directory) ?? '';
    return device.answer(({ target }) => ((target === STATUS ? status : directory) === undefined ? 404 : 200));
  }

  test.each([
    ['1', 'entra', /lost when the device is deleted/],
    ['2', 'directory', /Active Directory/],
    [undefined, 'unknown', /does not say/],
  ])(
    'opens the gate with status 0, and says of directory %s that the password is in %s',
    async (directory, backup, words) => {
      const { device, reply } = await reset({ status: '0', directory });
      expect(targets(reply)).toEqual([UNENROLL]);
      expect(request(device)?.laps).toMatchObject({ state: 'confirmed', backup, reason: expect.stringMatching(words) });
    },
  );

  test.each([
    [{ status: '-2147024891', directory: '1' }, '0x80070005'],
    [{ status: '0x80070032', directory: '1' }, '0x80070032'],
    [{ status: '0', directory: '0' }, 'nowhere'],
    [{ directory: '1' }, '404'],
    [{ status: 'ok', directory: '1' }, 'answered 200'],
  ])('opens nothing when it says %j', async (values, words) => {
    const { device, reply } = await reset(values);
    expect(targets(reply)).toEqual([]);
    expect(request(device)).toMatchObject({
      state: 'held',
      laps: { state: 'failed', reason: expect.stringContaining(words) },
    });
  });

  test('is asked once a session while it is at work, and the reset is not sent again', async () => {
    const { device, reply } = await reset({ status: '-2147483638', directory: '1' });
    expect(targets(reply)).toEqual([]);
    expect(request(device)).toMatchObject({
      state: 'waiting',
      laps: { state: 'asked', reason: expect.stringContaining('next session') },
    });
    await device.begin();
    expect(targets(await device.answer())).toEqual([DIRECTORY, STATUS]);
    expect(targets(await tell(device, { status: '0', directory: '1' }))).toEqual([UNENROLL]);
  });

  test.each([404, 405, 500])('that answers %d to the reset opens nothing', async (code) => {
    const { device } = await asked({ laps: true });
    expect(targets(await device.answer(() => code))).toEqual([]);
    expect(request(device)).toMatchObject({
      state: 'held',
      laps: { state: 'failed', reason: expect.stringContaining(String(code)) },
    });
  });

  test('that takes the reset (202) is asked what came of it', async () => {
    const { device } = await asked({ laps: true });
    expect(targets(await device.answer(() => 202))).toEqual([DIRECTORY, STATUS]);
    expect(targets(await tell(device, { status: '0', directory: '1' }))).toEqual([UNENROLL]);
  });
});

describe('an Unenroll behind the queue', () => {
  test('lets commands go first, one that is queued meanwhile too, and asks the gate when all have ended', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    const first = device.partition.queue('Get', './DevDetail/SwV');
    await ask(device, { after: 'queue' });
    expect(targets(await device.begin())).toEqual(['./DevDetail/SwV']);
    const second = device.partition.queue('Get', './DevDetail/FwV');
    expect(targets(await device.answer())).toEqual(['./DevDetail/FwV']);
    expect(targets(await device.answer())).toEqual([
      expect.stringContaining('AADDeviceID'),
      expect.stringContaining('DomainName'),
    ]);
    expect(targets(await device.answer(() => 404))).toEqual([UNENROLL]);
    expect([first, second].map((id) => device.partition.command(id).state)).toEqual(['done', 'done']);
  });

  test('waits for the result of a command that was accepted', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    device.partition.queue('Exec', './Device/Vendor/MSFT/Install/Run');
    await ask(device, { after: 'queue' });
    await device.begin();
    expect(targets(await device.answer(() => 202))).toEqual([]);
    await device.begin();
    expect(request(device)?.state).toBe('waiting');
    await ask(device, {});
    await device.begin();
    expect(targets(await device.answer(() => 404))).toEqual([UNENROLL]);
  });

  test('does not wait for what expires in the same message', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    device.partition.queue('Get', './User/A', { expiresAt: '2026-01-01T07:00:00.000Z' });
    await ask(device, { after: 'queue' });
    expect(targets(await device.begin())).toHaveLength(2);
  });

  test('that stayed once goes like any other: what is queued then waits for it', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await ask(device, { after: 'queue' });
    await device.begin();
    await device.answer(() => 404);
    device.partition.queue('Get', './DevDetail/SwV');
    await device.begin();
    expect(targets(await device.answer(() => 404))).toEqual([UNENROLL]);
  });
});
