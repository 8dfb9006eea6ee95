import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { wantedDefaults } from '../../../shared/management/wanted-defaults.ts';
import { type Asked, DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const PUSH = './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Push';
const NAME = 'Contoso.Wake_8wekyb3d8bbwe';
const SID = 'ms-app://s-1-15-2-1-2-3-4-5-6-7';
const CHANNEL = 'https://db5p.notify.windows.com/w/?token=one';
const READ_BOTH = [`Get ${PUSH}/ChannelURI`, `Get ${PUSH}/Status`];

function set(device: DeviceModel, packageFamilyName: string): void {
  const packageSid = packageFamilyName === '' ? '' : SID;
  device.defaults = wantedDefaults(policySchema.parse({ push: { packageFamilyName, packageSid } }));
}

/** A PC that says this of its channel. */
function pc(says: { uri?: string; status?: string } = {}): DeviceModel {
  const device = new DeviceModel(new Partition(enrolledDevice()));
  device.valueOf = (target) => (target.endsWith('Status') ? (says.status ?? '0') : (says.uri ?? CHANNEL));
  set(device, NAME);
  return device;
}

type Answers = 'silence' | ((asked: Asked) => number | undefined);

/** One whole session. @returns what was asked in it */
async function session(device: DeviceModel, answers: Answers = () => 200): Promise<string[]> {
  const asked: string[] = [];
  let reply = await device.begin();
  while (reply.commands.length > 0) {
    asked.push(...reply.commands.map(({ verb, target }) => `${verb} ${target}`));
    if (answers === 'silence') break;
    reply = await device.answer(answers);
  }
  return asked;
}

const push = (device: DeviceModel) => device.partition.device.push;

describe('the channel of a device', () => {
  test('is asked for in the session after that in which it took the name, and in each one from then on', async () => {
    const device = pc();
    expect(await session(device)).toEqual([`Replace ${PUSH}/PFN`]);
    expect(push(device)).toBeUndefined();
    expect(await session(device)).toEqual(READ_BOTH);
    expect(push(device)).toEqual({ uri: CHANNEL, readAt: device.now.toISOString(), status: 0 });
    device.valueOf = (target) => (target.endsWith('Status') ? '0' : `${CHANNEL}-renewed`);
    device.now = new Date(device.now.getTime() + 3_600_000);
    expect(await session(device)).toEqual(READ_BOTH);
    expect(push(device)).toMatchObject({ uri: `${CHANNEL}-renewed`, readAt: device.now.toISOString() });
  });

  test('is not asked for where push is off, or the name is refused', async () => {
    const off = pc();
    set(off, '');
    expect(await session(off)).toEqual([]);
    const refused = pc();
    expect(await session(refused, () => 500)).toEqual([`Replace ${PUSH}/PFN`]);
    expect(await session(refused)).toEqual([]);
  });

  test('goes when push is switched off, and when the app is another one', async () => {
    const device = pc();
    await session(device);
    await session(device);
    set(device, 'Contoso.Other_8wekyb3d8bbwe');
    expect(await session(device)).toEqual([`Replace ${PUSH}/PFN`]);
    expect(push(device)).toBeUndefined();
    await session(device);
    expect(push(device)).toMatchObject({ uri: CHANNEL });
    set(device, '');
    expect(await session(device)).toEqual([`Delete ${PUSH}/PFN`]);
    expect(push(device)).toBeUndefined();
    expect(await session(device)).toEqual([]);
  });

  test('is none where the device has none, and its status says why', async () => {
    const device = pc({ status: '4' });
    await session(device);
    await session(device, ({ target }) => (target.endsWith('ChannelURI') ? 404 : 200));
    expect(push(device)).toEqual({ readAt: device.now.toISOString(), status: 4 });
  });

  test('that was there is forgotten when the device says that it is not', async () => {
    const device = pc();
    await session(device);
    await session(device);
    await session(device, ({ target }) => (target.endsWith('ChannelURI') ? 404 : 200));
    expect(push(device)).not.toHaveProperty('uri');
  });

  test('of another host than those of WNS is not kept', async () => {
    const device = pc({ uri: 'https://169.254.169.254/metadata' });
    await session(device);
    await session(device);
    expect(push(device)).toEqual({ readAt: device.now.toISOString(), foreign: true, status: 0 });
  });

  test('may come in the message behind its status', async () => {
    const device = pc();
    await session(device);
    const { commands } = await device.begin();
    const [uri] = commands;
    const status = `<Status><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${uri?.cmdId}</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>`;
    const results = `<Results><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${uri?.cmdId}</CmdRef><Item><Source><LocURI>${uri?.target}</LocURI></Source><Data>${CHANNEL}</Data></Item></Results>`;
    await device.next(status, { final: false });
    expect(push(device)).not.toHaveProperty('uri');
    await device.next(results);
    expect(push(device)).toMatchObject({ uri: CHANNEL });
  });

  test('is asked for in three sessions without an answer, and then once a week', async () => {
    const device = pc();
    await session(device);
    for (let times = 1; times <= 3; times += 1) expect(await session(device, 'silence')).toEqual(READ_BOTH);
    expect(await session(device)).toEqual([]);
    device.now = new Date(device.now.getTime() + 8 * 86_400_000);
    // The facts are a week old by then as well.
    expect((await session(device)).slice(-2)).toEqual(READ_BOTH);
    expect(push(device)).not.toHaveProperty('asked');
    expect(await session(device)).toEqual(READ_BOTH);
  });

  test('that is not a text of the right form changes nothing of the status', async () => {
    const device = pc({ status: 'fine' });
    await session(device);
    await session(device);
    expect(push(device)).toEqual({ uri: CHANNEL, readAt: device.now.toISOString() });
  });
});
