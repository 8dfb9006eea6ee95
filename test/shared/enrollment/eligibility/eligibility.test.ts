import { describe, expect, test } from 'vitest';
import { type EnrollmentPolicy, enrollmentSchema } from '../../../../shared/catalogue/policy-enrollment.ts';
import { holdDevice } from '../../../../shared/enrollment/eligibility/decommission-hold.ts';
import { checkEligibility, isOlder } from '../../../../shared/enrollment/eligibility/eligibility.ts';
import { block } from '../../../../shared/enrollment/eligibility/refusals-list.ts';
import { readEnrollmentContext } from '../../../../shared/enrollment/enrollment-context.ts';
import type { EnrollmentRefusal } from '../../../../shared/enrollment/refusal.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { enrolledDevice } from '../../../support/partition.ts';

interface Asked {
  policy?: Partial<EnrollmentPolicy>;
  user?: string;
  facts?: Record<string, string>;
  bulk?: boolean;
  storage?: MemoryStorage;
}

const FACTS = {
  DeviceID: 'D1',
  EnrollmentType: 'Full',
  HWDevID: 'AB'.repeat(32),
  SerialNumber: 'PF3K2A1B',
  OSVersion: '10.0.26200.9278',
  OSEdition: '4',
};

/** @returns the cause, and what is shown in place of its message; `eligible` when there is none */
async function verdict({ policy = {}, user = 'kim@example.org', facts = {}, bulk = false, storage }: Asked) {
  const items = Object.entries({ ...FACTS, ...facts }).map(([name, value]) => ({ name, value }));
  const context = readEnrollmentContext(items.filter(({ value }) => value !== ''));
  const candidate = { user, context, bulk };
  const rules = { policy: enrollmentSchema.parse(policy), hasRefusals: storage !== undefined };
  return checkEligibility(storage ?? new MemoryStorage(), rules, candidate).then(
    () => ['eligible'],
    ({ refusal, shown }: EnrollmentRefusal) => (shown === undefined ? [refusal] : [refusal, shown]),
  );
}

const TEXT = 'Enrollment opens again on Monday. Call 1234.';

describe('a user with a device', () => {
  test.each<[string, Asked, string[]]>([
    ['may enroll by default', {}, ['eligible']],
    ['may not while enrollment is closed', { policy: { open: false } }, ['closed']],
    ['is shown our own text', { policy: { open: false, closedMessage: TEXT } }, ['closedWithMessage', TEXT]],
    [
      'is shown our own text from 20H2 on',
      { policy: { open: false, closedMessage: TEXT }, facts: { OSVersion: '10.0.19042.1' } },
      ['closedWithMessage', TEXT],
    ],
    [
      'is not shown our own text by a Windows that cannot',
      { policy: { open: false, closedMessage: TEXT }, facts: { OSVersion: '10.0.19041.3636' } },
      ['closed'],
    ],
    [
      'is not shown our own text by what names no version',
      { policy: { open: false, closedMessage: TEXT }, facts: { OSVersion: '' } },
      ['closed'],
    ],
    ['may not where the domain is closed', { policy: { closedDomains: ['example.org'] } }, ['closed']],
    ['may where another domain is closed', { policy: { closedDomains: ['example.com'] } }, ['eligible']],
    ['is told of maintenance first', { policy: { open: false, maintenance: true } }, ['maintenance']],
    ['may with a domain of the organisation', { policy: { domains: ['example.com', 'EXAMPLE.ORG'] } }, ['eligible']],
    ['may not with another domain', { policy: { domains: ['example.com'] } }, ['foreignDomain']],
    [
      'may not with a part of the domain',
      { policy: { domains: ['example.org'] }, user: 'kim@mail.example.org' },
      ['foreignDomain'],
    ],
    [
      'may not with a domain that only ends alike',
      { policy: { domains: ['example.org'] }, user: 'kim@badexample.org' },
      ['foreignDomain'],
    ],
    [
      'may not with two at signs',
      { policy: { domains: ['example.org'] }, user: 'kim@example.org@example.net' },
      ['foreignDomain'],
    ],
    ['may when on the list', { policy: { users: ['KIM@example.org'] }, user: 'Kim@Example.org' }, ['eligible']],
    ['may not when not on the list', { policy: { users: ['sam@example.org'] } }, ['userNotListed']],
    ['may with an edition of the list', { policy: { editions: [48, 4] } }, ['eligible']],
    ['may not with another edition', { policy: { editions: [48] } }, ['editionNotServed']],
    ['may not without an edition', { policy: { editions: [4] }, facts: { OSEdition: '' } }, ['editionNotServed']],
    ['may with the oldest version', { policy: { minimumVersion: '10.0.26200' } }, ['eligible']],
    ['may not with an older version', { policy: { minimumVersion: '10.0.26200.9279' } }, ['versionTooOld']],
    ['may not without a version', { policy: { minimumVersion: '10.0' }, facts: { OSVersion: '' } }, ['versionTooOld']],
    [
      'in bulk is no person of a domain',
      { policy: { domains: ['a.example'], users: ['x@a.example'] }, bulk: true },
      ['eligible'],
    ],
    ['in bulk may not while enrollment is closed', { policy: { open: false }, bulk: true }, ['closed']],
  ])('%s', async (_, asked, expected) => {
    expect(await verdict(asked)).toEqual(expected);
  });

  test.each([
    ['user', 'kim@example.org', 'userBlocked'],
    ['serial', 'pf3k2a1b', 'deviceBlocked'],
    ['hardwareId', 'ab'.repeat(32), 'deviceBlocked'],
  ] as const)('may not when the %s is blocked', async (kind, value, cause) => {
    const storage = new MemoryStorage();
    await block(storage, { kind, value, reason: 'left the company', person: 'sam', at: '2026-03-01T12:00:00.000Z' });
    expect(await verdict({ storage })).toEqual([cause]);
    expect(await verdict({ storage, user: 'lee@example.org', facts: { HWDevID: 'CC', SerialNumber: 'PF9' } })).toEqual([
      'eligible',
    ]);
  });

  test('may not while the device is taken out of service, unless something lasts longer', async () => {
    const storage = new MemoryStorage();
    const at = '2026-03-01T12:00:00.000Z';
    const device = enrolledDevice({ context: { SerialNumber: 'PF3K2A1B' } });
    await holdDevice(storage, device, { reason: 'r', person: 'p', at });
    expect(await verdict({ storage })).toEqual(['decommissioning']);
    await block(storage, { kind: 'user', value: 'kim@example.org', reason: 'r', person: 'p', at });
    expect(await verdict({ storage })).toEqual(['userBlocked']);
  });
});

test.each([
  ['10.0.19045', '10.0.19045.1', true],
  ['10.0.19045.1', '10.0.19045', false],
  ['10.0.9', '10.0.10', true],
  ['10.1', '10.0.99999', false],
  ['eleven', '6.1', true],
  ['', '0', true],
])('%j is older than %j: %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});
