import { describe, expect, test } from 'vitest';
import { commandView } from '../../../shared/commands/command-view.ts';
import { commandsSchema } from '../../../shared/commands/intake.ts';
import { listCommands, queueCommands } from '../../../shared/commands/queue.ts';
import { DEVICE_ROW, type JoinKind } from '../../../shared/devices/device.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const { id: ID } = enrolledDevice();
const REQUIRE = './Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption';
const RISK = { person: 'Kim', reason: 'The key is written down' };

async function queue(commands: unknown, kind?: JoinKind) {
  const storage = new MemoryStorage();
  const device = enrolledDevice(kind && { join: { kind, readAt: NOW.toISOString() } });
  await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: DEVICE_ROW, value: device }]);
  const asked = commandsSchema.parse(commands);
  const act = queueCommands(storage, ID, asked, { actor: 'kim', now: NOW });
  const kept = async () => (await listCommands(storage, ID, { limit: 10 })).items;
  return { act, kept };
}

const set = (more: object = {}) => ({ verb: 'Replace', target: REQUIRE, data: '1', format: 'int', ...more });

describe('a command that requires encryption', () => {
  test.each<[string, object, JoinKind | undefined, RegExp]>([
    ['of a PC that is joined to nothing', set(), 'none', /recovery key would be kept nowhere/],
    ['of one in a domain', set(), 'domain', /kept nowhere/],
    ['of one with a work account', set(), 'registered', /kept nowhere/],
    ['of one that has not said how it is joined', set(), undefined, /Wait for its next contact/],
    ['of one that does not know', set(), 'unknown', /Wait for its next contact/],
    ['by Add', set({ verb: 'Add' }), 'none', /kept nowhere/],
    ['in another spelling', set({ target: './vendor/msft/bitlocker/REQUIREDEVICEENCRYPTION' }), 'none', /kept nowhere/],
    ['as a secret', set({ secret: true }), 'none', /kept nowhere/],
    [
      'among others',
      {
        verb: 'Replace',
        items: [
          { target: './A', data: '1' },
          { target: REQUIRE, data: '1' },
        ],
      },
      'none',
      /kept nowhere/,
    ],
    [
      'in an Atomic',
      { verb: 'Atomic', commands: [{ verb: 'Get', target: './A' }, set()].slice(1) },
      'none',
      /kept nowhere/,
    ],
  ])('%s is refused with the reason, and nothing is queued', async (_, command, kind, message) => {
    const { act, kept } = await queue([{ verb: 'Get', target: './DevDetail/SwV' }, command], kind);
    await expect(act).rejects.toMatchObject({ status: 409, message: expect.stringMatching(message) });
    await expect(act).rejects.toMatchObject({ message: expect.stringContaining('acceptRisk') });
    expect(await kept()).toEqual([]);
  });

  test.each<[string, object, JoinKind | undefined]>([
    ['of a joined PC', set(), 'joined'],
    ['of a hybrid joined PC', set(), 'hybrid'],
    ['no more', set({ data: '0' }), 'none'],
    ['no more, by Delete', { verb: 'Delete', target: REQUIRE }, 'none'],
    ['and is only asked for', { verb: 'Get', target: REQUIRE }, 'none'],
    [
      'of nobody: another node',
      set({ target: './Device/Vendor/MSFT/BitLocker/AllowWarningForOtherDiskEncryption' }),
      'none',
    ],
  ])('%s is queued', async (_, command, kind) => {
    const { act, kept } = await queue(command, kind);
    await act;
    expect(await kept()).toHaveLength(1);
  });

  test.each([
    ['a plain one', set({ acceptRisk: RISK })],
    ['an Atomic', { verb: 'Atomic', commands: [set()], acceptRisk: RISK }],
  ])('is queued where somebody takes the risk, who is kept with it: %s', async (_, command) => {
    const { act, kept } = await queue(command, 'none');
    await act;
    const [queued] = await kept();
    expect(queued?.acceptedRisk).toEqual({ ...RISK, at: NOW.toISOString() });
    expect(commandView(queued!, ID)).toMatchObject({ state: 'waiting', acceptedRisk: RISK });
  });

  test('takes the risk for itself alone', async () => {
    const { act } = await queue([set({ acceptRisk: RISK }), set()], 'none');
    await expect(act).rejects.toMatchObject({ status: 409 });
  });

  test.each([{ person: 'Kim' }, { person: '', reason: 'x' }, true])('does not take %o for somebody', (acceptRisk) => {
    expect(commandsSchema.safeParse(set({ acceptRisk })).success).toBe(false);
  });
});
