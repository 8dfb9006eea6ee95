import { describe, expect, test } from 'vitest';
import type { Command } from '../../../shared/commands/command.ts';
import { commandView } from '../../../shared/commands/command-view.ts';
import { type Asked, DeviceModel, type Reply } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const NODE = './Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B6B1F0E55%7D';
const EXEC = `${NODE}/DownloadInstall`;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

const installed = (data: string, source = EXEC) =>
  `<Alert><CmdID>91</CmdID><Data>1226</Data><Item><Source><LocURI>${source}</LocURI></Source><Meta><Type xmlns="syncml:metinf">Reversed-Domain-Name:com.microsoft.mdm.win32csp_install</Type></Meta><Data>${data}</Data></Item></Alert>`;
const targets = ({ commands }: Reply) => commands.map(({ target }) => target);

/** A PC that was told to install a package and answered the Exec. */
async function told(status = 200, target = EXEC) {
  const device = new DeviceModel(new Partition(enrolledDevice()));
  const id = device.partition.queue('Exec', target, { data: '<MsiInstallJob/>', format: 'xml' });
  await device.begin();
  await device.answer(() => status);
  const pass = (ms: number) => {
    device.now = new Date(device.now.getTime() + ms);
  };
  /** What the nodes of the package say from now on. */
  const says = (values: Record<string, string>) => {
    device.valueOf = (node) => values[node.split('/').at(-1) ?? ''] ?? '';
  };
  const command = (): Command => device.partition.command(id);
  return { device, command, pass, says };
}

describe('an installation that the device has answered', () => {
  test.each([200, 202])('%i is not done: what came of it is still to come', async (status) => {
    const { command } = await told(status);
    expect(command()).toMatchObject({ state: 'accepted', results: [{ status }] });
    const view = commandView(command(), 'd1');
    expect(view).toMatchObject({ status, meaning: expect.stringContaining('follows later') });
    expect(view.results?.[0]).not.toHaveProperty('pending');
  });

  test.each<[number, string, object]>([
    [200, '0', { state: 'done', results: [{ status: 200 }] }],
    [200, '-2147023293', { state: 'failed', results: [{ status: 500, originalError: '0x80070643' }] }],
    [202, '-2147023293', { state: 'failed', results: [{ status: 500, originalError: '0x80070643' }] }],
  ])('%i ends with its alert: %s', async (status, data, end) => {
    const { device, command } = await told(status);
    await device.begin({ body: installed(data) });
    expect(command()).toMatchObject(end);
    expect(command().results[0]?.note).toContain(String(status));
  });

  test.each(['3010', '1641', '-2147021886', '-2147023255'])(
    '%s is done: Windows Installer wants a restart',
    async (data) => {
      const { device, command } = await told();
      await device.begin({ body: installed(data) });
      expect(command()).toMatchObject({ state: 'done', results: [{ status: 200 }] });
      expect(command().results[0]?.note).toContain('restart');
    },
  );

  test('in an Atomic is not done either', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    const id = device.partition.queueItems('Atomic', [
      { verb: 'Add', target: './Device/Area/A', data: '1' },
      { verb: 'Exec', target: EXEC, data: '<MsiInstallJob/>' },
    ]);
    await device.begin();
    await device.answer();
    expect(device.partition.command(id).state).toBe('accepted');
    await device.begin({ body: installed('1603') });
    expect(device.partition.command(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('part 2') });
    expect(device.partition.command(id).reason).not.toContain('Nothing of it was kept');
  });

  test('says it once more: a Status that comes twice is not its result', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    const id = device.partition.queue('Exec', EXEC);
    const { commands } = await device.begin();
    await device.answer();
    await device.next(
      `<Status><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]!.cmdId}</CmdRef><Cmd>Exec</Cmd><Data>200</Data></Status>`,
    );
    expect(device.partition.command(id).state).toBe('accepted');
  });

  test.each(['./Device/Vendor/MSFT/Reboot/RebootNow', NODE])(
    'another Exec ends with its Status: %s',
    async (target) => {
      expect((await told(200, target)).command().state).toBe('done');
    },
  );

  test('refused ends at once', async () => {
    expect((await told(404)).command().state).toBe('notApplicable');
  });
});

describe('an installation of which no alert comes', () => {
  test('is asked about in a later session, and not at once', async () => {
    const { device, pass } = await told();
    pass(5 * MINUTE);
    expect(targets(await device.begin())).toEqual([]);
    pass(10 * MINUTE);
    expect(targets(await device.begin())).toEqual([`${NODE}/LastError`, `${NODE}/Status`]);
  });

  test.each<[string, string, object]>([
    ['70', '0', { state: 'done', results: [{ status: 200 }] }],
    ['60', '-2147023293', { state: 'failed', results: [{ status: 500, originalError: '0x80070643' }] }],
    ['30', '0x80072EE7', { state: 'failed', results: [{ status: 500, originalError: '0x80072EE7' }] }],
    ['60', '1603', { state: 'failed', results: [{ status: 500, originalError: '0x00000643' }] }],
  ])('is over with Status %s, LastError %s', async (Status, LastError, end) => {
    const { device, command, pass, says } = await told();
    says({ Status, LastError });
    pass(15 * MINUTE);
    await device.begin();
    await device.answer();
    expect(command()).toMatchObject(end);
    expect(command().results[0]?.note).toContain(`Status ${Status}`);
    expect(targets(await device.begin())).toEqual([]);
  });

  test.each([['10'], ['20'], ['25'], ['40'], ['48'], ['50'], ['55'], ['99']])(
    'goes on with Status %s, is asked once a session, and says how far it is',
    async (Status) => {
      const { device, command, pass, says } = await told();
      says({ Status, LastError: '0' });
      pass(15 * MINUTE);
      await device.begin();
      expect(targets(await device.answer())).toEqual([]);
      expect(command()).toMatchObject({ state: 'accepted', results: [{ status: 200 }] });
      expect(command().results[0]?.note).toContain(`Status ${Status}`);
      expect(command().results[0]).not.toHaveProperty('originalError');
      says({ Status: '70', LastError: '0' });
      pass(MINUTE);
      await device.begin();
      await device.answer();
      expect(command().state).toBe('done');
    },
  );

  test('is not over where the device knows nothing of it (404)', async () => {
    const { device, command, pass } = await told();
    pass(15 * MINUTE);
    await device.begin();
    await device.answer(() => 404);
    expect(command().state).toBe('accepted');
    await device.begin({ body: installed('0') });
    expect(command().state).toBe('done');
  });

  test('is unknown when it is not over after a week, with how far it was', async () => {
    const { device, command, pass, says } = await told();
    says({ Status: '48', LastError: '0' });
    pass(8 * DAY);
    // A PC that was off so long is asked before it is given up.
    await device.begin();
    expect(command().state).toBe('accepted');
    await device.answer();
    expect(command()).toMatchObject({ state: 'unknown', reason: expect.stringContaining('7 days') });
    expect(command().results[0]?.note).toContain('Status 48');
  });

  test('is done when that is what it says after a week', async () => {
    const { device, command, pass, says } = await told();
    says({ Status: '70', LastError: '0' });
    pass(8 * DAY);
    await device.begin();
    await device.answer();
    expect(command().state).toBe('done');
  });

  test('is unknown when nothing is said to the question either', async () => {
    const { device, command, pass } = await told();
    pass(8 * DAY);
    await device.begin();
    await device.begin();
    expect(command().state).toBe('unknown');
  });

  test('is asked about before an Unenroll that goes behind the queue, and in the part of the user only while he is there', async () => {
    const { device, command, pass } = await told(200, EXEC.replace('Device', 'User'));
    pass(15 * MINUTE);
    expect(targets(await device.begin({ login: 'none' }))).toEqual([]);
    expect(command().state).toBe('accepted');
    const asked = targets(await device.begin());
    expect(asked).toEqual(['LastError', 'Status'].map((leaf) => `${NODE.replace('Device', 'User')}/${leaf}`));
    const other = await told();
    other.device.partition.setDevice({
      state: 'unenrolling',
      unenroll: {
        state: 'waiting',
        since: '2026-01-01T00:00:00.000Z',
        reason: '',
        requestedAt: '2026-01-01T00:00:00.000Z',
        requestedBy: 'kim',
        deliveries: 0,
        refusals: 0,
        after: 'queue',
      },
    });
    other.pass(15 * MINUTE);
    expect(targets(await other.device.begin())).toEqual([`${NODE}/LastError`, `${NODE}/Status`]);
  });

  test('a hundred of them fit into what one message may write', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    const ids = Array.from({ length: 100 }, (_, n) => device.partition.queue('Exec', EXEC.replace('6B1F', `${n}A`)));
    const answerAll = async (codes?: (asked: Asked) => number) => {
      let reply = await device.begin({ pages: 20 });
      while (reply.commands.length > 0) reply = await device.answer(codes, { pages: 20 });
    };
    await answerAll();
    device.valueOf = (node) => (node.endsWith('/Status') ? '70' : '0');
    for (let session = 0; session < 5; session += 1) {
      device.now = new Date(device.now.getTime() + 15 * MINUTE);
      await answerAll();
    }
    expect(ids.filter((id) => device.partition.command(id).state !== 'done')).toEqual([]);
  });
});
