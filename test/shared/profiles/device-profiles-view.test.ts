import { describe, expect, test } from 'vitest';
import type { Device } from '../../../shared/devices/device.ts';
import { listEntry } from '../../../shared/devices/device-list.ts';
import { deviceView } from '../../../shared/devices/device-view.ts';
import { requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { deviceProfilesView } from '../../../shared/profiles/device-profiles-view.ts';
import { UNREADABLE } from '../../../shared/profiles/outcome.ts';
import type { Profile } from '../../../shared/profiles/profile.ts';
import type { Attempt, SettingState } from '../../../shared/profiles/setting-state.ts';
import { enrolledDevice } from '../../support/partition.ts';
import { POLICY, profile, setting } from '../../support/profiles.ts';

const NOW = new Date('2026-03-01T08:00:00.000Z');
const A = setting(POLICY('A'), '1', 'int');
const B = setting(POLICY('B'), '1', 'int');
const ENCRYPTION = setting('./Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption', '1', 'int');
const ATTEMPT: Attempt = { hash: A.hash, verb: 'Replace', at: NOW.toISOString(), session: 's1', sends: 1 };
const joined = (kind: 'none' | 'joined') => ({ join: { kind, readAt: NOW.toISOString() } });

const view = (profiles: Profile[], device: Partial<Device> = {}, states: readonly SettingState[] = []) => {
  const settings = Object.fromEntries(states.map((state) => [setting(state.target, '').node, state]));
  return deviceProfilesView(enrolledDevice(device), { settings }, profiles, NOW);
};
const shown = (...given: Parameters<typeof view>) =>
  view(...given).settings.map(({ state, waitingFor, blockedBy }) => [state, waitingFor, blockedBy]);

describe('the settings of an Atomic profile', () => {
  const atomic = (...settings: Profile['settings']) => profile('p', settings, { atomic: true });

  test('wait for the one that is refused, which is named', () => {
    const { settings } = view([atomic(A, ENCRYPTION)], joined('none'));
    expect(settings).toMatchObject([
      { state: 'waiting', waitingFor: 'group', blockedBy: ENCRYPTION.target },
      { state: 'refused', reason: expect.stringContaining('recovery key') },
    ]);
    expect(settings[0]?.reason).toContain(`${ENCRYPTION.target}, which is refused`);
  });

  test.each<[string, SettingState]>([
    ['notApplicable', { target: B.target, attempt: { ...ATTEMPT, status: 404, ended: 'notApplicable' } }],
    ['rejected', { target: B.target, attempt: { ...ATTEMPT, aborts: 3, ended: 'rejected' } }],
    [
      'failed',
      { target: B.target, attempt: { ...ATTEMPT, status: 500, failures: 3, retryAt: '2026-03-02T08:00:00.000Z' } },
    ],
    ['failed', { target: B.target, attempt: { ...ATTEMPT, status: UNREADABLE, failures: 1 } }],
  ])('wait for one that is %s', (verdict, state) => {
    const { settings } = view([atomic(A, B)], {}, [state]);
    expect(settings).toMatchObject([
      { state: 'waiting', waitingFor: 'group', blockedBy: B.target },
      { state: verdict },
    ]);
    expect(settings[1]).not.toHaveProperty('blockedBy');
  });

  test('that were taken back with it have failed, and say with what', () => {
    const retryAt = '2026-03-02T08:00:00.000Z';
    const states: SettingState[] = [
      { target: A.target, attempt: { ...ATTEMPT, status: 216, failures: 2, again: true } },
      { target: B.target, attempt: { ...ATTEMPT, status: 500, failures: 2, retryAt } },
    ];
    expect(shown([atomic(A, B)], {}, states)).toEqual([
      ['failed', 'group', B.target],
      ['failed', 'retry', undefined],
    ]);
  });

  test('wait for one over which two profiles disagree', () => {
    expect(shown([atomic(A, B), profile('q', [setting(POLICY('B'), '2', 'int')])])).toEqual([
      ['waiting', 'group', B.target],
      ['conflict', undefined, undefined],
    ]);
  });

  test('wait for nothing but the next session where all can be sent or are there', () => {
    expect(shown([atomic(A, ENCRYPTION)], joined('joined'))).toEqual([
      ['waiting', undefined, undefined],
      ['waiting', undefined, undefined],
    ]);
    expect(shown([atomic(A, B)], {}, [{ target: B.target, set: B.hash }])).toEqual([
      ['waiting', undefined, undefined],
      ['done', undefined, undefined],
    ]);
  });

  test('keep no others back, and what is there already is done', () => {
    const other = setting(POLICY('C'), '1', 'int');
    const states = [{ target: A.target, set: A.hash }];
    expect(shown([atomic(A, ENCRYPTION), profile('q', [other])], joined('none'), states)).toEqual([
      ['done', undefined, undefined],
      ['refused', undefined, undefined],
      ['waiting', undefined, undefined],
    ]);
  });
});

describe('a device that is not kept as its profiles say', () => {
  const problem = { p: { state: 'failed', since: NOW.toISOString() } } as const;
  const unenroll = (state: NonNullable<Device['unenroll']>['state']) => {
    const asked = requestUnenroll(enrolledDevice(), { by: 'kim' }, NOW);
    return { state: asked.state, unenroll: { ...asked.unenroll!, state } };
  };
  const look = (device: Partial<Device>) => {
    const whole = enrolledDevice({ ...device, profileProblems: problem });
    return {
      profiles: view([profile('p', [A])], device, [{ target: A.target, set: A.hash }]),
      problems: [deviceView(whole, undefined).profileProblems, listEntry(whole, undefined).profileProblems],
    };
  };

  test.each<[string, Partial<Device>, RegExp]>([
    ['is unenrolled', { state: 'unenrolled' }, /is unenrolled/],
    ['is wiped', { state: 'wiped' }, /is wiped/],
    ['is retired', { state: 'retired' }, /is retired/],
    ['was enrolled anew', { state: 'superseded', supersededBy: 'd2' }, /is superseded by d2/],
    ['is blocked', { state: 'blocked' }, /is blocked.*stays/],
    ['is to leave', unenroll('waiting'), /asked to leave/],
    ['is held by the gate', unenroll('held'), /asked to leave/],
  ])('since it %s says so, and neither states nor problems', (_, device, note) => {
    const { profiles, problems } = look(device);
    expect(profiles).toMatchObject({
      deviceState: device.state,
      profiles: [],
      settings: [],
      conflicts: [],
      leftOut: [],
    });
    expect(profiles.note).toMatch(note);
    expect(problems).toEqual([undefined, undefined]);
  });

  test.each<[string, Partial<Device>]>([
    ['is enrolled', { state: 'enrolled' }],
    ['could not be unenrolled', unenroll('failed')],
  ])('is not one that %s', (_, device) => {
    const { profiles, problems } = look(device);
    expect(profiles).toMatchObject({ deviceState: device.state, profiles: ['p'], settings: [{ state: 'done' }] });
    expect(profiles).not.toHaveProperty('note');
    expect(problems).toEqual([problem, problem]);
  });
});
