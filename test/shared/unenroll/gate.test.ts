import { describe, expect, test } from 'vitest';
import type { Join, Proof, Unenroll } from '../../../shared/devices/device.ts';
import { decideGate } from '../../../shared/unenroll/gate.ts';

const AT = '2026-03-01T12:00:00.000Z';
const join = (kind: Join['kind']): Join => ({ kind, readAt: AT });
const proof = (state: Proof['state']): Proof => ({
  state,
  reason: `It is ${state}.`,
  by: 'kim',
  askedAt: AT,
  command: '000000000001',
});
const unenroll = (more: Partial<Unenroll> = {}): Unenroll => ({
  state: 'waiting',
  since: AT,
  reason: '',
  requestedAt: AT,
  requestedBy: 'kim',
  deliveries: 0,
  refusals: 0,
  ...more,
});

/** Each request that an Unenroll may stand on, by what it brings for the gate. */
const REQUESTS: Record<string, Unenroll | undefined> = {
  'no request': undefined,
  'a request with nothing': unenroll(),
  'the risk accepted': unenroll({ acceptedRisk: { person: 'kim', reason: 'scrapped', at: AT } }),
};
for (const state of ['asked', 'confirmed', 'failed'] as const) {
  REQUESTS[`an account ${state}`] = unenroll({ localAdministrator: { ...proof(state), name: 'rescue' } });
  REQUESTS[`LAPS ${state}`] = unenroll({ laps: proof(state) });
}
REQUESTS['an account failed, LAPS confirmed'] = unenroll({
  localAdministrator: { ...proof('failed'), name: 'rescue' },
  laps: proof('confirmed'),
});
REQUESTS['an account asked, LAPS confirmed'] = unenroll({
  localAdministrator: { ...proof('asked'), name: 'rescue' },
  laps: proof('confirmed'),
});
REQUESTS['an account asked, the risk accepted'] = unenroll({
  localAdministrator: { ...proof('asked'), name: 'rescue' },
  acceptedRisk: { person: 'kim', reason: 'scrapped', at: AT },
});

const HARMLESS: Join['kind'][] = ['none', 'registered', 'domain'];
const DANGEROUS: Join['kind'][] = ['joined', 'hybrid', 'unknown'];

describe('the gate in front of Unenroll', () => {
  test.each(Object.keys(REQUESTS))('reads the join first in each session: %s', (name) => {
    expect(decideGate(undefined, REQUESTS[name])).toEqual({ kind: 'readJoin' });
  });

  test.each([
    ['no request', 'open', 'held'],
    ['a request with nothing', 'open', 'held'],
    ['the risk accepted', 'open', 'open'],
    ['an account asked', 'prove', 'prove'],
    ['an account confirmed', 'open', 'open'],
    ['an account failed', 'open', 'held'],
    ['LAPS asked', 'prove', 'prove'],
    ['LAPS confirmed', 'open', 'open'],
    ['LAPS failed', 'open', 'held'],
    ['an account failed, LAPS confirmed', 'open', 'open'],
    ['an account asked, LAPS confirmed', 'prove', 'prove'],
    ['an account asked, the risk accepted', 'open', 'open'],
  ] as const)('with %s is %s for a harmless join and %s for any other', (name, harmless, dangerous) => {
    expect(Object.keys(REQUESTS)).toContain(name);
    for (const kind of HARMLESS) expect(decideGate(join(kind), REQUESTS[name]).kind, kind).toBe(harmless);
    for (const kind of DANGEROUS) expect(decideGate(join(kind), REQUESTS[name]).kind, kind).toBe(dangerous);
  });

  test('has a row above for each request', () => {
    expect(Object.keys(REQUESTS)).toHaveLength(12);
  });

  test('tells the administrator what keeps the device, what failed, and how to go on', () => {
    const reasonOf = (kind: Join['kind'], request: Unenroll) => {
      const gate = decideGate(join(kind), request);
      return gate.kind === 'held' ? gate.reason : '';
    };
    expect(reasonOf('hybrid', unenroll())).toContain('hybrid joined');
    expect(reasonOf('unknown', unenroll())).toContain('could not be read');
    expect(reasonOf('joined', REQUESTS['LAPS failed']!)).toContain('It is failed.');
    for (const way of ['local administrator', 'LAPS', 'accept the risk']) {
      expect(reasonOf('joined', unenroll())).toContain(way);
    }
  });
});
