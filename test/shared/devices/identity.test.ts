import { describe, expect, test } from 'vitest';
import {
  type Identity,
  identityOf,
  type Likeness,
  sameDevice,
  strongSerial,
} from '../../../shared/devices/identity.ts';
import { enrolledDevice } from '../../support/partition.ts';

describe('a serial number', () => {
  test.each([
    'To be filled by O.E.M.',
    ' to be filled by o.e.m. ',
    'Default string',
    'System Serial Number',
    'Chassis Serial Number',
    'Not Specified',
    'None',
    'N/A',
    '',
    '   ',
    '0',
    '00000000',
    '0000-0000',
    'FFFFFFFF',
    '................',
    '123456789',
    '0123456789',
    '1234567890',
    'xx',
  ])('that many devices have says nothing: "%s"', (text) => {
    expect(strongSerial(text)).toBeUndefined();
  });

  test.each([
    ['5CG1234XYZ', '5CG1234XYZ'],
    [' pf-3abcde ', 'PF-3ABCDE'],
    ['VMware-56 4d a1  b2', 'VMWARE-56 4D A1 B2'],
    ['PC-0001', 'PC-0001'],
    ['0000-0012-3456', '0000-0012-3456'],
  ])('of its own is kept, in one spelling: "%s"', (text, kept) => {
    expect(strongSerial(text)).toBe(kept);
  });
});

const PC: Required<Identity> = { serial: 'S1', hardwareId: 'H1', deviceId: 'D1', entraDeviceId: 'E1' };
const only = (...kinds: (keyof Identity)[]): Identity => Object.fromEntries(kinds.map((kind) => [kind, PC[kind]]));

describe('two enrollments', () => {
  test.each<[string, Identity, Identity, Likeness]>([
    ['with all the same', PC, { ...PC }, 'same'],
    ['one of which does not say its serial number', PC, only('hardwareId', 'deviceId'), 'same'],
    ['without hardware ids', only('serial', 'deviceId'), only('serial', 'deviceId'), 'same'],
    ['one of which is joined', only('serial', 'hardwareId', 'deviceId'), PC, 'same'],
    ['after a reset', PC, { ...PC, deviceId: 'D2' }, 'oldIdentity'],
    ['after another join', PC, { ...PC, entraDeviceId: 'E2' }, 'oldIdentity'],
    ['after a new board', PC, { ...PC, hardwareId: 'H2' }, 'oldIdentity'],
    ['with one hardware id and two serial numbers', PC, { ...PC, serial: 'S2', deviceId: 'D2' }, 'sharedHardwareId'],
    [
      'with one hardware id and no serial numbers',
      only('hardwareId', 'deviceId'),
      { hardwareId: 'H1', deviceId: 'D2' },
      'sharedHardwareId',
    ],
    ['of copies that were not generalised', PC, { ...PC, serial: 'S2' }, 'sharedHardwareId'],
    ['with one DeviceID on two machines', PC, { serial: 'S2', hardwareId: 'H2', deviceId: 'D1' }, 'sharedDeviceId'],
    ['that have one DeviceID and say no more', only('deviceId'), only('deviceId'), 'different'],
    ['that have one hardware id and say no more', only('hardwareId'), only('hardwareId'), 'different'],
    ['with one serial number alone', only('serial'), only('serial'), 'different'],
    ['with nothing in common', PC, { serial: 'S2', hardwareId: 'H2', deviceId: 'D2' }, 'different'],
    ['of which nothing is known', {}, {}, 'different'],
    ['of which one says nothing', PC, {}, 'different'],
  ])('%s', (_, one, other, likeness) => {
    expect(sameDevice(one, other)).toBe(likeness);
    expect(sameDevice(other, one)).toBe(likeness);
  });
});

test('the identity of an enrollment is what it said, and what was read since', () => {
  const context = { DeviceID: 'abc123', HWDevID: '{ab-cd}', SerialNumber: 'Default string' };
  expect(identityOf(enrolledDevice({ context }))).toEqual({ deviceId: 'ABC123', hardwareId: 'ABCD' });
  const facts = { serialNumber: { status: 200, value: 'pf3abc' } };
  const join = { kind: 'joined' as const, readAt: '2026-01-01T00:00:00.000Z', entraDeviceId: '11aa-22bb' };
  expect(identityOf(enrolledDevice({ context: { DeviceID: 'abc123' }, facts, join }))).toEqual({
    deviceId: 'ABC123',
    serial: 'PF3ABC',
    entraDeviceId: '11AA22BB',
  });
  expect(identityOf(enrolledDevice({ context: { DeviceID: '00000000', HWDevID: '0'.repeat(64) } }))).toEqual({});
});
