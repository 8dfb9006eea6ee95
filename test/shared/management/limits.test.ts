import { describe, expect, test } from 'vitest';
import { requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { DeviceModel, type Reply } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

/** The partition refuses what the real table refuses: over 100 changes, 1 MiB a row, 4 MiB a transaction. */
function model(change = {}) {
  return new DeviceModel(new Partition(enrolledDevice(change)));
}

const LOGIN =
  '<Alert><CmdID>90</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert>';

function statuses({ msgId, commands }: Reply, code = 404): string {
  return commands
    .map(
      ({ cmdId, verb }) =>
        `<Status><CmdID>${msgId}${cmdId}</CmdID><MsgRef>${msgId}</MsgRef><CmdRef>${cmdId}</CmdRef><Cmd>${verb}</Cmd><Data>${code}</Data></Status>`,
    )
    .join('');
}

function states(device: DeviceModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of device.partition.commands()) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function queue(device: DeviceModel, count: number, verb: 'Exec' | 'Get' | 'Replace', target: string, data?: string) {
  return Array.from({ length: count }, (_, index) => device.partition.queue(verb, `${target}/N${index}`, { data }));
}

describe('a device that does not answer what it is asked', () => {
  test('is asked nothing more than one reply carries until the next session', async () => {
    const device = model();
    queue(device, 60, 'Exec', './Device/Node');
    expect((await device.begin()).commands).toHaveLength(25);
    expect((await device.next()).commands).toEqual([]);
    await device.begin();
    expect(states(device)).toEqual({ unknown: 25, sent: 25, waiting: 10 });
  });

  test('and says everything at last in one message is understood', async () => {
    const device = model();
    queue(device, 60, 'Get', './DevDetail');
    const first = await device.begin();
    await device.next();
    const next = await device.next(statuses(first));
    expect(states(device)).toEqual({ notApplicable: 25, sent: 25, waiting: 10 });
    expect(next.commands).toHaveLength(25);
  });

  test('keeps its place for the one command that it left open', async () => {
    const device = model();
    const ids = queue(device, 30, 'Get', './DevDetail');
    await device.begin();
    expect((await device.answer((asked) => (asked.target.endsWith('/N3') ? undefined : 404))).commands).toHaveLength(5);
    expect(device.partition.command(ids[3]!).state).toBe('sent');
  });
});

describe('large commands', () => {
  const LARGE = 'x'.repeat(120_000);

  test('for a user who is not there do not keep the device from being answered', async () => {
    const device = model();
    queue(device, 50, 'Replace', './User/Node', LARGE);
    const id = device.partition.queue('Get', './DevDetail/SwV');
    await device.begin({ login: 'none' });
    await device.answer();
    expect(device.partition.command(id).state).toBe('done');
  });

  test('that an Unenroll leaves behind do not keep it from being sent', async () => {
    const device = model();
    queue(device, 50, 'Replace', './Device/Node', LARGE);
    const acceptRisk = { person: 'kim', reason: 'scrapped' };
    device.partition.setDevice(requestUnenroll(device.partition.device, { by: 'kim', acceptRisk }, device.now));
    await device.begin();
    expect((await device.answer(() => 404)).commands.map(({ target }) => target)).toEqual([
      './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll',
    ]);
    expect(states(device)['cancelled']).toBeGreaterThan(0);
  });

  test('whose text doubles in storage all arrive, and their answers are kept', async () => {
    const device = model();
    queue(device, 30, 'Replace', './Device/Node', '\\'.repeat(120_000));
    await device.begin();
    while (device.lastAsked.length > 0) await device.answer();
    expect(states(device)).toEqual({ done: 30 });
  });
});

describe('commands beyond the first page', () => {
  test('are answered to even when those of the first page have their turn meanwhile', async () => {
    const device = model();
    queue(device, 58, 'Replace', './User/Node', '1');
    const behind = device.partition.queue('Get', './DevDetail/SwV');
    expect((await device.begin({ login: 'none', pages: 20 })).commands).toHaveLength(1);
    const reply = await device.answer(() => 200, { pages: 20, more: LOGIN });
    expect(device.partition.command(behind).state).toBe('done');
    expect(reply.commands).toHaveLength(25);
  });

  test('that an earlier session left unanswered are sent again as soon as they are read', async () => {
    const device = model();
    queue(device, 60, 'Replace', './User/Node', '1');
    const behind = device.partition.queue('Get', './DevDetail/SwV');
    await device.begin({ login: 'none', pages: 20 });
    await device.begin({ login: 'user', pages: 20 });
    while (device.lastAsked.length > 0) await device.answer();
    expect(device.partition.command(behind)).toMatchObject({ state: 'done', deliveries: 2 });
  });

  test('go out to a device whose Unenroll has failed and waits for a person', async () => {
    const device = model();
    const { partition } = device;
    partition.setDevice(requestUnenroll(partition.device, { by: 'kim' }, device.now));
    partition.setDevice({ unenroll: { ...partition.device.unenroll!, state: 'failed' } });
    queue(device, 70, 'Replace', './User/Node', '1');
    partition.queue('Get', './DevDetail/SwV');
    expect((await device.begin({ login: 'none', pages: 20 })).commands).toHaveLength(1);
  });

  test('are not asked for when the device owes an answer, or is to leave', async () => {
    const device = model();
    queue(device, 100, 'Exec', './Device/Node');
    await device.begin();
    expect((await device.next()).outcome.starved).toBe(false);
    device.partition.setDevice({ state: 'unenrolled' });
    await device.begin();
    expect((await device.answer(() => 200)).outcome.starved).toBe(false);
  });
});

describe('a device that says too much', () => {
  test.each([
    ['25 values that double in storage', (text: string) => `<Item><Data>${text}</Data></Item>`, '"a"\n'.repeat(3_900)],
    [
      'values with a format that is none',
      (text: string) => `<Item><Meta><Format>${text}</Format></Meta><Data>1</Data></Item>`,
      'f'.repeat(60_000),
    ],
  ])('is understood all the same: %s', async (_, item, text) => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    const row = device.partition.rows.get(`3command|${id}`)!;
    row.value = { ...row.value, items: Array.from({ length: 25 }, (_, n) => ({ target: `./DevDetail/A${n}` })) };
    const asked = await device.begin();
    const results = asked.commands.map(
      ({ cmdId }) =>
        `<Results><CmdID>9${cmdId}</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef>${item(text)}</Results>`,
    );
    await device.next(statuses(asked, 200) + results.join(''));
    expect(device.partition.command(id)).toMatchObject({ state: 'done' });
  });

  test('with an HRESULT that is none is cut short', async () => {
    const device = model();
    const ids = queue(device, 25, 'Get', './DevDetail');
    const { commands } = await device.begin();
    const error = `<Data originalerror="${'0'.repeat(60_000)}">500</Data>`;
    const answers = commands.map(
      ({ cmdId }) =>
        `<Status><CmdID>9${cmdId}</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Cmd>Get</Cmd>${error}</Status>`,
    );
    await device.next(answers.join(''));
    expect(device.partition.command(ids[0]!)).toMatchObject({ state: 'failed', results: [{ status: 500 }] });
    expect(device.partition.command(ids[0]!).results[0]?.originalError?.length).toBeLessThan(100);
  });

  test('of accepted commands all at once is understood, and what does not fit is taken with the next message', async () => {
    const device = model();
    queue(device, 100, 'Exec', './Device/Node');
    const asked = [await device.begin({ pages: 20 })];
    asked.push(await device.answer(() => 202, { pages: 20 }));
    asked.push(await device.answer(() => 202, { pages: 20 }));
    await device.next(asked.map((reply) => statuses(reply, 200)).join(''), { pages: 20 });
    while (device.lastAsked.length > 0) await device.answer(() => 200, { pages: 20 });
    expect(states(device)).toEqual({ done: 100 });
  });

  test('of accepted commands in alerts is understood as far as there is room', async () => {
    const device = model();
    const ids = queue(device, 75, 'Exec', './Device/Node');
    let reply = await device.begin({ pages: 20 });
    while (reply.commands.length > 0) reply = await device.answer(() => 202, { pages: 20 });
    const installed = ids.map(
      (_, n) =>
        `<Alert><CmdID>${n + 10}</CmdID><Data>1226</Data><Item><Source><LocURI>./Device/Node/N${n}</LocURI></Source><Meta><Type xmlns="syncml:metinf">Reversed-Domain-Name:com.microsoft.mdm.win32csp_install</Type></Meta><Data>0</Data></Item></Alert>`,
    );
    await device.begin({ body: installed.join(''), pages: 20 });
    expect(device.partition.command(ids[0]!).state).toBe('done');
    expect(states(device)['done']).toBeGreaterThan(20);
    expect(states(device)['accepted']).toBeGreaterThan(0);
  });

  test('of what it was told to set keeps no values of that', async () => {
    const device = model();
    const items = Array.from({ length: 25 }, (_, n) => ({ target: `./Device/A${n}`, data: 'x'.repeat(8_000) }));
    const id = device.partition.queueItems('Replace', items);
    const reply = await device.begin();
    const values = reply.commands.map(
      ({ cmdId }) =>
        `<Results><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Data>${'x'.repeat(16_000)}</Data></Item></Results>`,
    );
    await device.next(statuses(reply, 200) + values.join(''));
    const { state, results } = device.partition.command(id);
    expect([state, results[24]]).toEqual(['done', { target: './Device/A24', status: 200 }]);
  });

  test('of its programs in one message of several is cut, and does not fill the row of its session', async () => {
    const device = model();
    device.now = new Date('2026-01-02T00:00:00.000Z');
    device.inventoryDays = 7;
    const PROGRAMS = './Vendor/MSFT/Win32AppInventory/Win32InstalledProgram';
    let reply = await device.begin();
    while (!reply.commands[0]?.target.startsWith(PROGRAMS)) reply = await device.answer(() => 404);
    const { cmdId } = reply.commands[0];
    const items = Array.from({ length: 501 }, (_, n) =>
      ['Name', 'Publisher', 'Version', 'MsiProductCode']
        .map(
          (field) =>
            `<Item><Source><LocURI>${PROGRAMS}/${String(n).padStart(200, 'x')}/${field}</LocURI></Source><Data>${'"'.repeat(200)}</Data></Item>`,
        )
        .join(''),
    );
    const results = `<Results><CmdID>8</CmdID><MsgRef>${reply.msgId}</MsgRef><CmdRef>${cmdId}</CmdRef>${items.join('')}</Results>`;
    await device.next(statuses(reply, 200) + results, { final: false });
    await device.next();
    expect(device.partition.device.inventory?.entries['programs']).toMatchObject({
      status: 200,
      count: 500,
      cut: true,
    });
  });

  test('in thousands of alerts gets a reply of the usual size, and its commands with it', async () => {
    const device = model();
    device.partition.queue('Replace', './Device/Node', { data: 'x'.repeat(100_000) });
    const alerts = Array.from({ length: 9_000 }, (_, n) => `<Alert><CmdID>${n + 10}</CmdID><Data>1</Data></Alert>`);
    const reply = await device.begin({ body: alerts.join('') });
    expect(reply.outcome.reply.length).toBeLessThan(256 * 1024);
    expect(reply.commands).toHaveLength(1);
  });
});
