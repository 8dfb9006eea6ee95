import { describe, expect, test } from 'vitest';
import { DEVICE_ROW, type Device } from '../../../shared/devices/device.ts';
import { newFlag } from '../../../shared/devices/device-flags.ts';
import { handOn } from '../../../shared/enrollment/inheritance.ts';
import { sweepReturned } from '../../../shared/enrollment/return.ts';
import { isAssigned } from '../../../shared/profiles/assignment.ts';
import { type Fleet, later, useFleet } from './fleet.ts';

const newFleet = useFleet();

async function change(fleet: Fleet, id: string, more: Partial<Device>): Promise<void> {
  const table = fleet.storage.table('devices');
  const row = (await table.get<Device>(id, DEVICE_ROW))!;
  const value = { ...row.value, ...more, revision: row.value.revision + 1 };
  await table.write(id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
}

/** A PC that has called, with these tags. */
async function tagged(fleet: Fleet, ...tags: string[]): Promise<Device> {
  const device = await fleet.enroll(0);
  await fleet.calls(device.id);
  await change(fleet, device.id, { tags });
  return fleet.record(device.id);
}

describe('a PC that enrolls anew', () => {
  test('keeps its tags, and what is assigned to it by its old id', async () => {
    const fleet = newFleet();
    const old = await tagged(fleet, 'berlin', 'sales');
    const fresh = await fleet.enroll(1, {}, later(60));
    expect(fresh).toMatchObject({ tags: ['berlin', 'sales'], formerIds: [old.id] });
    const record = await fleet.record(fresh.id);
    expect(record).toEqual(fresh);
    expect(isAssigned({ all: false, devices: [old.id], users: [], tags: [] }, record)).toBe(true);
    expect((await fleet.record(old.id)).state).toBe('superseded');
  });

  test('for a third time keeps what it had at first', async () => {
    const fleet = newFleet();
    const first = await tagged(fleet, 'sales');
    const second = await fleet.enroll(1, {}, later(60));
    await fleet.calls(second.id);
    const third = await fleet.enroll(2, {}, later(120));
    expect(third).toMatchObject({ tags: ['sales'], formerIds: [first.id, second.id] });
  });

  test('does not get back a tag that was taken from it meanwhile', async () => {
    const fleet = newFleet();
    await tagged(fleet, 'sales');
    const second = await fleet.enroll(1, {}, later(60));
    await fleet.calls(second.id);
    await change(fleet, second.id, { tags: [] });
    expect((await fleet.enroll(2, {}, later(120))).tags ?? []).toEqual([]);
  });

  test('does not get it back either where its old enrollment was handed on and not ended at once', async () => {
    const fleet = newFleet();
    const old = await tagged(fleet, 'sales');
    const { id } = await fleet.enroll(1, { user: 'robin@example.org' }, later(60));
    const flags = [newFlag('withoutSerial', old.id, later(60))];
    expect(await handOn(fleet.storage, old, id, flags)).toMatchObject({ tags: ['sales'], formerIds: [old.id] });
    expect((await fleet.record(id)).flags).toEqual(expect.arrayContaining(flags));
    await change(fleet, id, { tags: [] });
    const before = await fleet.record(id);
    fleet.storage.calls.length = 0;
    expect(await handOn(fleet.storage, old, id, flags)).toEqual(before);
    expect(fleet.storage.calls).toHaveLength(1);
  });

  test('keeps as many tags as a device may have', async () => {
    const fleet = newFleet();
    const old = await tagged(fleet, ...Array.from({ length: 20 }, (_, n) => `a${n}`));
    const { id } = await fleet.enroll(1, { user: 'robin@example.org' }, later(60));
    await change(fleet, id, { tags: ['b'] });
    expect((await handOn(fleet.storage, old, id, []))?.tags).toHaveLength(20);
  });

  test('without tags has none, and no others take them', async () => {
    const fleet = newFleet();
    await tagged(fleet, 'sales');
    const another = await fleet.enroll(1, { serial: 'PF9XYZ', deviceId: 'DEVICE-2' }, later(60));
    const ofAnotherUser = await fleet.enroll(2, { user: 'robin@example.org' }, later(70));
    for (const device of [another, ofAnotherUser]) {
      expect(device.tags).toBeUndefined();
      expect(device.formerIds).toBeUndefined();
    }
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'loses nothing when its enrollment breaks off at call %i: what the sweep ends later hands its tags on',
    async (broken) => {
      const fleet = newFleet();
      const old = await tagged(fleet, 'sales');
      let calls = 0;
      fleet.storage.onCall = () => {
        calls += 1;
        if (calls >= broken) throw new Error('the server stops here');
      };
      const attempt = await fleet.enroll(1, {}, later(60)).catch(() => undefined);
      fleet.storage.onCall = undefined;
      await sweepReturned(fleet.storage, later(90));
      const records = (await fleet.everybody()).filter(({ id }) => id !== old.id);
      const state = (await fleet.record(old.id)).state;
      if (attempt) expect(state).toBe('superseded');
      if (state === 'superseded') expect(records).toMatchObject([{ tags: ['sales'], formerIds: [old.id] }]);
    },
  );
});
