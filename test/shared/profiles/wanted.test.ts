import { describe, expect, test } from 'vitest';
import type { JoinKind } from '../../../shared/devices/device.ts';
import { overlapOf } from '../../../shared/profiles/assignment.ts';
import { conflictsOf } from '../../../shared/profiles/conflicts.ts';
import type { Profile } from '../../../shared/profiles/profile.ts';
import { desiredState } from '../../../shared/profiles/wanted.ts';
import { POLICY, profile, setting } from '../../support/profiles.ts';

const DEVICE = { id: 'd1', user: 'Kim@example.org', tags: ['sales'] };
const NOBODY: Profile['assignedTo'] = { all: false, devices: [], users: [], tags: [] };
const to = (more: Partial<Profile['assignedTo']>) => ({ assignedTo: { ...NOBODY, ...more } });

describe('a profile applies to a device', () => {
  test.each([
    ['when it is for all', { all: true }, true],
    ['when it names the device', { devices: ['d1'] }, true],
    ['when it names its user, however it is written', { users: ['kim@example.org'] }, true],
    ['when it names one of its tags', { tags: ['it', 'sales'] }, true],
    ['not when it names others', { devices: ['d2'], users: ['sam@example.org'], tags: ['it'] }, false],
    ['not when it names nobody', {}, false],
  ])('%s: %o', (_, assignedTo, applies) => {
    const { profiles } = desiredState(DEVICE, [profile('p', [setting(POLICY('A'), '1')], to(assignedTo))]);
    expect(profiles).toEqual(applies ? ['p'] : []);
  });
});

test('a device that enrolled anew keeps what was assigned to it by its old id, and what is taken from it', () => {
  const profiles = [profile('p', [setting(POLICY('A'), '1')], to({ devices: ['d0'] }))];
  expect(desiredState(DEVICE, profiles).profiles).toEqual([]);
  expect(desiredState({ ...DEVICE, formerIds: ['d-1', 'd0'] }, profiles).profiles).toEqual(['p']);
});

describe('two profiles', () => {
  const a = profile('a', [setting(POLICY('A'), '1'), setting(POLICY('B'), '1')]);

  test('that ask for the same are both served by one setting', () => {
    const { settings } = desiredState(DEVICE, [a, profile('b', [setting('./Vendor/MSFT/Policy/Config/Test/A', '1')])]);
    expect([...settings.values()].map(({ profiles, held }) => [profiles, held])).toEqual([
      [['a', 'b'], undefined],
      [['a'], undefined],
    ]);
  });

  test('that ask for different values are a conflict about that setting alone', () => {
    const { settings } = desiredState(DEVICE, [a, profile('b', [setting(POLICY('A'), '2')])]);
    expect([...settings.values()].map(({ held }) => held?.because)).toEqual(['conflict', undefined]);
    expect([...settings.values()][0]?.held?.reason).toContain('a, b');
  });

  test('stay a conflict when a third agrees with one of them', () => {
    const others = ['2', '1'].map((value, index) => profile(`b${index}`, [setting(POLICY('A'), value)]));
    const { settings } = desiredState(DEVICE, [a, ...others]);
    expect([...settings.values()][0]).toMatchObject({ profiles: ['a', 'b0', 'b1'], held: { because: 'conflict' } });
  });

  test('are named as a pair where they may meet', () => {
    const b = profile('b', [setting(POLICY('A'), '2')], to({ tags: ['it'] }));
    const c = profile('c', [setting(POLICY('A'), '3')], to({ users: ['sam@example.org'] }));
    const d = profile('d', [setting(POLICY('A'), '4')], to({}));
    expect(conflictsOf([b, c, d]).map(({ profiles, overlap }) => [...profiles, overlap])).toEqual([
      ['b', 'c', 'possible'],
    ]);
    expect(conflictsOf([a, b]).map(({ overlap }) => overlap)).toEqual(['certain']);
  });

  test('for other devices do not meet', () => {
    const one = { ...NOBODY, devices: ['d1'] };
    expect(overlapOf(one, { ...NOBODY, devices: ['d2'] })).toBeUndefined();
    expect(overlapOf(one, { ...NOBODY, tags: ['sales'] })).toBe('possible');
  });
});

describe('encryption', () => {
  const required = (value: string) =>
    profile('p', [setting('./Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption', value, 'int')]);
  const heldBy = (kind: JoinKind | undefined, value = '1') => {
    const join = kind && { kind, readAt: '2026-01-01T00:00:00.000Z' };
    const { settings } = desiredState({ ...DEVICE, ...(join && { join }) }, [required(value)]);
    return [...settings.values()][0]?.held;
  };

  test.each<[JoinKind | undefined, string | undefined]>([
    ['joined', undefined],
    ['hybrid', undefined],
    ['none', 'refused'],
    ['registered', 'refused'],
    ['domain', 'refused'],
    ['unknown', 'join'],
    [undefined, 'join'],
  ])('is not required of a device whose recovery key can be kept nowhere: join %s gives %s', (kind, because) => {
    expect(heldBy(kind)?.because).toBe(because);
  });

  test('is refused with the reason', () => {
    expect(heldBy('none')?.reason).toMatch(/neither joined to Entra nor hybrid joined.*recovery key/);
  });

  test('may be asked not to be required anywhere', () => {
    expect(heldBy('none', '0')).toBeUndefined();
  });
});

test('a device has 32 profiles at most, and says which it leaves out', () => {
  const many = Array.from({ length: 34 }, (_, n) => profile(`p${n + 10}`, [setting(POLICY(`N${n}`), '1')]));
  const { profiles, leftOut, settings } = desiredState(DEVICE, many.toReversed());
  expect([profiles.length, settings.size]).toEqual([32, 32]);
  expect(leftOut.map((each) => each.profile)).toEqual(['p42', 'p43']);
});

test('a device has 300 settings at most', () => {
  const large = (name: string) =>
    profile(
      name,
      Array.from({ length: 64 }, (_, n) => setting(POLICY(`${name}${n}`), '1')),
    );
  const { settings, leftOut } = desiredState(DEVICE, ['a', 'b', 'c', 'd', 'e', 'f'].map(large));
  expect(settings.size).toBe(256);
  expect(leftOut.map((each) => each.profile)).toEqual(['e', 'f']);
});
