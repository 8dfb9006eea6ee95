import { describe, expect, test } from 'vitest';
import { DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

function model(change = {}) {
  return new DeviceModel(new Partition(enrolledDevice(change)));
}

const NODE = './Device/Vendor/MSFT/Policy/Config/Area/Name';

describe('an OMA-DM session', () => {
  test('is acknowledged in order: the header first, then each alert and the Replace, and ends with Final', async () => {
    const reply = await model().begin();
    expect(reply.statuses).toEqual([
      { cmdRef: '0', cmd: 'SyncHdr', code: '200' },
      { cmdRef: '2', cmd: 'Alert', code: '200' },
      { cmdRef: '3', cmd: 'Alert', code: '200' },
      { cmdRef: '4', cmd: 'Replace', code: '200' },
    ]);
    expect(reply.commands).toEqual([]);
    expect(reply.final).toBe(true);
  });

  test('reads the facts of a new device one Get each, and keeps what was answered', async () => {
    const device = model({ factsReadAt: undefined });
    const asked = await device.begin();
    expect(asked.commands.every((command) => command.verb === 'Get')).toBe(true);
    expect(asked.commands.map((command) => command.target)).toContain(
      './Vendor/MSFT/DMClient/Provider/Lanyard/AADDeviceID',
    );
    await device.answer((a) => (a.target.endsWith('AADDeviceID') || a.target.endsWith('DomainName') ? 404 : 200));
    const { facts, join, name, factsReadAt, devInfo } = device.partition.device;
    expect(facts['osVersion']).toEqual({ status: 200, value: 'value of ./DevDetail/SwV' });
    expect(facts['entraDeviceId']).toEqual({ status: 404 });
    expect(join?.kind).toBe('none');
    expect(name).toBe('value of ./DevDetail/Ext/Microsoft/DNSComputerName');
    expect(devInfo).toEqual({ DevId: 'D1' });
    expect(factsReadAt).toBe('2026-01-01T08:00:00.000Z');
    expect((await device.begin()).commands).toEqual([]);
  });

  test('sends waiting commands in order and records the status and the value of each', async () => {
    const device = model();
    const ids = ['A', 'B', 'C'].map((name) => device.partition.queue('Get', `./DevDetail/${name}`));
    const sent = await device.begin();
    expect(sent.commands.map((command) => command.target)).toEqual(['./DevDetail/A', './DevDetail/B', './DevDetail/C']);
    const end = await device.answer((asked) => (asked.target.endsWith('B') ? 404 : 200));
    expect(end.commands).toEqual([]);
    expect(ids.map((id) => device.partition.command(id).state)).toEqual(['done', 'notApplicable', 'done']);
    expect(device.partition.command(ids[0]!).results).toEqual([
      { target: './DevDetail/A', status: 200, data: 'value of ./DevDetail/A' },
    ]);
  });

  test('sends what was queued while it is open in its next message', async () => {
    const device = model();
    device.partition.queue('Get', './DevDetail/A');
    await device.begin();
    const late = device.partition.queue('Get', './DevDetail/B');
    const next = await device.answer();
    expect(next.commands.map((command) => command.target)).toEqual(['./DevDetail/B']);
    await device.answer();
    expect(device.partition.command(late).state).toBe('done');
  });

  test('carries at most 25 commands a message and all of 60 in one session', async () => {
    const device = model();
    for (let index = 0; index < 60; index += 1) device.partition.queue('Get', `./DevDetail/N${index}`);
    const sizes: number[] = [];
    let reply = await device.begin();
    while (reply.commands.length > 0) {
      sizes.push(reply.commands.length);
      reply = await device.answer();
    }
    expect(sizes).toEqual([25, 25, 10]);
    expect(device.partition.commands().every((command) => command.state === 'done')).toBe(true);
  });

  test('keeps a reply below 256 KiB and the order of what did not fit', async () => {
    const device = model();
    for (let index = 0; index < 5; index += 1)
      device.partition.queue('Replace', `${NODE}${index}`, { data: 'x'.repeat(100_000) });
    const first = await device.begin();
    expect(first.commands).toHaveLength(2);
    expect(first.outcome.reply.length).toBeLessThan(256 * 1024);
    const second = await device.answer();
    expect(second.commands.map((command) => command.target)).toEqual([`${NODE}2`, `${NODE}3`]);
  });

  test('gives several items of a command each a CmdID and a status of its own', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    const row = device.partition.rows.get(`3command|${id}`)!;
    row.value = { ...row.value, items: [{ target: './DevDetail/A' }, { target: './DevDetail/B' }] };
    const sent = await device.begin();
    expect(new Set(sent.commands.map((command) => command.cmdId)).size).toBe(2);
    await device.answer((asked) => (asked.target.endsWith('B') ? 500 : 200));
    expect(device.partition.command(id).state).toBe('failed');
    expect(device.partition.command(id).results.map((result) => result?.status)).toEqual([200, 500]);
  });

  test('takes SessionID as an opaque text and begins afresh with every MsgID 1', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    await device.begin({ sessionId: 'zz%' });
    const again = await device.begin({ sessionId: 'zz%', login: 'others' });
    expect(again.commands).toHaveLength(1);
    await device.answer();
    expect(device.partition.command(id).deliveries).toBe(2);
    expect(device.partition.command(id).state).toBe('done');
  });

  test('answers a message without Final with alert 1222, nothing new and no Final', async () => {
    const device = model();
    device.partition.queue('Get', './DevDetail/A');
    device.sessionId = '5';
    device.msgId = 1;
    const reply = await device.send('<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>', { final: false });
    expect(reply.alerts).toEqual(['1222']);
    expect(reply.commands).toEqual([]);
    expect(reply.final).toBe(false);
    expect((await device.next()).commands).toHaveLength(1);
  });

  test('ends at once when the device aborts it, and sends the commands again in the next one', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    await device.begin();
    const reply = await device.next('<Alert><CmdID>9</CmdID><Data>1223</Data></Alert>');
    expect(reply.commands).toEqual([]);
    expect(device.partition.command(id).state).toBe('sent');
    expect((await device.begin()).commands).toHaveLength(1);
  });

  test('answers commands that a server does not serve with 406', async () => {
    const reply = await model().begin({ body: '<Get><CmdID>7</CmdID><Item/></Get><Copy><CmdID>8</CmdID></Copy>' });
    expect(reply.statuses.filter((status) => ['7', '8'].includes(status.cmdRef)).map((status) => status.code)).toEqual([
      '406',
      '406',
    ]);
  });

  test('leaves everything as it was for a Status of a command that was never sent', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    await device.begin();
    const bogus =
      '<Status><CmdID>5</CmdID><MsgRef>1</MsgRef><CmdRef>99</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>';
    await device.next(bogus);
    expect(device.partition.command(id)).toMatchObject({ state: 'sent', results: [] });
  });
});

describe('a message that comes again', () => {
  test('gets the same reply, byte for byte, and changes nothing', async () => {
    const device = model();
    device.partition.queue('Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
    const first = await device.begin();
    const before = new Map(device.partition.rows);
    const again = await device.sendBytes(first.bytes);
    expect(again.outcome.reply.equals(first.outcome.reply)).toBe(true);
    expect(again.outcome.changes).toEqual([]);
    expect(new Map(device.partition.rows)).toEqual(before);
  });

  test.each([
    ['after 15 minutes', { minutes: 16 }],
    ['from another credential', { credential: 'c'.repeat(64) }],
  ])('begins a new session %s', async (_, { minutes = 0, credential }: { minutes?: number; credential?: string }) => {
    const device = model();
    const id = device.partition.queue('Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
    const first = await device.begin();
    device.now = new Date(device.now.getTime() + minutes * 60_000);
    const again = await device.sendBytes(first.bytes, { credential });
    expect(again.commands).toEqual([]);
    expect(device.partition.command(id).state).toBe('unknown');
  });

  test('with the same MsgID and other bytes inside a session gets statuses and no command again', async () => {
    const device = model();
    device.partition.queue('Get', './DevDetail/A');
    await device.begin();
    device.partition.queue('Get', './DevDetail/B');
    await device.next();
    device.msgId -= 1;
    const before = new Map(device.partition.rows);
    const other = await device.next('<!-- other bytes -->');
    expect(other.commands).toEqual([]);
    expect(other.statuses[0]).toMatchObject({ cmd: 'SyncHdr', code: '200' });
    expect(new Map(device.partition.rows)).toEqual(before);
  });

  test('from a session that is not the stored one gets statuses and no command', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    await device.begin();
    device.sessionId = 'other';
    const stray = await device.answer();
    expect(stray.commands).toEqual([]);
    expect(device.partition.command(id).state).toBe('sent');
  });
});

describe('a command whose delivery was not answered', () => {
  test('is sent again when it may be repeated', async () => {
    const device = model();
    const id = device.partition.queue('Replace', NODE, { data: '1', format: 'int' });
    await device.begin();
    expect((await device.begin()).commands).toHaveLength(1);
    await device.answer();
    expect(device.partition.command(id)).toMatchObject({ state: 'done', deliveries: 2 });
  });

  test('is unknown when it may not: an Exec is sent once', async () => {
    const device = model();
    const id = device.partition.queue('Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
    await device.begin();
    expect((await device.begin()).commands).toEqual([]);
    expect(device.partition.command(id)).toMatchObject({ state: 'unknown', deliveries: 1 });
  });

  test('is set aside after six deliveries, and those behind it go on', async () => {
    const device = model();
    const poison = device.partition.queue('Replace', NODE, { data: '1' });
    const behind = device.partition.queue('Get', './DevDetail/A');
    for (let attempt = 0; attempt < 7; attempt += 1) {
      await device.begin();
      if (device.lastAsked.length > 0) await device.answer((asked) => (asked.verb === 'Get' ? 200 : undefined));
    }
    expect(device.partition.command(poison)).toMatchObject({ state: 'rejected', deliveries: 6 });
    expect(device.partition.command(behind).state).toBe('done');
  });
});

describe('an answer', () => {
  test.each([
    ['Replace', 200, 'done'],
    ['Replace', 404, 'notApplicable'],
    ['Replace', 406, 'notApplicable'],
    ['Replace', 405, 'failed'],
    ['Replace', 500, 'failed'],
    ['Replace', 215, 'failed'],
    ['Exec', 202, 'accepted'],
  ] as const)('to %s with status %i makes it %s', async (verb, code, state) => {
    const device = model();
    const id = device.partition.queue(verb, NODE, verb === 'Exec' ? {} : { data: '1' });
    await device.begin();
    await device.answer(() => code);
    expect(device.partition.command(id).state).toBe(state);
    expect(device.partition.command(id).results[0]?.status).toBe(code);
  });

  test('of 418 to an Add that was sent before counts as delivered', async () => {
    const device = model();
    const id = device.partition.queue('Add', NODE, { data: '1' });
    await device.begin();
    await device.begin();
    await device.answer(() => 418);
    expect(device.partition.command(id).state).toBe('done');
  });

  test('to a Get without a value is a failure, not an empty value', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    const { commands } = await device.begin();
    await device.next(
      `<Status><CmdID>5</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]?.cmdId}</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>`,
    );
    expect(device.partition.command(id).state).toBe('failed');
  });

  test('over 16 KiB goes to a blob, and the row names it', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    const { commands } = await device.begin();
    const status = `<Status><CmdID>5</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]?.cmdId}</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>`;
    const results = `<Results><CmdID>6</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]?.cmdId}</CmdRef><Item><Data>${'y'.repeat(20_000)}</Data></Item></Results>`;
    const { outcome } = await device.next(status + results);
    const blob = `${device.partition.device.id}/${id}/0`;
    expect(outcome.blobs).toEqual([{ name: blob, data: Buffer.from('y'.repeat(20_000)) }]);
    const head = 'y'.repeat(200);
    const kept = { target: './DevDetail/A', status: 200, blob, size: 20_000, head };
    expect(device.partition.command(id).results[0]).toEqual(kept);
  });

  test('that comes twice is recorded once', async () => {
    const device = model();
    const id = device.partition.queue('Get', './DevDetail/A');
    const { commands } = await device.begin();
    const answerWith = (value: string) =>
      `<Status><CmdID>5</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]?.cmdId}</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status><Results><CmdID>6</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]?.cmdId}</CmdRef><Item><Data>${value}</Data></Item></Results>`;
    await device.next(answerWith('first'));
    await device.next(answerWith('second'));
    expect(device.partition.command(id).results).toEqual([{ target: './DevDetail/A', status: 200, data: 'first' }]);
  });
});

describe('a command for the signed-in user', () => {
  const USER_NODE = './User/Vendor/MSFT/Policy/Config/Area/Name';

  test.each(['others', 'none'])(
    'waits while the device reports %s, and the commands behind it go on',
    async (login) => {
      const device = model();
      const user = device.partition.queue('Replace', USER_NODE, { data: '1' });
      device.partition.queue('Get', './DevDetail/A');
      const reply = await device.begin({ login });
      expect(reply.commands.map((command) => command.target)).toEqual(['./DevDetail/A']);
      expect(device.partition.command(user)).toMatchObject({ state: 'waiting', waitingFor: 'userSignIn' });
    },
  );

  test('is sent when that user is there', async () => {
    const device = model();
    const user = device.partition.queue('Replace', USER_NODE, { data: '1' });
    await device.begin({ login: 'none' });
    expect((await device.begin({ login: 'user' })).commands).toHaveLength(1);
    await device.answer();
    expect(device.partition.command(user)).toMatchObject({ state: 'done' });
    expect(device.partition.command(user).waitingFor).toBeUndefined();
  });

  test('does not hide the commands behind a whole page of its kind', async () => {
    const device = model();
    for (let index = 0; index < 70; index += 1) device.partition.queue('Replace', USER_NODE, { data: '1' });
    const reply = await device.begin({ login: 'none' });
    expect(reply.commands).toEqual([]);
    expect(reply.outcome.starved).toBe(true);
  });
});
