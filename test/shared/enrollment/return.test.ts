import { describe, expect, test } from 'vitest';
import { type Command, FINISHED_PREFIX } from '../../../shared/commands/command.ts';
import { DEVICE_ROW, type Device } from '../../../shared/devices/device.ts';
import { markSent, requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { sweepReturned } from '../../../shared/enrollment/return.ts';
import type { Table } from '../../../shared/storage/tables.ts';
import { type Fleet, later, type Pc, useFleet } from './fleet.ts';

const newFleet = useFleet();

describe('a PC that enrolls anew', () => {
  test('ends its old enrollment and its commands, by its ids and for its user', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0);
    await fleet.calls(old.id, 'waiting', 'sent');
    const fresh = await fleet.enroll(1, { user: 'Kim@Example.org' }, later(60));

    const ended = await fleet.record(old.id);
    expect(ended).toMatchObject({ state: 'superseded', supersededBy: fresh.id, supersededBecause: 'return' });
    expect(await fleet.listed(old.id)).toMatchObject({ state: 'superseded', lastContactDay: '2026-03-01' });
    expect(await fleet.record(fresh.id)).toMatchObject({ state: 'enrolled' });
    const rows = fleet.storage.table('devices') as unknown as {
      rows(key: string): { rowKey: string; value: Command }[];
    };
    const commands = rows.rows(old.id).filter(({ rowKey }) => rowKey.includes('command'));
    expect(commands.every(({ rowKey }) => rowKey.startsWith(FINISHED_PREFIX))).toBe(true);
    expect(commands.map(({ value }) => value.state).sort()).toEqual(['cancelled', 'unknown']);
  });

  test('a third time leaves one enrollment', async () => {
    const fleet = newFleet();
    await fleet.calls((await fleet.enroll(0)).id);
    await fleet.calls((await fleet.enroll(1, {}, later(60))).id);
    await fleet.enroll(2, {}, later(120));
    expect(await fleet.states()).toEqual(['enrolled', 'superseded', 'superseded']);
  });

  test.each<[string, Pc]>([
    ['with a serial number that was left out by its maker', { serial: 'To be filled by O.E.M.' }],
    ['without a hardware id', { hwDevId: '' }],
  ])('%s is known by the rest', async (_, pc) => {
    const fleet = newFleet();
    await fleet.calls((await fleet.enroll(0, pc)).id);
    await fleet.enroll(1, pc, later(60));
    expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
  });

  test.each<[string, string, string]>([
    ['neither says its serial number', '', ''],
    ['one says it and the other does not', 'PF3ABC', ''],
    ['both say what many do', 'Default string', 'Default string'],
  ])('and %s: a copy of the disk would look the same, so both records say it', async (_, before, after) => {
    const fleet = newFleet();
    const old = await fleet.enroll(0, { serial: before });
    await fleet.calls(old.id);
    const fresh = await fleet.enroll(1, { serial: after }, later(60));
    expect(await fleet.record(old.id)).toMatchObject({
      state: 'superseded',
      flags: [{ kind: 'withoutSerial', other: fresh.id }],
    });
    const flags = [{ kind: 'withoutSerial', other: old.id, reason: expect.stringContaining('serial number') }];
    expect(fresh.flags).toMatchObject(flags);
    expect((await fleet.record(fresh.id)).flags).toMatchObject(flags);
  });

  test('with its serial number needs no look', async () => {
    const fleet = newFleet();
    await fleet.calls((await fleet.enroll(0)).id);
    expect((await fleet.enroll(1, {}, later(60))).flags).toBeUndefined();
  });

  test('does not bring back to life what is blocked', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0);
    const table = fleet.storage.table('devices');
    const row = (await table.get<Device>(old.id, DEVICE_ROW))!;
    const value = { ...row.value, state: 'blocked' };
    await table.write(old.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    await fleet.enroll(1, {}, later(60));
    expect((await fleet.record(old.id)).state).toBe('blocked');
  });
});

describe('a PC that was to leave and enrolls anew', () => {
  async function asked(fleet: Fleet, deliveries: number): Promise<Device> {
    const old = await fleet.enroll(0);
    await fleet.calls(old.id);
    const table = fleet.storage.table('devices');
    const row = (await table.get<Device>(old.id, DEVICE_ROW))!;
    const device = requestUnenroll(row.value, { by: 'sam' }, later(10));
    const value = deliveries > 0 ? markSent(device, later(11)) : device;
    await table.write(old.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    return old;
  }

  test('before the Unenroll reached it says so: nothing asks it to leave any more', async () => {
    const fleet = newFleet();
    const old = await asked(fleet, 0);
    const fresh = await fleet.enroll(1, {}, later(60));
    expect(await fleet.record(old.id)).toMatchObject({ state: 'superseded' });
    const flags = [{ kind: 'unenrollOvertaken', other: old.id, reason: expect.stringContaining('Unenroll') }];
    expect(fresh.flags).toMatchObject(flags);
    expect(await fleet.record(fresh.id)).toMatchObject({ state: 'enrolled', flags });
  });

  test('after the Unenroll was sent has left and come back, as many are told to', async () => {
    const fleet = newFleet();
    await asked(fleet, 1);
    expect((await fleet.enroll(1, {}, later(60))).flags).toBeUndefined();
  });
});

describe('what is not the same PC for certain', () => {
  test.each<[string, Pc, string]>([
    ['a copy of its disk on another PC', { serial: 'PF9XYZ', deviceId: 'DEVICE-2' }, 'sharedHardwareId'],
    ['the PC after a reset', { deviceId: 'DEVICE-2' }, 'oldIdentity'],
    ['a disk that moved into another PC', { serial: 'PF9XYZ', hwDevId: 'HARDWARE-2' }, 'sharedDeviceId'],
    ['another user who claims to have that PC', { user: 'robin@example.org' }, 'otherUser'],
  ])('%s: both are flagged, and neither is harmed', async (_, pc, kind) => {
    const fleet = newFleet();
    const first = await fleet.enroll(0);
    await fleet.calls(first.id, 'waiting');
    const second = await fleet.enroll(1, pc, later(60));
    expect(second.flags).toMatchObject([{ kind, other: first.id, reason: expect.stringMatching(/\w+ \w+/) }]);
    expect((await fleet.record(second.id)).flags).toEqual(second.flags);
    expect((await fleet.record(first.id)).flags).toMatchObject([{ kind, other: second.id }]);
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });

  test('a PC with nothing in common is left alone', async () => {
    const fleet = newFleet();
    await fleet.enroll(0);
    const second = await fleet.enroll(1, { serial: 'PF9XYZ', hwDevId: 'HARDWARE-2', deviceId: 'DEVICE-2' }, later(60));
    expect(second.flags).toBeUndefined();
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });

  test('two copies of a disk that use one invitation are both enrolled', async () => {
    const fleet = newFleet();
    await fleet.enroll(0, { serial: 'PF1' });
    await fleet.enroll(1, { serial: 'PF2', deviceId: 'DEVICE-2' }, later(1));
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });
});

describe('two requests of one PC at the same moment', () => {
  test.each([0, 1])('leave one enrollment, whichever comes to look first (%i minutes apart)', async (minutes) => {
    for (let round = 0; round < 8; round += 1) {
      const fleet = newFleet();
      const outcomes = await Promise.allSettled([fleet.enroll(0), fleet.enroll(1, {}, later(minutes))]);
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
      const states = await Promise.all(won.map(async (id) => (await fleet.record(id)).state));
      expect(states.filter((state) => state === 'enrolled')).toHaveLength(1);
      expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
    }
  });
});

describe('an enrollment that broke off before the old one was ended', () => {
  /** From now on, no write to this enrollment comes through. */
  function cutOff(fleet: Fleet, id: string): () => void {
    const table = fleet.storage.table('devices') as Table;
    const write = table.write.bind(table);
    table.write = (key, changes) => (key === id ? Promise.reject(new Error('cut')) : write(key, changes));
    return () => {
      table.write = write;
    };
  }

  test('is completed by the nightly sweep', async () => {
    const fleet = newFleet();
    const old = await fleet.enroll(0);
    await fleet.calls(old.id, 'waiting');
    const mend = cutOff(fleet, old.id);
    await expect(fleet.enroll(1, {}, later(60))).rejects.toThrow('cut');
    mend();
    expect((await fleet.record(old.id)).state).toBe('enrolled');

    expect(await sweepReturned(fleet.storage, later(600))).toBe(1);
    expect(await fleet.record(old.id)).toMatchObject({ state: 'superseded', supersededBecause: 'return' });
    expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
    expect(await sweepReturned(fleet.storage, later(600))).toBe(0);
  });

  test('and never ends one for another user, or for an enrollment that is over itself', async () => {
    const fleet = newFleet();
    const first = await fleet.enroll(0);
    await fleet.calls(first.id);
    await fleet.enroll(1, { user: 'robin@example.org' }, later(60));
    expect(await sweepReturned(fleet.storage, later(600))).toBe(0);
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });
});
