import { describe, expect, test } from 'vitest';
import { sweepIdentities } from '../../../shared/enrollment/identity-sweep.ts';
import { settleReturn } from '../../../shared/enrollment/return.ts';
import { type Fleet, later, useFleet } from './fleet.ts';

const newFleet = useFleet();

const sweep = (fleet: Fleet, minutes: number) => sweepIdentities(fleet.storage, later(minutes));

describe('what a session reads of an enrollment', () => {
  test('makes its old identity known: the same serial number and another DeviceID', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0, { serial: '', hwDevId: '' });
    await fleet.says(old.id, { serial: 'PF3ABC' });
    const reset = await fleet.enroll(1, { serial: '', hwDevId: '', deviceId: 'DEVICE-2' }, later(600));
    expect(await fleet.flagsOf(reset.id)).toEqual([]);
    await fleet.says(reset.id, { serial: 'pf3abc ' });
    await sweep(fleet, 660);
    expect(await fleet.flagsOf(reset.id)).toEqual([`oldIdentity ${old.id}`]);
    expect(await fleet.flagsOf(old.id)).toEqual([`oldIdentity ${reset.id}`]);
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });

  test('is found by enrollments that come later: a known serial number with another Entra device id', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0);
    await fleet.says(old.id, { entra: '11111111-2222-4333-8444-555555555555' });
    await sweep(fleet, 60);
    const fresh = await fleet.enroll(1, { deviceId: 'DEVICE-2' }, later(600));
    await fleet.says(fresh.id, { entra: '99999999-2222-4333-8444-555555555555' });
    await sweep(fleet, 660);
    expect(await fleet.flagsOf(fresh.id)).toEqual([`oldIdentity ${old.id}`]);
    expect(await fleet.flagsOf(old.id)).toEqual([`oldIdentity ${fresh.id}`]);
  });

  test('shows that the PC that came back is joined anew: its old device is still in Entra', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0);
    await fleet.says(old.id, { entra: '11111111-2222-4333-8444-555555555555' });
    const fresh = await fleet.enroll(1, {}, later(600));
    expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
    await sweep(fleet, 660);
    expect(await fleet.flagsOf(fresh.id)).toEqual([]);
    await fleet.says(fresh.id, { entra: '99999999-2222-4333-8444-555555555555' });
    await sweep(fleet, 720);
    expect(await fleet.flagsOf(fresh.id)).toEqual([`oldIdentity ${old.id}`]);
    expect((await sweep(fleet, 780)).compared).toBe(0);
  });

  test('raises nothing where the PC that came back is in Entra what it was', async () => {
    const fleet = newFleet();
    const entra = '11111111-2222-4333-8444-555555555555';
    await fleet.says((await fleet.enroll(0)).id, { entra });
    const fresh = await fleet.enroll(1, {}, later(600));
    await fleet.says(fresh.id, { entra });
    await sweep(fleet, 660);
    expect(await fleet.flagsOf(fresh.id)).toEqual([]);
  });

  test('ends the doubt about a PC that came back without saying its serial number', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0, { serial: '' });
    await fleet.says(old.id, { serial: 'PF3ABC' });
    const fresh = await fleet.enroll(1, { serial: '' }, later(600));
    expect(await fleet.flagsOf(fresh.id)).toEqual([`withoutSerial ${old.id}`]);
    await fleet.says(fresh.id, { serial: 'PF3ABC' });
    await sweep(fleet, 660);
    expect([await fleet.flagsOf(fresh.id), await fleet.flagsOf(old.id)]).toEqual([[], []]);
  });

  test('or shows that another PC was ended for it, and both records say that', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0, { serial: '' });
    await fleet.says(old.id, { serial: 'PF3ABC' });
    const fresh = await fleet.enroll(1, { serial: '' }, later(600));
    await fleet.says(fresh.id, { serial: 'PF9XYZ' });
    await sweep(fleet, 660);
    for (const [id, other] of [
      [fresh.id, old.id],
      [old.id, fresh.id],
    ] as const) {
      const { flags } = await fleet.record(id);
      const reason = expect.stringContaining('Enroll the PC whose record is superseded again');
      expect(flags).toMatchObject([{ kind: 'sharedHardwareId', other, reason }]);
    }
  });

  test('ends the older of two enrollments of one user that turn out to be of one PC', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0, { serial: 'To be filled by O.E.M.', hwDevId: '' });
    await fleet.says(old.id, { serial: 'PF3ABC' });
    const fresh = await fleet.enroll(1, { serial: '', hwDevId: '' }, later(600));
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
    await fleet.says(fresh.id, { serial: 'PF3ABC' });
    await sweep(fleet, 660);
    expect(await fleet.record(old.id)).toMatchObject({ state: 'superseded', supersededBy: fresh.id });
    expect(await fleet.record(fresh.id)).toMatchObject({ state: 'enrolled' });
  });

  test('costs nothing for those of whom nothing new was read', async () => {
    const fleet = newFleet();
    for (const key of [0, 1, 2]) {
      const pc = { serial: `PF${key}00`, hwDevId: `HARDWARE-${key}`, deviceId: `DEVICE-${key}` };
      await fleet.says((await fleet.enroll(key, pc)).id, { entra: `ENTRA-${key}` });
    }
    expect(await sweep(fleet, 600)).toEqual({ compared: 3 });
    fleet.storage.calls.length = 0;
    expect(await sweep(fleet, 660)).toEqual({ compared: 0 });
    expect(fleet.storage.calls).toHaveLength(3);
  });
});

describe('what an enrollment left over', () => {
  test('because it had taken its calls is done within the hour, and then no more', async () => {
    const fleet = newFleet();
    const copies: string[] = [];
    for (const key of [0, 1, 2, 3]) {
      copies.push((await fleet.enroll(key, { serial: '', deviceId: `DEVICE-${key}` }, later(key))).id);
    }
    expect((await fleet.flagsOf(copies[0]!)).length).toBeLessThan(3);
    await sweep(fleet, 37);
    const seen = await Promise.all(copies.map((id) => fleet.record(id)));
    for (const { flags } of seen) expect(flags).toHaveLength(3);
    await sweep(fleet, 97);
    expect(await Promise.all(copies.map((id) => fleet.record(id)))).toEqual(seen);
  });

  test('is no other than what it does itself when it may take more', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0);
    const copy = await fleet.enroll(1, { serial: 'PF9XYZ', deviceId: 'DEVICE-2' }, later(1));
    const before = await Promise.all([old.id, copy.id].map((id) => fleet.record(id)));
    await settleReturn(fleet.storage, await fleet.record(copy.id), later(2), 100);
    await sweep(fleet, 37);
    expect(await Promise.all([old.id, copy.id].map((id) => fleet.record(id)))).toEqual(before);
  });
});
