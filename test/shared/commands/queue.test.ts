import { describe, expect, test } from 'vitest';
import { type Command, FINISHED_PREFIX } from '../../../shared/commands/command.ts';
import { cancelCommand, listCommands, queueCommands, readCommand } from '../../../shared/commands/queue.ts';
import { finish } from '../../../shared/commands/settle.ts';
import type { Device } from '../../../shared/devices/device.ts';
import { DeviceModel } from '../../support/device-model.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const hoursLater = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
const { id: ID } = enrolledDevice();

async function storageWith(change: Partial<Device> = {}): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: '0device', value: enrolledDevice(change) }]);
  return storage;
}

const get = (target: string) => ({ verb: 'Get' as const, items: [{ target }] });
const key = (requestHash = 'h1') => ({ key: 'k1', requestHash });

function queue(
  storage: MemoryStorage,
  targets: string[],
  more: { idempotency?: ReturnType<typeof key>; now?: Date } = {},
) {
  return queueCommands(storage, ID, targets.map(get), { actor: 'kim', now: NOW, ...more });
}

async function targetsOf(storage: MemoryStorage): Promise<string[]> {
  const { items } = await listCommands(storage, ID, { limit: 1_000 });
  return items.map((command) => command.items[0]!.target);
}

async function finished(storage: MemoryStorage, id: string): Promise<void> {
  const table = storage.table('devices');
  const row = await table.get<Command>(ID, `3command|${id}`);
  await table.write(ID, [
    { kind: 'delete', rowKey: row!.rowKey, etag: row!.etag },
    { kind: 'insert', rowKey: FINISHED_PREFIX + id, value: finish(row!.value, 'done', NOW) },
  ]);
}

describe('queueing', () => {
  test('puts commands behind those that wait, in their order', async () => {
    const storage = await storageWith();
    await queue(storage, ['./A', './B']);
    const [command] = await queue(storage, ['./C']);
    expect(await targetsOf(storage)).toEqual(['./A', './B', './C']);
    expect(command).toMatchObject({ id: '000000000003', state: 'waiting', queuedBy: 'kim', once: false });
  });

  test('by two callers at once gives each its own numbers', async () => {
    const storage = await storageWith();
    await Promise.all([queue(storage, ['./A', './B']), queue(storage, ['./C']), queue(storage, ['./D', './E'])]);
    const targets = await targetsOf(storage);
    expect([...targets].sort()).toEqual(['./A', './B', './C', './D', './E']);
    expect(targets.join()).toContain('./A,./B');
  });

  test('gives up with 409, and queues nothing, when others never stop', async () => {
    const storage = await storageWith();
    storage.onCall = async ({ operation, changes }) => {
      if (operation !== 'write' || changes!.length === 1) return;
      const row = await storage.table('devices').get<Device>(ID, '0device');
      await storage
        .table('devices')
        .write(ID, [{ kind: 'replace', rowKey: '0device', value: row!.value, etag: row!.etag }]);
    };
    await expect(queue(storage, ['./A'])).rejects.toMatchObject({ status: 409 });
    expect(await targetsOf(storage)).toEqual([]);
  });

  test('is refused for an unknown device', async () => {
    await expect(queue(new MemoryStorage(), ['./A'])).rejects.toMatchObject({ status: 404 });
  });

  test.each(['unenrolled', 'superseded', 'retired', 'wiped', 'blocked'] as const)(
    'is refused for a device that is %s, with its state',
    async (state) => {
      const storage = await storageWith({ state });
      await expect(queue(storage, ['./A'])).rejects.toMatchObject({
        status: 409,
        detail: expect.stringContaining(state),
      });
    },
  );
});

describe('an Idempotency-Key', () => {
  test('queues once and is answered alike, whatever became of the command since', async () => {
    const storage = await storageWith();
    const first = await queue(storage, ['./A', './B'], { idempotency: key() });
    await finished(storage, first[0]!.id);
    const second = await queue(storage, ['./A', './B'], { idempotency: key(), now: hoursLater(23) });
    expect(second).toEqual(first);
    expect(await targetsOf(storage)).toEqual(['./B', './A']);
  });

  test('queues once when both calls come at the same moment', async () => {
    const storage = await storageWith();
    const [first, second] = await Promise.all([1, 2].map(() => queue(storage, ['./A'], { idempotency: key() })));
    expect(second).toEqual(first);
    expect(await targetsOf(storage)).toEqual(['./A']);
  });

  test('of another request is refused with 422', async () => {
    const storage = await storageWith();
    await queue(storage, ['./A'], { idempotency: key() });
    await expect(queue(storage, ['./B'], { idempotency: key('h2') })).rejects.toMatchObject({ status: 422 });
    expect(await targetsOf(storage)).toEqual(['./A']);
  });

  test('is free again after 24 hours', async () => {
    const storage = await storageWith();
    await queue(storage, ['./A'], { idempotency: key() });
    await queue(storage, ['./B'], { idempotency: key('h2'), now: hoursLater(24.1) });
    expect(await targetsOf(storage)).toEqual(['./A', './B']);
  });

  test('works for as much as a call may carry', async () => {
    const storage = await storageWith();
    const large = Array.from({ length: 15 }, (_, n) => ({
      verb: 'Replace' as const,
      items: [{ target: `./N${n}`, data: 'x'.repeat(120_000) }],
    }));
    const options = { actor: 'kim', now: NOW, idempotency: key() };
    const first = await queueCommands(storage, ID, large, options);
    expect(await queueCommands(storage, ID, large, options)).toEqual(first);
    expect(await targetsOf(storage)).toHaveLength(15);
  });
});

describe('cancelling', () => {
  test('ends a command that waits, and says who did it', async () => {
    const storage = await storageWith();
    const [command] = await queue(storage, ['./A']);
    const cancelled = await cancelCommand(storage, ID, command!.id, { actor: 'sam', now: NOW });
    expect(cancelled).toMatchObject({ state: 'cancelled', reason: expect.stringContaining('sam') });
    expect(await readCommand(storage, ID, command!.id)).toMatchObject({ state: 'cancelled' });
  });

  test.each(['sent', 'done'] as const)('a command that is %s is refused with the state', async (state) => {
    const { partition } = new DeviceModel(new Partition(enrolledDevice()));
    const id = partition.queue('Get', './A');
    const device = new DeviceModel(partition);
    await device.begin();
    if (state === 'done') await device.answer();
    const options = { actor: 'sam', now: NOW };
    await expect(cancelCommand(partition.storage(), ID, id, options)).rejects.toMatchObject({
      status: 409,
      detail: expect.stringContaining(state),
    });
  });

  test('an unknown command is refused with 404', async () => {
    const storage = await storageWith();
    const options = { actor: 'sam', now: NOW };
    await expect(cancelCommand(storage, ID, '000000000009', options)).rejects.toMatchObject({ status: 404 });
  });

  test('stops the message that is being answered at this moment', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await device.begin();
    const [first, second] = ['./A', './B'].map((target) => device.partition.queue('Get', target));
    const race = async () => {
      await cancelCommand(device.partition.storage(), ID, first!, { actor: 'sam', now: NOW });
    };
    const reply = await device.next('', { race });
    expect(reply.commands.map(({ target }) => target)).toEqual(['./B']);
    expect(device.partition.command(first!).state).toBe('cancelled');
    expect(device.partition.command(second!).state).toBe('sent');
  });
});

describe('the list of commands', () => {
  test.each([1, 2, 3, 4, 5, 100])(
    'in pages of %i shows each once, those that are not finished first',
    async (limit) => {
      const storage = await storageWith();
      const queued = await queue(storage, ['./A', './B', './C', './D', './E'], { idempotency: key() });
      await finished(storage, queued[0]!.id);
      await finished(storage, queued[2]!.id);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listCommands(storage, ID, { cursor, limit });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items.map(({ items }) => items[0]!.target));
        cursor = page.next;
      } while (cursor);
      expect(seen).toEqual(['./B', './D', './E', './A', './C']);
    },
  );

  test.each(['0abc', '1', '3', '6f7a', '~', '~~', ''])(
    'shows commands and nothing else for a cursor of another list: %j',
    async (cursor) => {
      const storage = await storageWith();
      await queue(storage, ['./A'], { idempotency: key() });
      await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: '1session', value: { sessionId: '1' } }]);
      const { items } = await listCommands(storage, ID, { cursor, limit: 100 });
      expect(items.every(({ verb }) => verb === 'Get')).toBe(true);
    },
  );

  test('reads a command wherever it is, and 404 for none', async () => {
    const storage = await storageWith();
    const [command] = await queue(storage, ['./A']);
    expect(await readCommand(storage, ID, command!.id)).toMatchObject({ state: 'waiting' });
    await finished(storage, command!.id);
    expect(await readCommand(storage, ID, command!.id)).toMatchObject({ state: 'done' });
    await expect(readCommand(storage, ID, '000000000009')).rejects.toMatchObject({ status: 404 });
  });
});
