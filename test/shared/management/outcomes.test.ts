import { describe, expect, test } from 'vitest';
import type { CommandItem, Verb } from '../../../shared/commands/command.ts';
import { commandView } from '../../../shared/commands/command-view.ts';
import { KNOWN_STATUSES } from '../../../shared/commands/status-meaning.ts';
import { type Asked, DeviceModel, type Reply } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

function model(change = {}) {
  return new DeviceModel(new Partition(enrolledDevice(change)));
}

const NODE = './Device/Vendor/MSFT/Policy/Config/Area/Name';
const ABORT = '<Alert><CmdID>92</CmdID><Data>1223</Data></Alert>';
const targets = ({ commands }: Reply) => commands.map(({ target }) => target);

function part(verb: Verb, name: string, data?: string): CommandItem {
  return { verb, target: `./Device/Area/${name}`, ...(data === undefined ? {} : { data }) };
}

/** Answers the parts of an Atomic by the last name of their nodes, and the Atomic itself by `outer`. */
const say = (outer: number | undefined, parts: Record<string, number>) => (asked: Asked) =>
  asked.verb === 'Atomic' ? outer : parts[asked.target.split('/').at(-1) ?? ''];

describe('an Atomic', () => {
  const parts = [part('Replace', 'A', '1'), part('Add', 'B', '2'), part('Delete', 'C')];

  async function sent(items = parts) {
    const device = model();
    const id = device.partition.queueItems('Atomic', items);
    return { device, id, reply: await device.begin(), command: () => device.partition.command(id) };
  }

  test('goes as one element, in which each part has a CmdID of its own', async () => {
    const { reply } = await sent();
    expect(reply.elements.filter((name) => name === 'Atomic')).toHaveLength(1);
    expect(reply.commands.map(({ verb }) => verb)).toEqual(['Atomic', 'Replace', 'Add', 'Delete']);
    expect(new Set(reply.commands.map(({ cmdId }) => cmdId)).size).toBe(4);
  });

  test.each<[string, number | undefined, Record<string, number>, object]>([
    ['all done', 200, { A: 200, B: 200, C: 200 }, { state: 'done', atomicStatus: 200 }],
    ['no word of the whole', undefined, { A: 200, B: 200, C: 200 }, { state: 'done' }],
    ['a node that is missing', 507, { A: 216, B: 215, C: 404 }, { state: 'notApplicable' }],
    [
      'a part that fails',
      507,
      { A: 216, B: 500, C: 215 },
      { state: 'failed', reason: expect.stringContaining('part 2') },
    ],
    [
      'what was not taken back',
      507,
      { A: 516, B: 500, C: 215 },
      { reason: expect.stringContaining('look at each node') },
    ],
    ['not taken back and missing', 516, { A: 516, B: 404, C: 215 }, { state: 'failed' }],
    ['a part it cannot read', 507, { A: 400, B: 215, C: 215 }, { state: 'rejected' }],
    ['nothing but 507', 507, {}, { state: 'failed', reason: expect.stringContaining('507') }],
    ['done parts of a failed whole', 507, { A: 200, B: 200, C: 200 }, { state: 'failed' }],
    ['a part that it works on', 200, { A: 202, B: 200, C: 200 }, { state: 'accepted' }],
  ])('answered with %s ends so', async (_, outer, codes, end) => {
    const { device, command } = await sent();
    await device.answer(say(outer, codes));
    expect(command()).toMatchObject(end);
  });

  test('of which nothing was said is sent again', async () => {
    const { device, command } = await sent();
    await device.next();
    expect(command().state).toBe('sent');
    await device.begin();
    expect(command()).toMatchObject({ state: 'sent', deliveries: 2 });
  });

  test('whose answers come in two messages of a package waits for both', async () => {
    const { device, command } = await sent();
    const asked = device.lastAsked;
    await device.answer(say(507, { A: 216 }), { final: false });
    expect(command().state).toBe('sent');
    device.lastAsked = asked;
    await device.next(
      `<Status><CmdID>77</CmdID><MsgRef>1</MsgRef><CmdRef>${asked[2]?.cmdId}</CmdRef><Cmd>Add</Cmd><Data>425</Data></Status>`,
    );
    expect(command()).toMatchObject({ state: 'failed', results: [{ status: 216 }, { status: 425 }, null] });
  });

  test('that adds what is there goes again with a Replace, once for each part', async () => {
    const { device, command } = await sent([part('Add', 'A', '1'), part('Add', 'B', '2')]);
    const again = await device.answer(say(507, { A: 418, B: 215 }));
    expect(again.commands.map(({ verb }) => verb)).toEqual(['Atomic', 'Replace', 'Add']);
    const third = await device.answer(say(507, { A: 216, B: 418 }));
    expect(third.commands.map(({ verb }) => verb)).toEqual(['Atomic', 'Replace', 'Replace']);
    expect((await device.answer(say(507, { A: 418, B: 418 }))).commands).toEqual([]);
    expect(command()).toMatchObject({ state: 'failed' });
  });

  test('that was not taken back does not go again', async () => {
    const { device, command } = await sent([part('Add', 'A', '1'), part('Add', 'B', '2')]);
    expect((await device.answer(say(507, { A: 516, B: 418 }))).commands).toEqual([]);
    expect(command()).toMatchObject({ state: 'failed' });
  });

  test('with an Exec is sent once', async () => {
    const { device, command } = await sent([part('Add', 'A', '1'), part('Exec', 'B')]);
    expect((await device.begin()).commands).toEqual([]);
    expect(command()).toMatchObject({ state: 'unknown', deliveries: 1 });
  });

  test('with an Exec does not go again as a Replace either', async () => {
    const { device, command } = await sent([part('Add', 'A', '1'), part('Exec', 'B')]);
    expect((await device.answer(say(507, { A: 418, B: 215 }))).commands).toEqual([]);
    expect(command()).toMatchObject({ state: 'failed', deliveries: 1 });
  });

  test('counts with all of its parts, so that a reply carries 25 commands at most', async () => {
    const device = model();
    const many = Array.from({ length: 20 }, (_, n) => part('Replace', `N${n}`, '1'));
    device.partition.queueItems('Atomic', many);
    device.partition.queueItems('Atomic', many);
    device.partition.queue('Get', './B');
    expect((await device.begin()).commands).toHaveLength(21);
    expect((await device.answer()).commands).toHaveLength(22);
  });
});

describe("a command for the user's part of the tree that is not there yet", () => {
  const USER = './User/Vendor/MSFT/Policy/Config/Area/Name';

  test.each([405, 500, 507])('waits for the next session after %i, and that is no failed delivery', async (status) => {
    const device = model();
    const id = device.partition.queue('Replace', USER, { data: '1' });
    device.partition.queue('Get', './A');
    await device.begin();
    const next = await device.answer((asked) => (asked.target === USER ? status : 200));
    expect(next.commands).toEqual([]);
    expect(device.partition.command(id)).toMatchObject({ state: 'waiting', waitingFor: 'userSignIn' });
    expect(targets(await device.begin())).toEqual([USER]);
    await device.answer();
    expect(device.partition.command(id)).toMatchObject({ state: 'done' });
    expect(device.partition.command(id).unanswered).toBeUndefined();
  });

  test('as an Atomic whose answer broke off goes with the very next session', async () => {
    const device = model();
    const id = device.partition.queueItems('Atomic', [{ verb: 'Add', target: USER, data: '1' }]);
    const { commands } = await device.begin();
    const inner = commands.find(({ verb }) => verb === 'Add')?.cmdId;
    const status = `<Status><CmdID>9</CmdID><MsgRef>1</MsgRef><CmdRef>${inner}</CmdRef><Cmd>Add</Cmd><Data>500</Data></Status>`;
    await device.next(status, { final: false });
    expect(targets(await device.begin())).toContain(USER);
    await device.answer();
    expect(device.partition.command(id)).toMatchObject({ state: 'done', userRefusals: 1 });
  });

  test('fails when five sessions could not do it', async () => {
    const device = model();
    const id = device.partition.queue('Replace', USER, { data: '1' });
    for (let session = 1; session <= 6; session += 1) {
      expect(device.partition.command(id).state).toBe('waiting');
      await device.begin();
      await device.answer(() => 405);
    }
    expect(device.partition.command(id)).toMatchObject({ state: 'failed', results: [{ status: 405 }] });
  });

  test('sends of several items only those again that were refused', async () => {
    const device = model();
    const id = device.partition.queueItems('Replace', [
      { target: `${USER}1`, data: '1' },
      { target: `${USER}2`, data: '2' },
    ]);
    await device.begin();
    await device.answer((asked) => (asked.target.endsWith('1') ? 200 : 500));
    expect(targets(await device.begin())).toEqual([`${USER}2`]);
    await device.answer();
    expect(device.partition.command(id)).toMatchObject({ state: 'done' });
  });

  test('is not sent twice when it may run once only', async () => {
    const device = model();
    const id = device.partition.queue('Exec', USER);
    await device.begin();
    await device.answer(() => 500);
    expect(device.partition.command(id)).toMatchObject({ state: 'failed', deliveries: 1 });
  });
});

describe('an Add that finds its node there', () => {
  test('goes again as a Replace in the same session, before what is behind it', async () => {
    const device = model();
    const id = device.partition.queue('Add', NODE, { data: '1', format: 'int' });
    await device.begin();
    device.partition.queue('Get', './B');
    const reply = await device.answer(() => 418);
    expect(reply.commands).toMatchObject([{ verb: 'Replace', target: NODE, data: '1' }, { verb: 'Get' }]);
    await device.answer();
    expect(device.partition.command(id)).toMatchObject({ state: 'done', verb: 'Add', results: [{ status: 200 }] });
  });

  test('is done when all it had to do was to make the node', async () => {
    const device = model();
    const id = device.partition.queue('Add', NODE, { format: 'node' });
    await device.begin();
    expect((await device.answer(() => 418)).commands).toEqual([]);
    expect(device.partition.command(id).state).toBe('done');
  });
});

describe('a session that the device aborts', () => {
  test('is followed by one in which each of its commands goes alone', async () => {
    const device = model();
    for (const name of ['A', 'B', 'C']) device.partition.queue('Get', `./${name}`);
    await device.begin();
    await device.next(ABORT);
    device.partition.queue('Get', './D');
    const seen = [targets(await device.begin())];
    while (device.lastAsked.length > 0) seen.push(targets(await device.answer()));
    expect(seen).toEqual([['./A'], ['./B'], ['./C'], ['./D'], []]);
  });

  test('has its commands go alone even behind others that are sent', async () => {
    const device = model();
    device.partition.queue('Get', './User/A');
    device.partition.queue('Get', './B');
    await device.begin({ login: 'none' });
    await device.next(ABORT);
    expect(targets(await device.begin({ login: 'user' }))).toEqual(['./User/A']);
    expect(targets(await device.answer())).toEqual(['./B']);
  });

  test('has its commands go without the inventory beside them', async () => {
    const device = model();
    device.now = new Date('2026-01-02T08:00:00.000Z');
    device.inventoryDays = 7;
    device.partition.queue('Get', './A');
    await device.begin();
    await device.next(ABORT);
    device.now = new Date('2026-01-02T09:00:00.000Z');
    expect(targets(await device.begin())).toEqual(['./A']);
    expect(targets(await device.answer()).length).toBeGreaterThan(1);
  });

  test('over the facts three times leaves them for a week, and the commands go', async () => {
    const device = model({ factsReadAt: undefined });
    const id = device.partition.queue('Get', './A');
    const chokes = async () => {
      const reply = await device.begin();
      const asksFacts = targets(reply).includes('./DevDetail/SwV');
      await (asksFacts ? device.next(ABORT) : device.answer());
      return asksFacts;
    };
    expect([await chokes(), await chokes(), await chokes(), await chokes()]).toEqual([true, true, true, false]);
    expect(device.partition.command(id).state).toBe('done');
    device.now = new Date(device.now.getTime() + 7 * 86_400_000);
    expect(targets(await device.begin())).toContain('./DevDetail/SwV');
    await device.answer();
    expect(device.partition.device.factsAsked).toBeUndefined();
  });

  test('three times over one command has that set aside with the reason, and the others go on', async () => {
    const device = model();
    const [before, poison, behind] = ['A', 'Poison', 'C'].map((name) => device.partition.queue('Get', `./${name}`));
    for (let session = 1; session <= 4; session += 1) {
      let reply = await device.begin();
      while (reply.commands.length > 0) {
        reply = targets(reply).includes('./Poison') ? await device.next(ABORT) : await device.answer();
      }
    }
    const state = (id: string | undefined) => device.partition.command(id ?? '');
    expect(state(poison)).toMatchObject({ state: 'rejected', aborts: 3, reason: expect.stringContaining('aborted 3') });
    expect([state(before).state, state(behind).state]).toEqual(['done', 'done']);
  });

  test('is one whose message it refused as a whole', async () => {
    const device = model();
    const id = device.partition.queue('Get', './A');
    await device.begin();
    device.msgId += 1;
    const refusal =
      '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>400</Data></Status>';
    expect((await device.send(refusal)).commands).toEqual([]);
    expect(device.partition.command(id)).toMatchObject({ state: 'sent', aborts: 1 });
  });
});

describe('a command that was accepted', () => {
  async function accepted() {
    const device = model();
    const id = device.partition.queue('Exec', './Device/App/DownloadInstall');
    const { commands } = await device.begin();
    await device.answer(() => 202);
    const later = (data: string, more = '') =>
      `<Status><CmdID>50</CmdID><MsgRef>1</MsgRef><CmdRef>${commands[0]?.cmdId}</CmdRef><Cmd>Exec</Cmd><Data${more}>${data}</Data></Status>`;
    return { device, command: () => device.partition.command(id), later };
  }

  test('ends with the later Status, and the HRESULT is kept', async () => {
    const { device, command, later } = await accepted();
    expect(command().state).toBe('accepted');
    await device.next(later('202'));
    expect(command().state).toBe('accepted');
    const error = ' xmlns:msft="http://schemas.microsoft.com/MobileDevice/MDM" msft:originalerror="0x80070643"';
    await device.next(later('500', error));
    expect(command()).toMatchObject({ state: 'failed', results: [{ status: 500, originalError: '0x80070643' }] });
  });

  test('to a wipe says that it was not done', async () => {
    const device = model();
    device.partition.queue('Exec', './Device/Vendor/MSFT/RemoteWipe/doWipe');
    const { msgId, commands } = await device.begin();
    await device.answer(() => 202);
    expect(device.partition.device.wipe?.state).toBe('accepted');
    await device.next(
      `<Status><CmdID>9</CmdID><MsgRef>${msgId}</MsgRef><CmdRef>${commands[0]!.cmdId}</CmdRef><Cmd>Exec</Cmd><Data>500</Data></Status>`,
    );
    expect(device.partition.device.wipe?.state).toBe('failed');
  });

  test('and has ended stays as it ended', async () => {
    const { device, command, later } = await accepted();
    await device.next(later('200'));
    await device.next(later('500'));
    expect(command()).toMatchObject({ state: 'done', results: [{ status: 200 }] });
  });

  test('takes nothing of the room of those behind it', async () => {
    const { device } = await accepted();
    for (let n = 0; n < 25; n += 1) device.partition.queue('Get', `./N${n}`);
    expect((await device.next()).commands).toHaveLength(25);
  });
});

test('each status that Windows documents is said in words', async () => {
  const documented = [
    200, 202, 212, 213, 214, 215, 216, 400, 401, 403, 404, 405, 406, 407, 415, 418, 424, 425, 500, 507, 516,
  ];
  expect(KNOWN_STATUSES.toSorted((a, b) => a - b)).toEqual(documented);
  const device = model();
  const id = device.partition.queue('Replace', NODE, { data: '1' });
  await device.begin();
  await device.answer(() => 425);
  const view = commandView(device.partition.command(id), 'd');
  expect([view.status, view.meaning]).toEqual([425, 'The device does not permit it.']);
  expect(view.results).toMatchObject([{ status: 425, meaning: 'The device does not permit it.' }]);
});

describe('a command that expires', () => {
  test('before it was sent is not sent, whoever is signed in', async () => {
    const device = model();
    const expiresAt = new Date(device.now.getTime()).toISOString();
    const ids = ['./A', './User/B'].map((target) => device.partition.queue('Get', target, { expiresAt }));
    expect((await device.begin({ login: 'none' })).commands).toEqual([]);
    for (const id of ids) {
      expect(device.partition.command(id)).toMatchObject({ state: 'expired', deliveries: 0 });
      expect(device.partition.command(id).reason).toContain(expiresAt);
    }
  });

  test('after it was sent goes on', async () => {
    const device = model();
    const expiresAt = new Date(device.now.getTime() + 60_000).toISOString();
    const id = device.partition.queue('Get', './A', { expiresAt });
    await device.begin();
    device.now = new Date(device.now.getTime() + 3_600_000);
    expect((await device.begin()).commands).toHaveLength(1);
    await device.answer();
    expect(device.partition.command(id).state).toBe('done');
  });
});
