import { describe, expect, test } from 'vitest';
import { blockDevice, unblockDevice } from '../../../shared/devices/block.ts';
import { DEVICE_ROW, type Device, type DeviceState, SESSION_ROW } from '../../../shared/devices/device.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const NOW = new Date('2026-03-01T12:00:00.000Z');
const STOLEN = { by: 'kim', reason: 'stolen' };

async function storageWith(state: DeviceState) {
  const storage = new MemoryStorage();
  const device = { id: ID, revision: 1, state, name: 'PC-1', user: 'kim@example.org', certificates: [] };
  await storage.table('devices').write(ID, [
    { kind: 'insert', rowKey: DEVICE_ROW, value: device },
    { kind: 'insert', rowKey: SESSION_ROW, value: { sessionId: '1', lastAt: NOW.toISOString() } },
  ]);
  const services = { storage, log: new MemoryLog(), now: NOW };
  const read = async () => (await storage.table('devices').get<Device>(ID, DEVICE_ROW))!.value;
  const session = async () => (await storage.table('devices').get<object>(ID, SESSION_ROW))!;
  return { services, read, session };
}

describe('a device', () => {
  test.each(['enrolled', 'unenrolling', 'unenrolled', 'retired'] as const)(
    'that is %s is blocked, and goes back to that',
    async (state) => {
      const { services, read } = await storageWith(state);
      await blockDevice(services, ID, STOLEN);
      const blocked = { ...STOLEN, at: NOW.toISOString(), before: state };
      expect(await read()).toMatchObject({ state: 'blocked', blocked });
      await unblockDevice(services, ID);
      expect((await read()).state).toBe(state);
      expect(await read()).not.toHaveProperty('blocked');
    },
  );

  test('that is answered at this moment is stopped: its session is written too, and holds what it held', async () => {
    const { services, session } = await storageWith('enrolled');
    const before = await session();
    await blockDevice(services, ID, STOLEN);
    const after = await session();
    expect(after.etag).not.toBe(before.etag);
    expect(after.value).toEqual(before.value);
  });

  test('is blocked once, and unblocked only when it is blocked', async () => {
    const { services } = await storageWith('enrolled');
    await expect(unblockDevice(services, ID)).rejects.toMatchObject({ status: 409 });
    await blockDevice(services, ID, STOLEN);
    await expect(blockDevice(services, ID, STOLEN)).rejects.toMatchObject({ status: 409 });
    await expect(blockDevice(services, ID.replace('1', '2'), STOLEN)).rejects.toMatchObject({ status: 404 });
  });

  test('is blocked once by a call that is sent twice', async () => {
    const { services } = await storageWith('enrolled');
    const idempotency = { key: 'k', requestHash: 'h' };
    const first = await blockDevice(services, ID, STOLEN, idempotency);
    expect((await blockDevice(services, ID, STOLEN, idempotency)).blocked).toEqual(first.blocked);
  });
});
