import { describe, expect, test } from 'vitest';
import { whyWeakSerial } from '../../../shared/devices/weak-serial.ts';

describe('a serial number', () => {
  test.each([
    'To be filled by O.E.M.',
    'to be filled by oem',
    'Default string',
    'System Serial Number',
    '0',
    '00000000',
    'XXXXXXXXXX',
    '................',
    'N/A',
    'none',
    '0123456789',
    '-',
    '',
    '   ',
    'A1',
  ])('%j stands for no device', (serial) => {
    expect(whyWeakSerial(serial)).toEqual(expect.any(String));
  });

  test.each(['PF3K2A1B', '5CG1234ABC', 'VMware-56 4d 3a 1b', '0000-0015-9870-3491-2231-6871-70', '7XK2'])(
    '%j may stand for one',
    (serial) => {
      expect(whyWeakSerial(serial)).toBeUndefined();
    },
  );
});
