import { describe, expect, test } from 'vitest';
import type { Device } from '../../../shared/devices/device.ts';
import { noteCallAfterWipe, noteWipeAnswer, passWipeTime, wipeKindOf } from '../../../shared/devices/wipe.ts';
import { enrolledDevice } from '../../support/partition.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const later = ({ minutes = 0, days = 0 }) => new Date(NOW.getTime() + (days * 1_440 + minutes) * 60_000);
const answered = (status: number, kind = 'doWipe'): Device =>
  noteWipeAnswer(enrolledDevice(), { kind, command: '000000000001', status }, NOW);

describe('a wipe', () => {
  test.each([
    ['./Device/Vendor/MSFT/RemoteWipe/doWipe', 'doWipe'],
    ['./Vendor/MSFT/RemoteWipe/doWipeCloudPersistUserData', 'doWipeCloudPersistUserData'],
    ['./device/vendor/msft/remotewipe/dowipeprotected', 'dowipeprotected'],
    ['./Device/Vendor/MSFT/RemoteWipe/AutomaticRedeployment/doAutomaticRedeployment', undefined],
    ['./Device/Vendor/MSFT/RemoteWipe', undefined],
    ['./Device/Vendor/MSFT/Reboot/RebootNow', undefined],
  ])('is known by its node: %s is %s', (target, kind) => {
    expect(wipeKindOf(target)).toBe(kind);
  });

  test.each([
    [200, 'accepted'],
    [202, 'accepted'],
    [500, 'failed'],
    [405, 'failed'],
  ])('that is answered %d is %s', (status, state) => {
    const { wipe } = answered(status);
    expect(wipe).toMatchObject({ kind: 'doWipe', state, command: '000000000001', since: NOW.toISOString() });
    expect(wipe?.acceptedAt).toBe(state === 'accepted' ? NOW.toISOString() : undefined);
  });

  test('gives hints where they help', () => {
    expect(answered(500).wipe?.reason).toContain('Recovery Environment');
    expect(answered(405).wipe?.reason).not.toContain('Recovery Environment');
    expect(answered(200, 'doWipeProtected').wipe?.reason).toContain('may not start');
    expect(answered(200).wipe?.reason).not.toContain('may not start');
  });

  test.each([
    [10, 'accepted'],
    [11, 'notDone'],
  ])('of a device that calls %d minutes later is %s', (minutes, state) => {
    expect(noteCallAfterWipe(answered(200), later({ minutes })).wipe?.state).toBe(state);
  });

  test('that silence has shown turns out not to be done when the device calls', () => {
    const wiped = passWipeTime(answered(200), undefined, later({ days: 8 }))!;
    expect(wiped).toMatchObject({ state: 'wiped', wipe: { state: 'wiped' } });
    expect(noteCallAfterWipe(wiped, later({ days: 9 }))).toMatchObject({ state: 'wiped', wipe: { state: 'notDone' } });
  });

  test('that failed does not come by silence', () => {
    for (const device of [answered(500), enrolledDevice()]) {
      expect(passWipeTime(device, undefined, later({ days: 100 }))).toBeUndefined();
      expect(noteCallAfterWipe(device, later({ days: 101 }))).toBe(device);
    }
  });

  test('that began late counts by silence since the last contact, and the reason says that it called in between', () => {
    const notDone = noteCallAfterWipe(answered(200), later({ minutes: 15 }));
    expect(notDone.wipe).toMatchObject({ state: 'notDone', reason: expect.stringContaining('silent for 7 days') });
    const contact = later({ minutes: 20 }).toISOString();
    expect(passWipeTime(notDone, contact, later({ days: 7, minutes: 20 }))).toBeUndefined();
    const wiped = passWipeTime(notDone, contact, later({ days: 7, minutes: 21 }))!;
    expect(wiped).toMatchObject({ state: 'wiped', wipe: { state: 'wiped' } });
    expect(wiped.wipe?.reason).toMatch(/called .*2026-03-01 12:20.* silent for 7 days since/);
    expect(noteCallAfterWipe(wiped, later({ days: 20 })).wipe?.state).toBe('notDone');
  });

  test('of a device that went on calling for more than a week is not done, however silent it is later', () => {
    const notDone = noteCallAfterWipe(answered(200), later({ days: 1 }));
    expect(passWipeTime(notDone, later({ days: 8 }).toISOString(), later({ days: 100 }))).toBeUndefined();
    expect(noteCallAfterWipe(answered(200), later({ days: 9 })).wipe?.reason).not.toContain('silent');
  });

  test('counts silence from the last word of the device on', () => {
    const contact = later({ minutes: 5 }).toISOString();
    expect(passWipeTime(answered(200), contact, later({ days: 7, minutes: 5 }))).toBeUndefined();
    expect(passWipeTime(answered(200), contact, later({ days: 7, minutes: 6 }))?.state).toBe('wiped');
  });

  test.each(['unenrolled', 'superseded', 'retired', 'wiped', 'blocked'] as const)(
    'changes nothing about a device that is %s',
    (state) => {
      expect(passWipeTime({ ...answered(200), state }, undefined, later({ days: 8 }))).toBeUndefined();
    },
  );
});
