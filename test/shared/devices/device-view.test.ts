import { describe, expect, test } from 'vitest';
import type { Device } from '../../../shared/devices/device.ts';
import { deviceView } from '../../../shared/devices/device-view.ts';
import { enrolledDevice } from '../../support/partition.ts';

const AT = '2026-01-02T08:00:00.000Z';
const view = (change: Partial<Device>) => deviceView(enrolledDevice(change), undefined);
const forbidding = (status?: number) => ({
  'deviceDefaults.userMayDisconnect': { hash: 'h', at: AT, sent: 1, ...(status ? { status } : {}) },
});

describe('whether the user of a PC can disconnect it', () => {
  test.each<[string, Partial<Device>, boolean, RegExp]>([
    ['enrolled in Settings', {}, true, /in Settings/],
    [
      'enrolled in bulk',
      { admission: { way: 'invitation', kind: 'deviceOnly', bulk: true }, enrollmentType: 'Device' },
      true,
      /in bulk/,
    ],
    ['that came with an Entra join', { admission: { way: 'entra', kind: 'join' } }, false, /out of Entra/],
    ['that came with a work account', { admission: { way: 'entra', kind: 'workAccount' } }, false, /that account/],
    [
      'that is joined to Entra and was enrolled in Settings afterwards',
      { join: { kind: 'joined', readAt: AT } },
      true,
      /in Settings/,
    ],
    ['that was forbidden to', { defaults: forbidding(200) }, false, /AllowManualMDMUnenrollment/],
    ['that has not heard of the ban yet', { defaults: forbidding() }, true, /not answered/],
    ['that does not know the ban', { defaults: forbidding(404) }, true, /404/],
    [
      'that is being freed of the ban',
      { defaults: { 'deviceDefaults.userMayDisconnect': { at: AT, sent: 1 } } },
      true,
      /in Settings/,
    ],
  ])('is said of one %s', (_, change, allowed, reason) => {
    expect(view(change).userCanDisconnect).toEqual({ allowed, reason: expect.stringMatching(reason) });
  });

  test('is not said of one that has left', () => {
    expect(view({ state: 'unenrolled' }).userCanDisconnect).toBeUndefined();
  });
});

describe('the notes on a PC', () => {
  test('say nothing of an ordinary one', () => {
    expect(view({}).notes).toEqual([]);
  });

  test('say from the enrollment on whom settings reach in a domain', () => {
    expect(view({ context: { DomainName: 'corp.example' } }).notes.join()).toMatch(
      /corp\.example.*kim@example\.org alone/,
    );
  });

  test('go by what the PC says later, when it has left the domain', () => {
    const join = { kind: 'none' as const, readAt: AT };
    expect(view({ context: { DomainName: 'corp.example' }, join }).notes).toEqual([]);
  });

  test('say that one that was enrolled in bulk has no user', () => {
    const admission = { way: 'invitation' as const, kind: 'deviceOnly' as const, bulk: true };
    expect(view({ admission, enrollmentType: 'Device' }).notes).toEqual([expect.stringMatching(/no person\.$/)]);
    expect(view({ admission, enrollmentType: 'Full' }).notes).toEqual([expect.stringMatching(/typed the secret/)]);
  });

  test('say under what a PC that enrolled anew was known, and what of that holds on', () => {
    expect(view({ formerIds: ['d1', 'd2'], tags: ['sales'] }).notes).toEqual([
      expect.stringMatching(/enrolled before, as d1, d2\..*its tags \(sales\).*assigned/),
    ]);
    expect(view({ formerIds: ['d1'] }).notes.join()).not.toContain('tags');
  });

  test('say that a new name waits for a restart', () => {
    const named = (status: number) => ({
      defaults: { 'deviceDefaults.nameTemplate': { hash: 'h', at: AT, sent: 1, status } },
    });
    expect(view(named(200)).notes).toEqual([expect.stringMatching(/after its next restart/)]);
    expect(view(named(404)).notes).toEqual([]);
  });
});

test('what a PC was given by default is shown by the name of the setting', () => {
  const defaults = {
    'support.phone': { hash: 'h', at: AT, sent: 1, status: 200 },
    'support.email': { hash: 'h', at: AT, sent: 2, status: 405 },
    'support.website': { hash: 'h', at: AT, sent: 1 },
  };
  expect(view({ defaults }).defaults).toEqual({
    'support.phone': { state: 'done', at: AT, status: 200 },
    'support.email': { state: 'failed', at: AT, status: 405 },
    'support.website': { state: 'waiting', at: AT },
  });
});
