import { expect, test } from 'vitest';
import type { Admission, Fact } from '../../../shared/devices/device.ts';
import { readJoin } from '../../../shared/devices/join.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const present = (value: string): Fact => ({ status: 200, value });
const missing: Fact = { status: 404 };

test.each([
  ['none', missing, missing],
  ['none', present(''), present(' \n')],
  ['joined', present('d1'), missing],
  ['domain', present(''), present('corp')],
  ['hybrid', present('d1'), present('corp')],
  ['unknown', { status: 500 }, missing],
  ['unknown', missing, { status: 405 }],
  ['unknown', present('d1'), { status: 406 }],
  ['unknown', { status: 200 }, missing],
  ['unknown', { status: 404, value: undefined }, { status: 0 }],
] as [string, Fact, Fact][])('the join is %s for an Entra id %j and a domain %j', (kind, entra, domain) => {
  const join = readJoin(entra, domain, NOW);
  expect(join).toMatchObject({ kind, readAt: NOW.toISOString() });
  expect(join.entraDeviceId).toBe(['joined', 'hybrid'].includes(kind) ? 'd1' : undefined);
  expect(join.domainName).toBe(['domain', 'hybrid'].includes(kind) ? 'corp' : undefined);
});

const workAccount: Admission = { way: 'entra', kind: 'workAccount' };

test.each([
  ['registered', 'came with a work account', workAccount, present('D1'), missing],
  [
    'registered',
    'came with the work account of this device',
    { ...workAccount, entraDeviceId: 'd1' },
    present('{D1}'),
    missing,
  ],
  [
    'joined',
    'came with the work account of another device',
    { ...workAccount, entraDeviceId: 'd2' },
    present('D1'),
    missing,
  ],
  ['joined', 'came with a join', { way: 'entra', kind: 'join' }, present('D1'), missing],
  ['joined', 'came with an invitation', { way: 'invitation', kind: 'deviceOnly' }, present('D1'), missing],
  ['joined', 'says itself that it is a work account', { way: 'signIn', kind: 'workAccount' }, present('D1'), missing],
  ['hybrid', 'came with a work account and is in a domain', workAccount, present('D1'), present('corp')],
  ['none', 'came with a work account and lost it', workAccount, missing, missing],
  ['unknown', 'came with a work account and does not answer', workAccount, { status: 500 }, missing],
] as [string, string, Admission, Fact, Fact][])(
  'the join is %s of a device that %s',
  (kind, _, admission, entra, domain) => {
    expect(readJoin(entra, domain, NOW, admission).kind).toBe(kind);
  },
);
