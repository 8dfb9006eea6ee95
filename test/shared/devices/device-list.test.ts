import { describe, expect, test } from 'vitest';
import { addToDeviceList, type DeviceListEntry, updateDeviceList } from '../../../shared/devices/device-list.ts';
import { listDevices } from '../../../shared/devices/device-queries.ts';
import { Conflict, StorageUnavailable } from '../../../shared/storage/errors.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';

const DAY = new Date('2026-03-01T12:00:00.000Z');
const { id: ID } = enrolledDevice();

async function entry(storage: MemoryStorage): Promise<DeviceListEntry | undefined> {
  return (await storage.table('devicelist').get<DeviceListEntry>('devices', ID))?.value;
}

describe('the entry of a device', () => {
  test('follows its record', async () => {
    const storage = new MemoryStorage();
    await addToDeviceList(storage, enrolledDevice());
    expect(await entry(storage)).toMatchObject({ name: 'PC-1', state: 'enrolled' });
    expect((await entry(storage))?.lastContactDay).toBeUndefined();
    const changed = enrolledDevice({ revision: 2, name: 'PC-2', state: 'unenrolling' });
    await updateDeviceList(storage, changed, DAY, new MemoryLog());
    expect(await entry(storage)).toMatchObject({ name: 'PC-2', state: 'unenrolling', lastContactDay: '2026-03-01' });
  });

  test('is not written over by an older record, and takes its day of contact all the same', async () => {
    const storage = new MemoryStorage();
    await updateDeviceList(storage, enrolledDevice({ revision: 5, state: 'unenrolled' }), undefined, new MemoryLog());
    await updateDeviceList(storage, enrolledDevice({ revision: 4, state: 'enrolled' }), DAY, new MemoryLog());
    expect(await entry(storage)).toMatchObject({ revision: 5, state: 'unenrolled', lastContactDay: '2026-03-01' });
  });

  test('keeps the latest day of contact', async () => {
    const storage = new MemoryStorage();
    await updateDeviceList(storage, enrolledDevice(), DAY, new MemoryLog());
    await updateDeviceList(storage, enrolledDevice(), new Date('2026-02-28T23:59:59.000Z'), new MemoryLog());
    await updateDeviceList(storage, enrolledDevice({ revision: 2 }), undefined, new MemoryLog());
    expect((await entry(storage))?.lastContactDay).toBe('2026-03-01');
  });

  test('ends as the newest of several that are written at once, in any order', async () => {
    const storage = new MemoryStorage();
    await Promise.all(
      [3, 1, 4, 2].map((revision) =>
        updateDeviceList(storage, enrolledDevice({ revision, name: `PC-${revision}` }), DAY, new MemoryLog()),
      ),
    );
    expect(await entry(storage)).toMatchObject({ revision: 4, name: 'PC-4' });
  });

  test('makes no caller fail when it cannot be written, and the log says so', async () => {
    const log = new MemoryLog();
    const storage = new MemoryStorage();
    for (const error of [new StorageUnavailable('down'), new Conflict('busy')]) {
      storage.onCall = ({ operation }) => {
        if (operation === 'write') throw error;
      };
      await updateDeviceList(storage, enrolledDevice(), DAY, log);
    }
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
  });
});

test('the list is shown page by page, each device once, without what is ours alone', async () => {
  const storage = new MemoryStorage();
  const ids = ['c', 'a', 'b'].map((first) => first + ID.slice(1));
  for (const id of ids) await addToDeviceList(storage, enrolledDevice({ id }));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listDevices(storage, { cursor, limit: 2 });
    expect(page.items.every((item) => !('revision' in item))).toBe(true);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next;
  } while (cursor);
  expect(seen).toEqual([...ids].sort());
});
