import { describe, expect, test } from 'vitest';
import { MAX_RECEIVED } from '../../../shared/management/large-object.ts';
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

  test('is given up when it is longer than a session row can hold, whatever it is made of', async () => {
    const { device, status, piece, command } = await asked();
    await device.next(status(0) + status(1) + piece(0, '"'.repeat(MAX_RECEIVED / 2), MORE), { final: false });
    await device.next(piece(0, 'end') + piece(1, 'bbb'));
    expect(command(0)).toMatchObject({ state: 'failed' });
    expect(command(1)).toMatchObject({ state: 'done' });
  });

  test('goes on only for the one that was begun last, so that many of them cannot fill the row', async () => {
    const { device, status, piece, command } = await asked();
    await device.next(status(0) + status(1) + piece(0, 'aaaa', MORE) + piece(1, 'bbbb', MORE), { final: false });
    await device.next(piece(1, 'cccc'));
    expect(command(0)).toMatchObject({ state: 'failed' });
    expect(command(1)).toMatchObject({ state: 'done', results: [{ data: 'bbbbcccc' }] });
  });
});
