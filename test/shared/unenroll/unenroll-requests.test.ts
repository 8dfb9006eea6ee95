import { describe, expect, test } from 'vitest';
import { DEVICE_ROW, type Device, type DeviceState } from '../../../shared/devices/device.ts';
import type { DeviceListEntry } from '../../../shared/devices/device-list.ts';
import { askToUnenroll, callOffUnenroll } from '../../../shared/unenroll/unenroll-requests.ts';
import { DeviceModel } from '../../support/device-model.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const { id: ID } = enrolledDevice();
const KEY = { key: 'k1', requestHash: 'h1' };

async function storageWith(change: Partial<Device> = {}): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: DEVICE_ROW, value: enrolledDevice(change) }]);
  return storage;
}

const services = (storage: MemoryStorage, now = NOW) => ({ storage, log: new MemoryLog(), now });

async function record(storage: MemoryStorage): Promise<Device> {
  return (await storage.table('devices').get<Device>(ID, DEVICE_ROW))!.value;
}

describe('asking for an unenroll', () => {
  test('is recorded with who asked, and the list follows', async () => {
    const storage = await storageWith();
    const device = await askToUnenroll(services(storage), ID, { by: 'kim' });
    expect(device).toMatchObject({
      state: 'unenrolling',
      revision: 2,
      unenroll: { state: 'waiting', requestedBy: 'kim' },
    });
    expect(await record(storage)).toEqual(device);
    const row = await storage.table('devicelist').get<DeviceListEntry>('devices', ID);
    expect(row?.value).toMatchObject({ state: 'unenrolling', unenrollState: 'waiting', revision: 2 });
  });

  test.each([
    ['unenrolled', 409],
    ['superseded', 409],
    ['retired', 409],
    ['wiped', 409],
    ['blocked', 409],
  ] as [DeviceState, number][])('of a device that is %s is refused, and it stays so', async (state, status) => {
    const storage = await storageWith({ state });
    await expect(askToUnenroll(services(storage), ID, { by: 'kim' })).rejects.toMatchObject({
      status,
      detail: expect.stringContaining(state),
    });
    expect((await record(storage)).state).toBe(state);
  });

  test('of an unknown device is refused with 404', async () => {
    await expect(askToUnenroll(services(new MemoryStorage()), ID, { by: 'kim' })).rejects.toMatchObject({
      status: 404,
    });
  });

  test('under a key acts once and is answered alike', async () => {
    const storage = await storageWith();
    const first = await askToUnenroll(services(storage), ID, { by: 'kim' }, KEY);
    await callOffUnenroll(services(storage), ID);
    expect(await askToUnenroll(services(storage), ID, { by: 'kim' }, KEY)).toEqual(first);
    expect((await record(storage)).state).toBe('enrolled');
    const other = { ...KEY, requestHash: 'h2' };
    await expect(askToUnenroll(services(storage), ID, { by: 'kim' }, other)).rejects.toMatchObject({ status: 422 });
  });

  test('starts the message again that is being answered at this moment', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await device.begin();
    device.partition.queue('Get', './DevDetail/SwV');
    const race = async () => {
      await askToUnenroll(services(device.partition.storage(), device.now), ID, { by: 'kim' });
    };
    const reply = await device.next('', { race });
    expect(reply.commands.map(({ target }) => target.split('/').at(-1))).toEqual(['AADDeviceID', 'DomainName']);
  });
});

describe('calling it off', () => {
  test('makes the device an ordinary one again', async () => {
    const storage = await storageWith();
    await askToUnenroll(services(storage), ID, { by: 'kim' });
    const device = await callOffUnenroll(services(storage), ID);
    expect(device.state).toBe('enrolled');
    expect((await record(storage)).unenroll).toBeUndefined();
  });

  test('comes before the command that is about to go out', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    const storage = device.partition.storage();
    await askToUnenroll(services(storage, device.now), ID, { by: 'kim' });
    await device.begin();
    const race = async () => {
      await callOffUnenroll(services(storage, device.now), ID);
    };
    const reply = await device.answer(() => 404, { race });
    expect(reply.commands).toEqual([]);
    expect(device.partition.device.state).toBe('enrolled');
  });

  test('is refused with the state when the command has gone out, or none was asked for', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    const storage = device.partition.storage();
    await expect(callOffUnenroll(services(storage), ID)).rejects.toMatchObject({ status: 409 });
    await askToUnenroll(services(storage, device.now), ID, { by: 'kim' });
    await device.begin();
    await device.answer(() => 404);
    await expect(callOffUnenroll(services(storage), ID)).rejects.toMatchObject({
      status: 409,
      detail: expect.stringContaining('sent'),
    });
    await expect(callOffUnenroll(services(new MemoryStorage()), ID)).rejects.toMatchObject({ status: 404 });
  });
});
