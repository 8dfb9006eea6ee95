import { describe, expect, test } from 'vitest';
import type { Join, Unenroll } from '../../../shared/devices/device.ts';
import { decideGate } from '../../../shared/management/gate.ts';

const AT = '2026-03-01T12:00:00.000Z';
const join = (kind: Join['kind']): Join => ({ kind, readAt: AT });
const unenroll = (acceptedRisk?: Unenroll['acceptedRisk']): Unenroll => ({
  state: 'waiting',
  since: AT,
  reason: '',
  requestedAt: AT,
  requestedBy: 'kim',
  deliveries: 0,
  refusals: 0,
  acceptedRisk,
});

describe('the gate in front of Unenroll', () => {
  test.each([
    ['none', 'open'],
    ['registered', 'open'],
    ['domain', 'open'],
    ['joined', 'held'],
    ['hybrid', 'held'],
    ['unknown', 'held'],
    [undefined, 'readJoin'],
  ] as const)('for a device whose join is %s is %s', (kind, decision) => {
    expect(decideGate(kind && join(kind), unenroll()).kind).toBe(decision);
    expect(decideGate(kind && join(kind), undefined).kind).toBe(decision);
  });

  test.each(['joined', 'hybrid', 'unknown', undefined] as const)(
    'is open for a join that is %s when a person took the risk',
    (kind) => {
      const accepted = unenroll({ person: 'kim', reason: 'scrapped', at: AT });
      expect(decideGate(kind && join(kind), accepted)).toEqual({ kind: 'open' });
    },
  );

  test('tells the administrator what keeps the device, and how to go on', () => {
    expect(decideGate(join('hybrid'), unenroll())).toMatchObject({ reason: expect.stringContaining('hybrid joined') });
    expect(decideGate(join('unknown'), unenroll())).toMatchObject({
      reason: expect.stringContaining('Accept the risk'),
    });
  });
});
