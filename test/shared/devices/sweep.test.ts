import { describe, expect, test } from 'vitest';
import { DEVICE_ROW, type Device, SESSION_ROW, type Unenroll, type Wipe } from '../../../shared/devices/device.ts';
import { addToDeviceList, type DeviceListEntry, listEntry } from '../../../shared/devices/device-list.ts';
import { sweepUnenrolling } from '../../../shared/devices/sweep.ts';
import { Conflict } from '../../../shared/storage/errors.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const ago = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();

function leaving(id: string, unenroll: Partial<Unenroll>): Device {
  const base = { since: ago(100), reason: '', requestedAt: ago(100), requestedBy: 'kim', deliveries: 1, refusals: 0 };
  return enrolledDevice({ id, state: 'unenrolling', unenroll: { ...base, state: 'waiting', ...unenroll } });
}

async function storageWith(...devices: Device[]): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const device of devices) {
    await storage.table('devices').write(device.id, [{ kind: 'insert', rowKey: DEVICE_ROW, value: device }]);
    await addToDeviceList(storage, device);
  }
  return storage;
}

async function stateOf(storage: MemoryStorage, id: string): Promise<string> {
  const row = await storage.table('devices').get<Device>(id, DEVICE_ROW);
  const entry = await storage.table('devicelist').get<DeviceListEntry>('devices', id);
  return `${row?.value.state} ${row?.value.unenroll?.state} / ${entry?.value.state} ${entry?.value.unenrollState}`;
}

describe('the sweep', () => {
  test('decides what time decides, and the list follows', async () => {
    const silent = leaving('silent', { state: 'sent', lastSentAt: ago(8) });
    const fresh = leaving('fresh', { state: 'sent', lastSentAt: ago(6) });
    const gone = leaving('gone', { deliveries: 0 });
    const storage = await storageWith(silent, fresh, gone, enrolledDevice({ id: 'other' }));
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 4, changed: 2 });
    expect(await stateOf(storage, 'silent')).toBe('unenrolled silent / unenrolled silent');
    expect(await stateOf(storage, 'fresh')).toBe('unenrolling sent / unenrolling sent');
    expect(await stateOf(storage, 'gone')).toBe('unenrolling neverDelivered / unenrolling neverDelivered');
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toMatchObject({ changed: 0 });
  });

  test('believes the record, not the list: a contact is in the session row', async () => {
    const storage = await storageWith(leaving('called', {}));
    const session = { sessionId: '1', lastAt: ago(3) };
    await storage.table('devices').write('called', [{ kind: 'insert', rowKey: SESSION_ROW, value: session }]);
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 1, changed: 0 });
  });

  test('leaves a device alone that calls at this very moment', async () => {
    const storage = await storageWith(leaving('silent', { state: 'sent', lastSentAt: ago(8) }));
    storage.onCall = ({ table, operation }) => {
      if (table === 'devices' && operation === 'write') throw new Conflict('it called');
    };
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 1, changed: 0 });
  });

  test('goes on after a device that has no record', async () => {
    const storage = await storageWith(leaving('b', { state: 'sent', lastSentAt: ago(8) }));
    await addToDeviceList(storage, leaving('a', {}));
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 2, changed: 1 });
  });

  test('mends an entry that has fallen behind its record', async () => {
    const storage = await storageWith(leaving('silent', { state: 'sent', lastSentAt: ago(8) }));
    storage.onCall = ({ table, operation }) => {
      if (table === 'devicelist' && operation === 'write') throw new Error('the list cannot be written');
    };
    await sweepUnenrolling(storage, NOW, new MemoryLog());
    expect(await stateOf(storage, 'silent')).toBe('unenrolled silent / unenrolling sent');
    storage.onCall = undefined;
    await sweepUnenrolling(storage, NOW, new MemoryLog());
    expect(await stateOf(storage, 'silent')).toBe('unenrolled silent / unenrolled silent');
  });

  test('finds a device that is to leave although the list calls it enrolled', async () => {
    const device = leaving('silent', { state: 'sent', lastSentAt: ago(8) });
    const storage = await storageWith(device);
    const stale = { ...device, revision: 0, state: 'enrolled' as const, unenroll: undefined };
    await addToDeviceList(storage, stale);
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 1, changed: 1 });
    expect(await stateOf(storage, 'silent')).toBe('unenrolled silent / unenrolled silent');
  });

  test('mends the entry of such a device before time decides', async () => {
    const device = leaving('waiting', { requestedAt: ago(1) });
    const storage = await storageWith(device);
    await addToDeviceList(storage, { ...device, revision: 0, state: 'enrolled', unenroll: undefined });
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 1, changed: 0 });
    expect(await stateOf(storage, 'waiting')).toBe('unenrolling waiting / unenrolling waiting');
  });

  test('does not open an enrolled device that called in the last days', async () => {
    const storage = new MemoryStorage();
    for (const [id, lastContactDay] of [
      ['today', ago(0)],
      ['yesterday', ago(5)],
      ['quiet', ago(6)],
    ] as const) {
      const entry = { ...listEntry(enrolledDevice({ id }), lastContactDay.slice(0, 10)) };
      await storage.table('devicelist').write('devices', [{ kind: 'insert', rowKey: id, value: entry }]);
    }
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 1, changed: 0 });
  });

  test('takes a device for wiped that took a wipe and has been silent for 7 days', async () => {
    const wipe = (days: number): Wipe => ({
      kind: 'doWipe',
      command: '1',
      state: 'accepted',
      since: ago(days),
      acceptedAt: ago(days),
      reason: '',
    });
    const storage = await storageWith(
      enrolledDevice({ id: 'wiped', wipe: wipe(7.1) }),
      enrolledDevice({ id: 'perhaps', wipe: wipe(6.9) }),
      leaving('both', { state: 'held' }),
    );
    await storage
      .table('devices')
      .write('both', [
        { kind: 'upsert', rowKey: DEVICE_ROW, value: { ...leaving('both', { state: 'held' }), wipe: wipe(8) } },
      ]);
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 3, changed: 2 });
    expect(await stateOf(storage, 'wiped')).toBe('wiped undefined / wiped undefined');
    expect(await stateOf(storage, 'perhaps')).toBe('enrolled undefined / enrolled undefined');
    expect(await stateOf(storage, 'both')).toBe('wiped held / wiped held');
  });

  test('sees more devices than one page holds', async () => {
    const storage = new MemoryStorage();
    for (let n = 0; n < 1_005; n += 1) await addToDeviceList(storage, leaving(`d${n}`, {}));
    expect(await sweepUnenrolling(storage, NOW, new MemoryLog())).toEqual({ seen: 1_005, changed: 0 });
  });
});
