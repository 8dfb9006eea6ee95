import { describe, expect, test } from 'vitest';
import type { Device, DeviceState, Unenroll, UnenrollState } from '../../../shared/devices/device.ts';
import {
  callOff,
  confirm,
  goesBehindQueue,
  hold,
  isDue,
  keepsCommandsBack,
  markSent,
  noteCallAfterLeaving,
  passTime,
  refuse,
  reportFailure,
  requestUnenroll,
  stayedAfterDelivery,
} from '../../../shared/devices/unenroll.ts';
import { enrolledDevice } from '../../support/partition.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const EARLIER = '2026-02-01T12:00:00.000Z';
const later = (days: number) => new Date(NOW.getTime() + days * 86_400_000);

function device(unenroll?: Partial<Unenroll>, state: DeviceState = 'unenrolling'): Device {
  const whole: Unenroll = {
    state: 'waiting',
    since: EARLIER,
    reason: 'as it was',
    requestedAt: EARLIER,
    requestedBy: 'kim',
    deliveries: 0,
    refusals: 0,
    ...unenroll,
  };
  return enrolledDevice(unenroll ? { state, unenroll: whole } : {});
}

const ALL: UnenrollState[] = ['waiting', 'held', 'sent', 'confirmed', 'silent', 'failed', 'neverDelivered'];

describe('asking for an unenroll', () => {
  test('of an enrolled device makes it wait for the next session', () => {
    expect(requestUnenroll(device(), { by: 'sam' }, NOW)).toMatchObject({
      state: 'unenrolling',
      unenroll: { state: 'waiting', since: NOW.toISOString(), requestedBy: 'sam', deliveries: 0, refusals: 0 },
    });
  });

  test.each(['waiting', 'sent'] as const)('again while it is %s keeps what has happened so far', (state) => {
    const before = device({ state, deliveries: 2, refusals: 1 });
    const acceptRisk = { person: 'sam', reason: 'scrapped' };
    expect(requestUnenroll(before, { by: 'sam', acceptRisk }, NOW).unenroll).toEqual({
      ...before.unenroll,
      acceptedRisk: { ...acceptRisk, at: NOW.toISOString() },
    });
  });

  test.each(['held', 'failed', 'neverDelivered'] as const)('again after it was %s begins anew', (state) => {
    const next = requestUnenroll(device({ state, deliveries: 3, refusals: 3 }), { by: 'sam' }, NOW);
    expect(next.unenroll).toMatchObject({ state: 'waiting', deliveries: 0, refusals: 0, requestedBy: 'sam' });
  });

  test('keeps the risk that a person has taken', () => {
    const acceptedRisk = { person: 'kim', reason: 'old', at: EARLIER };
    expect(requestUnenroll(device({ acceptedRisk }), { by: 'sam' }, NOW).unenroll?.acceptedRisk).toEqual(acceptedRisk);
  });
});

describe('calling it off', () => {
  test.each(ALL)('while it is %s', (state) => {
    const off = callOff(device({ state }));
    const can = ['waiting', 'held', 'failed', 'neverDelivered'].includes(state);
    if (can) expect(off).toMatchObject({ state: 'enrolled', unenroll: undefined });
    else expect(off).toBeUndefined();
  });

  test('is not possible where none was asked for, or the device has left', () => {
    expect(callOff(device())).toBeUndefined();
    expect(callOff(device({ state: 'failed' }, 'unenrolled'))).toBeUndefined();
  });

  test('clears what is left of a Disconnect that failed on an enrolled device', () => {
    const failed = reportFailure(device(), '2', NOW);
    expect(failed).toMatchObject({ state: 'enrolled', unenroll: { state: 'failed', requestedBy: 'device' } });
    expect(callOff(failed)).toEqual({ ...failed, unenroll: undefined });
  });
});

describe('a step', () => {
  test.each([
    ['hold', (d: Device) => hold(d, 'a join', NOW), { state: 'held', reason: 'a join' }],
    ['markSent', (d: Device) => markSent(d, NOW), { state: 'sent', deliveries: 1, lastSentAt: NOW.toISOString() }],
    ['confirm', (d: Device) => confirm(d, NOW), { state: 'confirmed' }],
    [
      'reportFailure',
      (d: Device) => reportFailure(d, '2', NOW),
      { state: 'failed', reason: expect.stringContaining('2') },
    ],
    ['refuse', (d: Device) => refuse(d, 'It stayed.', NOW), { state: 'waiting', refusals: 1 }],
  ])('%s keeps who asked and when', (_, take, expected) => {
    const next = take(device({ state: 'sent' }));
    expect(next.unenroll).toMatchObject({ requestedAt: EARLIER, requestedBy: 'kim', ...expected });
  });

  test('that leads to the same state keeps the time since when', () => {
    expect(hold(device({ state: 'held' }), 'again', NOW).unenroll).toMatchObject({ since: EARLIER, reason: 'again' });
    expect(hold(device({ state: 'waiting' }), 'new', NOW).unenroll?.since).toBe(NOW.toISOString());
  });

  test('the third refusal waits for a person, and says how often', () => {
    const next = refuse(device({ state: 'sent', refusals: 2 }), 'Status 405.', NOW);
    expect(next.unenroll).toMatchObject({ state: 'failed', refusals: 3, reason: expect.stringContaining('3') });
    expect(next.state).toBe('unenrolling');
  });

  test('a failure report of any length is kept short', () => {
    expect(reportFailure(device({}), 'x'.repeat(5_000), NOW).unenroll?.reason.length).toBeLessThan(300);
  });
});

describe('a confirmation', () => {
  test.each([
    ['enrolled', 'unenrolled'],
    ['unenrolling', 'unenrolled'],
    ['unenrolled', 'unenrolled'],
    ['superseded', 'superseded'],
    ['wiped', 'wiped'],
    ['retired', 'retired'],
  ] as const)('from a device that is %s leaves it %s', (before, after) => {
    expect(confirm(device({ state: 'sent' }, before), NOW).state).toBe(after);
  });

  test('of what nobody asked for names the user', () => {
    expect(confirm(device(), NOW).unenroll).toMatchObject({
      requestedBy: 'device',
      reason: expect.stringContaining('user'),
    });
    expect(confirm(device({ state: 'waiting' }), NOW).unenroll?.reason).toContain('user');
  });

  test('of what was sent does not', () => {
    expect(confirm(device({ state: 'sent', deliveries: 1 }), NOW).unenroll?.reason).not.toContain('user');
  });

  test('that comes again changes nothing', () => {
    const once = confirm(device({ state: 'sent', deliveries: 1 }), NOW);
    expect(confirm(once, later(1))).toEqual(once);
  });

  test('that comes after the silence is still one of what was sent', () => {
    const silent = passTime(device({ state: 'sent', deliveries: 1, lastSentAt: EARLIER }), undefined, NOW)!;
    expect(confirm(silent, NOW).unenroll).toMatchObject({ state: 'confirmed' });
    expect(confirm(silent, NOW).unenroll?.reason).not.toContain('user');
  });
});

describe('the Unenroll command', () => {
  test.each(ALL)('is due or not while the request is %s', (state) => {
    expect(isDue(device({ state }).unenroll)).toBe(!['confirmed', 'failed'].includes(state));
  });

  test('is not due without a request', () => {
    expect(isDue(undefined)).toBe(false);
  });

  test('sent to an enrollment that is over counts the delivery and changes nothing else', () => {
    const left = device({ state: 'confirmed' }, 'unenrolled');
    expect(markSent(left, NOW)).toEqual({
      ...left,
      unenroll: { ...left.unenroll, deliveries: 1, lastSentAt: NOW.toISOString() },
    });
    const superseded = enrolledDevice({ state: 'superseded' });
    expect(markSent(superseded, NOW)).toBe(superseded);
  });

  test.each([
    ['sent', 9, false],
    ['sent', 10, false],
    ['sent', 10.1, true],
    ['sent', -5, false],
    ['waiting', 60, false],
    ['confirmed', 60, false],
  ] as const)('%s %d minutes ago and no 1226: the device stayed is %s', (state, minutes, stayed) => {
    const lastSentAt = new Date(NOW.getTime() - minutes * 60_000).toISOString();
    expect(stayedAfterDelivery(device({ state, lastSentAt }).unenroll, NOW)).toBe(stayed);
  });
});

describe('time alone', () => {
  const ago = (days: number) => later(-days).toISOString();
  const valid = { notAfter: later(300).toISOString() };

  function passed(unenroll: Partial<Unenroll>, lastContact?: string, notAfter = valid.notAfter): string | undefined {
    const base = device(unenroll);
    const certificates = base.certificates.map((certificate) => ({ ...certificate, notAfter }));
    const next = passTime({ ...base, certificates }, lastContact, NOW);
    return next && `${next.state} ${next.unenroll?.state}`;
  }

  test.each([
    ['7 days after delivery nothing is certain', { state: 'sent', lastSentAt: ago(7) }, undefined, undefined],
    ['a little later silence is the answer', { state: 'sent', lastSentAt: ago(7.01) }, undefined, 'unenrolled silent'],
    ['90 days after the request it may still call', { requestedAt: ago(90) }, undefined, undefined],
    [
      'told, stayed, and silent for 90 days since',
      { requestedAt: ago(100), deliveries: 1, refusals: 1 },
      ago(91),
      'unenrolled silent',
    ],
    ['a little later it is not expected', { requestedAt: ago(90.1) }, undefined, 'unenrolling neverDelivered'],
    [
      'a device that is held counts alike',
      { state: 'held', requestedAt: ago(91) },
      undefined,
      'unenrolling neverDelivered',
    ],
    ['a contact since the request begins the wait anew', { requestedAt: ago(120) }, ago(30), undefined],
    ['an older contact does not', { requestedAt: ago(91) }, ago(200), 'unenrolling neverDelivered'],
    ['what has failed waits for a person', { state: 'failed', requestedAt: ago(200) }, undefined, undefined],
    ['what is not expected stays so', { state: 'neverDelivered', requestedAt: ago(200) }, undefined, undefined],
  ] as [string, Partial<Unenroll>, string | undefined, string | undefined][])(
    '%s',
    (_, unenroll, contact, expected) => {
      expect(passed(unenroll, contact)).toBe(expected);
    },
  );

  test('a device whose certificates have ended cannot call any more', () => {
    expect(passed({ requestedAt: ago(1) }, undefined, ago(0.1))).toBe('unenrolling neverDelivered');
    expect(passed({ requestedAt: ago(1) }, undefined, later(1).toISOString())).toBeUndefined();
  });

  test('does nothing to a device that is not to leave, or has left', () => {
    expect(passTime(device(), undefined, later(1_000))).toBeUndefined();
    expect(passTime(device({ state: 'sent' }, 'unenrolled'), undefined, later(1_000))).toBeUndefined();
  });
});

describe('a request', () => {
  const account = { name: 'rescue', command: '000000000001' };

  test('goes at once unless it is to go behind the queue, and at once overtakes that', () => {
    const behind = requestUnenroll(device(), { by: 'sam', after: 'queue' }, NOW);
    expect([goesBehindQueue(behind), keepsCommandsBack(behind)]).toEqual([true, false]);
    expect(behind.unenroll?.reason).toContain('commands before it');
    const atOnce = requestUnenroll(behind, { by: 'sam' }, NOW);
    expect([goesBehindQueue(atOnce), keepsCommandsBack(atOnce)]).toEqual([false, true]);
    expect(atOnce.unenroll?.reason).not.toContain('commands before it');
    const later = requestUnenroll(atOnce, { by: 'sam', after: 'queue' }, NOW);
    expect(goesBehindQueue(later)).toBe(false);
  });

  test('says who asked for what shows that nobody is locked out', () => {
    const { unenroll } = requestUnenroll(device(), { by: 'sam', localAdministrator: account }, NOW);
    expect(unenroll).toMatchObject({
      reason: expect.stringContaining('rescue'),
      localAdministrator: { ...account, state: 'asked', by: 'sam', askedAt: NOW.toISOString() },
    });
  });

  test.each(['waiting', 'sent'] as const)('that is %s keeps it when it is asked for again', (state) => {
    const before = requestUnenroll(device({ state }), { by: 'kim', localAdministrator: account }, NOW);
    const after = requestUnenroll(before, { by: 'sam', laps: { command: '000000000002' } }, NOW);
    expect(after.unenroll?.localAdministrator).toEqual(before.unenroll?.localAdministrator);
    expect(after.unenroll?.laps).toMatchObject({ state: 'asked', by: 'sam' });
  });

  test.each(['held', 'failed', 'neverDelivered'] as const)('that was %s takes nothing over into the next', (state) => {
    const before = device({
      state,
      localAdministrator: { ...account, state: 'confirmed', reason: '', by: 'kim', askedAt: EARLIER },
    });
    expect(requestUnenroll(before, { by: 'sam' }, NOW).unenroll?.localAdministrator).toBeUndefined();
  });
});

describe('what the device answered', () => {
  test('is kept with its failure or refusal, and forgotten when it leaves after all', () => {
    const failed = reportFailure(device({ state: 'sent', deliveries: 1 }), 'AADJ Unregister Failed', NOW);
    expect(failed.unenroll?.code).toBe('AADJ Unregister Failed');
    const refused = refuse(device({ state: 'sent', deliveries: 1 }), 'Status 405.', NOW, '405');
    expect(refused.unenroll?.code).toBe('405');
    expect(confirm(refused, NOW).unenroll?.code).toBeUndefined();
  });
});

describe('a call of a device that has left', () => {
  const left = (state: DeviceState) => device({ state: 'confirmed', since: NOW.toISOString() }, state);
  const minutes = (n: number) => new Date(NOW.getTime() + n * 60_000);

  test.each([
    ['while it may be cleaning up', 'unenrolled', 10, false],
    ['after some delay', 'unenrolled', 11, true],
    ['after a wipe', 'wiped', 11, true],
    ['that is to leave and has not', 'unenrolling', 11, false],
  ] as const)('%s', (_, state, after, noted) => {
    const next = noteCallAfterLeaving(left(state), minutes(after));
    expect(next.calledAfterLeaving).toBe(noted ? minutes(after).toISOString() : undefined);
    expect(next.state).toBe(state);
  });

  test('of which silence was the evidence shows at once that it has not', () => {
    expect(reportFailure(device({ state: 'silent' }, 'unenrolled'), '2', NOW)).toMatchObject({
      state: 'unenrolled',
      calledAfterLeaving: NOW.toISOString(),
    });
    expect(noteCallAfterLeaving(device({ state: 'silent' }, 'unenrolled'), NOW).calledAfterLeaving).toBe(
      NOW.toISOString(),
    );
  });

  test('says nothing where the same PC enrolled anew', () => {
    const before = { ...left('superseded'), supersededBecause: 'return' as const };
    expect(noteCallAfterLeaving(before, minutes(60))).toBe(before);
  });

  test('is taken back by its next report', () => {
    const called = noteCallAfterLeaving(left('unenrolled'), minutes(60));
    expect(confirm(called, minutes(61)).calledAfterLeaving).toBeUndefined();
  });
});
