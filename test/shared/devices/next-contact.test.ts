import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import type { Device } from '../../../shared/devices/device.ts';
import { keptSchedule, nextContact } from '../../../shared/devices/next-contact.ts';
import { enrolledDevice } from '../../support/partition.ts';

const ENROLLED = Date.parse('2026-01-01T00:00:00.000Z');
const at = (minutes: number) => new Date(ENROLLED + minutes * 60_000);
const poll = (given: object) => policySchema.parse({ poll: given }).poll;
const TODAY = poll({});
const RARELY = poll({ first: { intervalMinutes: 30, count: 2 }, remaining: { intervalMinutes: 1_440 } });

/** @param last the last contact, in minutes since the enrollment */
function contact(change: Partial<Device>, last: number, now: number, policy = TODAY) {
  return nextContact(enrolledDevice(change), at(last).toISOString(), policy, at(now))!;
}

describe('when a device is due', () => {
  test.each([
    [0, 15],
    [60, 15],
    [75, 60],
    [674, 60],
    [675, 480],
    [100_000, 480],
  ])('%i minutes after its enrollment it calls again after %i', (last, minutes) => {
    expect(contact({}, last, last)).toMatchObject({ due: at(last + minutes).toISOString(), everyMinutes: minutes });
  });

  test('goes by the schedule that it was given when it enrolled, whatever the settings are today', () => {
    const given = { poll: keptSchedule(RARELY) };
    expect(contact(given, 10_000, 10_500)).toMatchObject({
      due: at(11_440).toISOString(),
      everyMinutes: 1_440,
      overdue: false,
    });
    expect(contact(given, 0, 0).everyMinutes).toBe(30);
  });

  test('goes by the settings for one whose record does not say what it was given', () => {
    expect(contact({}, 10_000, 10_500, RARELY)).toMatchObject({ everyMinutes: 1_440, overdue: false });
  });

  test('goes by what it was told later', () => {
    expect(contact({ poll: keptSchedule(RARELY), pollEveryMinutes: 120 }, 10_000, 10_000).everyMinutes).toBe(120);
  });

  test('says what somebody at the PC runs to have it call, for its own enrollment', () => {
    const { commandLine } = contact({ providerId: 'Contoso' }, 0, 0);
    expect(commandLine).toContain("'Contoso'");
    expect(commandLine).toContain('HKLM:\\SOFTWARE\\Microsoft\\Enrollments');
    expect(commandLine).toMatch(/deviceenroller\.exe"? \/o \S+ \/c\b/);
    expect(commandLine).not.toContain('\n');
  });

  test.each(['unenrolled', 'blocked', 'superseded'] as const)('is not said of one that is %s', (state) => {
    expect(nextContact(enrolledDevice({ state }), undefined, TODAY, at(0))).toBeUndefined();
  });
});
