import { describe, expect, test } from 'vitest';
import { readEnrollmentContext } from '../../../shared/enrollment/enrollment-context.ts';

const items = (values: Record<string, string>) => Object.entries(values).map(([name, value]) => ({ name, value }));
const WHOLE = { DeviceID: 'D1', EnrollmentType: 'Full', HWDevID: 'H1', DeviceName: 'PC-1', OSVersion: '10.0.22631' };

describe('what the enrollment client says of the device', () => {
  test('is read by name, unknown names too', () => {
    expect(readEnrollmentContext(items({ ...WHOLE, NewInWindows12: 'yes' }))).toEqual({
      deviceId: 'D1',
      enrollmentType: 'Full',
      hwDevId: 'H1',
      deviceName: 'PC-1',
      values: { ...WHOLE, NewInWindows12: 'yes' },
    });
  });

  test.each([
    ['no name: its id', { DeviceName: '' }, { deviceName: 'D1' }],
    ['no hardware id: none', { HWDevID: ' ' }, { hwDevId: '' }],
    ['blanks around a value: without', { DeviceID: ' D1 ' }, { deviceId: 'D1' }],
    ['EnrollmentType Device', { EnrollmentType: 'Device' }, { enrollmentType: 'Device' }],
  ])('with %s', (_, change, expected) => {
    expect(readEnrollmentContext(items({ ...WHOLE, ...change }))).toMatchObject(expected);
  });

  test.each([
    ['without DeviceID', { DeviceID: '' }, 'badContext'],
    ['without EnrollmentType', { EnrollmentType: '' }, 'badContext'],
    ['with AppManagement', { EnrollmentType: 'AppManagement' }, 'kindNotServed'],
    ['with a type in other letters', { EnrollmentType: 'full' }, 'kindNotServed'],
  ])('is refused %s', (_, change, refusal) => {
    expect(() => readEnrollmentContext(items({ ...WHOLE, ...change }))).toThrow(expect.objectContaining({ refusal }));
  });

  test('counts the first of two values: MAC appears once for each adapter', () => {
    const context = readEnrollmentContext([...items(WHOLE), { name: 'MAC', value: 'a' }, { name: 'MAC', value: 'b' }]);
    expect(context.values['MAC']).toBe('a');
  });

  test('cannot fill the record: 60 names, short, each value cut', () => {
    const many = Array.from({ length: 500 }, (_, n) => ({ name: `Name${n}`, value: 'v' }));
    const context = readEnrollmentContext([
      ...items(WHOLE),
      { name: 'x'.repeat(65), value: 'v' },
      { name: 'a b', value: 'v' },
      { name: '__proto__', value: 'v' },
      { name: 'Long', value: 'v'.repeat(10_000) },
      ...many,
    ]);
    expect(Object.keys(context.values)).toHaveLength(60);
    expect(context.values['Long']).toHaveLength(512);
    expect(Object.keys(context.values).every((name) => /^[A-Za-z0-9]+$/.test(name))).toBe(true);
  });

  test.each(['constructor', 'toString', 'valueOf'])('may have the name %s like any other', (name) => {
    expect(readEnrollmentContext([...items(WHOLE), { name, value: 'v' }]).values).toHaveProperty([name], 'v');
  });
});
