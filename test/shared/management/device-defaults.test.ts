import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { wantedDefaults } from '../../../shared/management/wanted-defaults.ts';
import { DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const PROVIDER = './Device/Vendor/MSFT/DMClient/Provider/Lanyard';
const PHONE = `${PROVIDER}/HelpPhoneNumber`;
const DISCONNECT = './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment';
const COMPUTER_NAME = './DevDetail/Ext/Microsoft/DNSComputerName';

function model(settings: object, change = {}): DeviceModel {
  const device = new DeviceModel(new Partition(enrolledDevice(change)));
  set(device, settings);
  return device;
}

function set(device: DeviceModel, settings: object): void {
  device.defaults = wantedDefaults(policySchema.parse(settings));
}

/** One whole session. @returns what was asked in it, as `verb node = data` */
async function session(device: DeviceModel, code: number | 'silence' = 200): Promise<string[]> {
  const asked: string[] = [];
  let reply = await device.begin();
  while (reply.commands.length > 0) {
    asked.push(
      ...reply.commands.map(({ verb, target, data }) => `${verb} ${target}${data === undefined ? '' : ` = ${data}`}`),
    );
    if (code === 'silence') break;
    reply = await device.answer(() => code);
  }
  return asked;
}

describe('what a PC is given by default', () => {
  test('is nothing where nothing is set', async () => {
    expect(await session(model({}))).toEqual([]);
  });

  test('is everything that is set, by Replace, in the first session, and nothing in the second', async () => {
    const device = model({
      support: { phone: '+49 30 5550100', email: 'help@example.org', website: 'https://help.example.org' },
      deviceDefaults: {
        userMayDisconnect: false,
        completePage: { title: 'Done', text: 'Welcome', linkAddress: 'https://example.org', linkText: 'More' },
      },
    });
    expect(await session(device)).toEqual([
      `Replace ${PHONE} = +49 30 5550100`,
      `Replace ${PROVIDER}/HelpEmailAddress = help@example.org`,
      `Replace ${PROVIDER}/HelpWebsite = https://help.example.org`,
      `Replace ${DISCONNECT} = 0`,
      `Replace ${PROVIDER}/CustomEnrollmentCompletePage/Title = Done`,
      `Replace ${PROVIDER}/CustomEnrollmentCompletePage/BodyText = Welcome`,
      `Replace ${PROVIDER}/CustomEnrollmentCompletePage/HyperlinkHref = https://example.org`,
      `Replace ${PROVIDER}/CustomEnrollmentCompletePage/HyperlinkText = More`,
    ]);
    expect(await session(device)).toEqual([]);
    expect(device.partition.device.defaults?.['support.phone']).toMatchObject({ status: 200, sent: 1 });
  });

  test('goes beside the facts of a new device and its commands, in one message', async () => {
    const device = model({ support: { phone: '1' } }, { factsReadAt: undefined });
    device.partition.queue('Get', './DevDetail/A');
    const { commands } = await device.begin();
    expect(commands.at(-2)?.target).toBe(PHONE);
    expect(commands.at(-1)?.target).toBe('./DevDetail/A');
  });

  test('is sent again when the setting changes, that part alone', async () => {
    const device = model({ support: { phone: '1', website: 'https://help.example.org' } });
    await session(device);
    set(device, { support: { phone: '2', website: 'https://help.example.org' } });
    expect(await session(device)).toEqual([`Replace ${PHONE} = 2`]);
    expect(await session(device)).toEqual([]);
  });

  test('is taken away when the setting is emptied, once', async () => {
    const device = model({ support: { phone: '1' }, deviceDefaults: { userMayDisconnect: false } });
    await session(device);
    set(device, {});
    expect(await session(device)).toEqual([`Delete ${PHONE}`, `Delete ${DISCONNECT}`]);
    expect(device.partition.device.defaults).toEqual({});
    expect(await session(device)).toEqual([]);
  });

  test.each([405, 406, 500])('is not sent again when the PC answers %i, until the setting changes', async (code) => {
    const device = model({ support: { phone: '1' } });
    expect(await session(device, code)).toEqual([`Replace ${PHONE} = 1`]);
    expect(await session(device)).toEqual([]);
    expect(device.partition.device.defaults?.['support.phone']?.status).toBe(code);
    set(device, { support: { phone: '2' } });
    expect(await session(device)).toEqual([`Replace ${PHONE} = 2`]);
  });

  test('goes as Add in the same session where Replace finds no node, and by Replace again when it changes', async () => {
    const device = model({ support: { phone: '1' } });
    await device.begin();
    const { commands } = await device.answer(() => 404);
    expect(commands).toMatchObject([{ verb: 'Add', target: PHONE, data: '1' }]);
    expect((await device.answer()).commands).toEqual([]);
    expect(device.partition.device.defaults?.['support.phone']).toMatchObject({ status: 200 });
    set(device, { support: { phone: '2' } });
    expect(await session(device)).toEqual([`Replace ${PHONE} = 2`]);
  });

  test('is not asked for ever where neither Replace nor Add finds its place', async () => {
    const device = model({ support: { phone: '1' } });
    expect(await session(device, 404)).toEqual([`Replace ${PHONE} = 1`, `Add ${PHONE} = 1`]);
    expect(await session(device, 404)).toEqual([]);
  });

  test('that a PC refused is not taken away from it', async () => {
    const device = model({ support: { phone: '1' } });
    await session(device, 404);
    set(device, {});
    expect(await session(device)).toEqual([]);
  });

  test('is not asked to go for ever where a PC cannot delete it', async () => {
    const device = model({ support: { phone: '1' } });
    await session(device);
    set(device, {});
    expect(await session(device, 405)).toEqual([`Delete ${PHONE}`]);
    expect(await session(device)).toEqual([]);
  });

  test('counts as gone where a PC does not know it any more', async () => {
    const device = model({ support: { phone: '1' } });
    await session(device);
    set(device, {});
    await session(device, 404);
    expect(device.partition.device.defaults).toEqual({});
  });

  test('is sent in five sessions at most when no word comes', async () => {
    const device = model({ support: { phone: '1' } });
    const sent = [];
    for (let n = 0; n < 7; n += 1) sent.push((await session(device, 'silence')).length);
    expect(sent).toEqual([1, 1, 1, 1, 1, 0, 0]);
  });

  test('is sent once in a session, also while its answer is awaited', async () => {
    const device = model({ support: { phone: '1' } });
    expect((await device.begin()).commands).toHaveLength(1);
    expect((await device.next()).commands).toHaveLength(0);
  });

  test('is not given to a PC that is to leave', async () => {
    const device = model({ support: { phone: '1' } }, { state: 'unenrolled' });
    expect((await session(device)).filter((asked) => asked.includes('HelpPhone'))).toEqual([]);
  });
});

describe('the name of a PC', () => {
  const TEMPLATE = { deviceDefaults: { nameTemplate: 'LAP-%SERIAL%' } };
  const joined = (kind: string) => ({ join: { kind, readAt: '2026-01-01T00:00:00.000Z' } });

  test.each(['none', 'registered', 'joined'])('follows the template where the join is %s', async (kind) => {
    expect(await session(model(TEMPLATE, joined(kind)))).toEqual([`Replace ${COMPUTER_NAME} = LAP-%SERIAL%`]);
  });

  test.each(['domain', 'hybrid', 'unknown'])('is left alone where the join is %s', async (kind) => {
    expect(await session(model(TEMPLATE, joined(kind)))).toEqual([]);
  });

  test('waits in the first session until the join has been read', async () => {
    const device = model(TEMPLATE, { factsReadAt: undefined });
    const first = await device.begin();
    expect(first.commands.some(({ verb }) => verb === 'Replace')).toBe(false);
    const second = await device.answer(({ target }) => (/AADDeviceID|DomainName/.test(target) ? 404 : 200));
    expect(second.commands.map(({ verb, target }) => `${verb} ${target}`)).toEqual([`Replace ${COMPUTER_NAME}`]);
  });

  test('stays when the template is emptied', async () => {
    const device = model(TEMPLATE, joined('none'));
    await session(device);
    set(device, {});
    expect(await session(device)).toEqual([]);
  });

  test.each([
    ['PC-%SERIAL%', true],
    ['LAP-%RAND:6%', true],
    ['A%RAND:14%', true],
    ['ABCDEFGHIJKLMN%SERIAL%', true],
    ['ABCDEFGHIJKLMNO%SERIAL%', false],
    ['A%RAND:15%', false],
    ['%SERIAL%', false],
    ['PC-1', false],
    ['-%SERIAL%A', false],
    ['A%SERIAL%-', false],
    ['PC_%SERIAL%', false],
    ['PC %SERIAL%', false],
    ['A%SERIAL%%SERIAL%', false],
    ['A%RAND:0%', false],
    ['A%RAND%', false],
    ['A%USERNAME%', false],
    ['%serial%A', false],
  ])('may be made by the template %s: %s', (nameTemplate, good) => {
    expect(policySchema.safeParse({ deviceDefaults: { nameTemplate } }).success).toBe(good);
  });
});
