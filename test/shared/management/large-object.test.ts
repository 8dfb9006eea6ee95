import { describe, expect, test } from 'vitest';
import { MAX_RESULT_BYTES, PART_CHARACTERS } from '../../../shared/commands/large-results.ts';
import { DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

/** A PC that was asked for two values, and what it sends of them. */
async function asked() {
  const device = new DeviceModel(new Partition(enrolledDevice()));
  const ids = ['A', 'B'].map((name) => device.partition.queue('Get', `./DevDetail/${name}`));
  const { commands } = await device.begin();
  const msgRef = device.msgId;
  const status = (n: number) =>
    `<Status><CmdID>${20 + n}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${commands[n]!.cmdId}</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>`;
  const piece = (n: number, data: string, end = '', meta = '') =>
    `<Results><CmdID>${30 + n}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${commands[n]!.cmdId}</CmdRef><Item><Source><LocURI>${commands[n]!.target}</LocURI></Source>${meta}<Data>${data}</Data>${end}</Item></Results>`;
  const command = (n: number) => device.partition.command(ids[n]!);
  return { device, status, piece, command };
}

const MORE = '<MoreData/>';
const META = '<Meta><Format xmlns="syncml:metinf">xml</Format><Size xmlns="syncml:metinf">12</Size></Meta>';

describe('a value that comes in pieces', () => {
  test('is asked on for by alert 1222 and kept whole, with the format of its first piece', async () => {
    const { device, status, piece, command } = await asked();
    const first = await device.next(status(0) + status(1) + piece(1, 'bbb') + piece(0, 'abcd', MORE, META), {
      final: false,
    });
    expect(first).toMatchObject({ alerts: ['1222'], commands: [], final: false });
    expect(command(0).state).toBe('sent');
    await device.next(piece(0, 'efgh', MORE), { final: false });
    const last = await device.next(piece(0, 'ijkl'));
    expect(last).toMatchObject({ alerts: [], final: true });
    expect(command(0)).toMatchObject({
      state: 'done',
      results: [{ data: 'abcdefghijkl', format: 'xml', status: 200 }],
    });
    expect(command(1)).toMatchObject({ state: 'done', results: [{ data: 'bbb' }] });
  });

  test('is never taken for whole when the rest does not come', async () => {
    const { device, status, piece, command } = await asked();
    await device.next(status(0) + status(1) + piece(1, 'bbb') + piece(0, 'abcd', MORE), { final: false });
    await device.next();
    expect(command(0)).toMatchObject({ state: 'failed', results: [{ status: 200 }] });
    expect(command(0).results[0]).not.toHaveProperty('data');
  });

  test('is asked for again when the device begins another session in its middle', async () => {
    const { device, status, piece } = await asked();
    await device.next(status(0) + piece(0, 'abcd', MORE), { final: false });
    expect((await device.begin()).commands.map(({ target }) => target)).toEqual(['./DevDetail/A', './DevDetail/B']);
  });

  test('goes to blobs as soon as the session row would grow with it, and the row of the command names them', async () => {
    const { device, status, piece, command } = await asked();
    const part = 'x'.repeat(PART_CHARACTERS / 2);
    const written = new Map<string, string>();
    const note = ({ outcome }: { outcome: { blobs: { name: string; data: Buffer }[] } }) => {
      for (const { name, data } of outcome.blobs) written.set(name, data.toString());
    };
    note(await device.next(status(0) + status(1) + piece(0, `begin${part}`, MORE, META), { final: false }));
    expect(written.size).toBe(0);
    for (let n = 0; n < 5; n += 1) note(await device.next(piece(0, part, MORE), { final: false }));
    expect(JSON.stringify(device.partition.rows.get('1session')).length).toBeLessThan(2 * PART_CHARACTERS);
    note(await device.next(piece(0, 'end')));
    const { blob, parts, size, head, format } = command(0).results[0]!;
    expect(command(0).state).toBe('done');
    expect([...written.keys()]).toEqual(Array.from({ length: parts! }, (_, n) => `${blob}.${n}`));
    expect([...written.values()].join('')).toBe(`begin${part.repeat(6)}end`);
    expect([size, format, head?.slice(0, 6)]).toEqual([part.length * 6 + 8, 'xml', 'beginx']);
  });

  test('is given up when it is longer than is kept, its pieces are given up, and the answer says why there is none', async () => {
    const { device, status, piece, command } = await asked();
    const megabyte = 'x'.repeat(1024 * 1024);
    await device.next(status(0) + status(1) + piece(0, megabyte, MORE), { final: false });
    const written: string[] = [];
    for (let n = 1; n * megabyte.length < MAX_RESULT_BYTES; n += 1) {
      const { outcome } = await device.next(piece(0, megabyte, MORE), { final: false });
      written.push(...outcome.blobs.map(({ name }) => name));
    }
    const { outcome } = await device.next(piece(0, 'one more', MORE), { final: false });
    expect(outcome.obsolete.length).toBe(written.length + 1);
    expect(outcome.obsolete).toEqual(expect.arrayContaining(written));
    await device.next(piece(0, 'end') + piece(1, 'bbb'));
    expect(command(0)).toMatchObject({ state: 'failed', results: [{ note: expect.stringContaining('5 MiB') }] });
    expect(command(1)).toMatchObject({ state: 'done' });
  });

  test('that another session interrupts leaves no piece behind, and the next delivery has names of its own', async () => {
    const { device, status, piece } = await asked();
    const large = 'x'.repeat(2 * PART_CHARACTERS);
    const { outcome } = await device.next(status(0) + piece(0, large, MORE), { final: false });
    const [first] = outcome.blobs;
    const again = await device.begin();
    expect(again.outcome.obsolete).toEqual([first!.name]);
    const [get] = again.commands;
    const body = `<Results><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${get!.cmdId}</CmdRef><Item><Data>${large}</Data><MoreData/></Item></Results>`;
    const second = (await device.next(body, { final: false })).outcome.blobs[0];
    expect(second!.name).not.toBe(first!.name);
  });

  test('is held of a fact no longer than facts are', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice({ factsReadAt: undefined })));
    const { commands } = await device.begin();
    const body = (end: string) =>
      `<Results><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]!.cmdId}</CmdRef><Item><Data>${'v'.repeat(1024 * 1024)}</Data>${end}</Item></Results>`;
    const { outcome } = await device.next(body(MORE), { final: false });
    expect(outcome.blobs).toEqual([]);
    await device.next(body(''));
    expect(device.partition.device.facts['osVersion']).toEqual({ status: 200, value: 'v'.repeat(500) });
  });

  test('goes on only for the one that was begun last, so that many of them cannot fill the row', async () => {
    const { device, status, piece, command } = await asked();
    await device.next(status(0) + status(1) + piece(0, 'aaaa', MORE) + piece(1, 'bbbb', MORE), { final: false });
    await device.next(piece(1, 'cccc'));
    expect(command(0)).toMatchObject({ state: 'failed' });
    expect(command(1)).toMatchObject({ state: 'done', results: [{ data: 'bbbbcccc' }] });
  });
});
