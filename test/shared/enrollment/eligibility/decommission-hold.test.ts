import { describe, expect, test } from 'vitest';
import type { Device } from '../../../../shared/devices/device.ts';
import {
  holdDevice,
  readDeviceHold,
  releaseDevice,
} from '../../../../shared/enrollment/eligibility/decommission-hold.ts';
import { findRefusals } from '../../../../shared/enrollment/eligibility/refusals-list.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { enrolledDevice } from '../../../support/partition.ts';

const WHY = { reason: 'goes to the recycler', person: 'sam', at: '2026-03-01T12:00:00.000Z' };
const HARDWARE = 'AB'.repeat(32);

const device = (id: string, context: Record<string, string>, more: Partial<Device> = {}) =>
  enrolledDevice({ id, context, ...more });
const PC = device('pc-1', { SerialNumber: 'PF3K2A1B', HWDevID: HARDWARE });

/** @returns the devices that are held and stand against a PC that says this */
async function against(storage: MemoryStorage, serial: string, hardwareId: string): Promise<string[]> {
  const found = await findRefusals(storage, { user: 'kim@example.org', serial, hardwareId });
  return found.map((each) => (each.kind === 'decommission' ? each.deviceId : each.kind)).sort();
}

describe('a device that is held', () => {
  test.each([
    ['by what it said when it enrolled', 'PF3K2A1B', HARDWARE, true],
    ['by its serial number, on a new board', 'pf3k2a1b ', 'CD'.repeat(32), true],
    ['by its hardware id, where it says no serial number', '', HARDWARE.toLowerCase(), true],
    ['by its hardware id, where it says one that many have', 'Default string', HARDWARE, true],
    ['not as a copy of its disk, which has another serial number', 'PF9XYZ', HARDWARE, false],
    ['not as another PC', 'PF9XYZ', 'CD'.repeat(32), false],
  ])('is known again %s', async (_, serial, hardwareId, isHeld) => {
    const storage = new MemoryStorage();
    await holdDevice(storage, PC, WHY);
    expect(await against(storage, serial, hardwareId)).toEqual(isHeld ? ['pc-1'] : []);
  });

  test('is known by a serial number that a session has read', async () => {
    const storage = new MemoryStorage();
    const facts = { serialNumber: { status: 200, value: 'PF3K2A1B' } };
    await holdDevice(storage, device('pc-1', {}, { facts }), WHY);
    expect(await against(storage, 'PF3K2A1B', '')).toEqual(['pc-1']);
  });

  test('is shown with the reason, and gets the new one', async () => {
    const storage = new MemoryStorage();
    await holdDevice(storage, PC, WHY);
    await holdDevice(storage, PC, { ...WHY, reason: 'stolen' });
    expect((await readDeviceHold(storage, 'pc-1')).value).toMatchObject({
      kind: 'device',
      value: 'pc-1',
      reason: 'stolen',
    });
    expect(await findRefusals(storage, { user: '', serial: 'PF3K2A1B', hardwareId: HARDWARE })).toMatchObject([
      { kind: 'decommission', reason: 'stolen', person: 'sam' },
    ]);
  });

  test('may enroll when it is let, and another that is held with the same hardware id may not', async () => {
    const storage = new MemoryStorage();
    await holdDevice(storage, PC, WHY);
    await holdDevice(storage, device('copy', { SerialNumber: '', HWDevID: HARDWARE }), WHY);
    expect(await against(storage, '', HARDWARE)).toEqual(['copy', 'pc-1']);
    expect(await releaseDevice(storage, 'PC-1')).toMatchObject({ reason: 'goes to the recycler' });
    expect(await against(storage, '', HARDWARE)).toEqual(['copy']);
    expect(await against(storage, 'PF3K2A1B', '')).toEqual([]);
    await releaseDevice(storage, 'copy');
    expect(await against(storage, '', HARDWARE)).toEqual([]);
    await expect(releaseDevice(storage, 'copy')).rejects.toMatchObject({ status: 404 });
  });

  test('loses nothing when two are held at the same moment', async () => {
    const storage = new MemoryStorage();
    const copies = ['a', 'b', 'c'].map((id) => device(id, { HWDevID: HARDWARE }));
    await Promise.all(copies.map((copy) => holdDevice(storage, copy, WHY)));
    expect(await against(storage, '', HARDWARE)).toEqual(['a', 'b', 'c']);
  });

  test('is refused where it says nothing of its own by which it could be known again', async () => {
    const storage = new MemoryStorage();
    const nameless = device('pc-2', { SerialNumber: 'System Serial Number', HWDevID: '0'.repeat(64) });
    await expect(holdDevice(storage, nameless, WHY)).rejects.toMatchObject({ status: 409 });
    expect(await against(storage, 'System Serial Number', '0'.repeat(64))).toEqual([]);
  });
});
