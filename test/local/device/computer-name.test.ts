import { expect, test } from 'vitest';
import { nameAfterRestart } from '../../../local/device/computer-name.ts';

test.each([
  ['LAP-%SERIAL%', '5CG1234', 'LAP-5CG1234'],
  ['LAP-%SERIAL%', '0123456789ABCDEF', 'LAP-56789ABCDEF'],
  ['LAP-%SERIAL%', 'AB 12/3', 'LAP-AB123'],
  ['PC%RAND:4%', 'X', 'PC5555'],
  ['A%RAND:2%-%SERIAL%', 'SN1', 'A55-SN1'],
])('the template %s gives a PC with the serial number %s the name %s', (template, serial, name) => {
  expect(nameAfterRestart(template, serial, () => 0.5)).toBe(name);
});
