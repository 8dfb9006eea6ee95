/** Serial numbers that tell nothing: firmware that was never given one, or that many boards share. */

/** In capitals, without anything but letters and digits. */
const PLACEHOLDERS = new Set(
  [
    'To be filled by O.E.M.',
    'Default string',
    'System Serial Number',
    'Chassis Serial Number',
    'Base Board Serial Number',
    'Serial Number',
    'Serial',
    'Not Specified',
    'Not Applicable',
    'Not Available',
    'Not Set',
    'None',
    'N/A',
    'Null',
    'Empty',
    'Invalid',
    'Unknown',
    'Undefined',
    'Standard',
    'Default',
    'OEM',
    'O.E.M.',
    'INVALID_SERIAL',
    'Test',
    '0123456789',
    '123456789',
    '1234567890',
    '12345678',
    '1234567',
    '123456',
    '012345678',
    '0123456789ABCDEF',
  ].map(significant),
);

const SHORTEST = 4;

/**
 * Says why a serial number cannot stand for one device.
 * @param serial as the firmware gives it
 * @returns a clause for a sentence, such as `is what firmware says that was given no serial number`; undefined for a good one
 */
export function whyWeakSerial(serial: string): string | undefined {
  const text = significant(serial);
  if (PLACEHOLDERS.has(text)) return 'is what firmware says that was given no serial number; many PCs say the same';
  if (/^(.)\1*$/.test(text)) return 'is one character over and over; many PCs say the same';
  if (text.length < SHORTEST) return `has fewer than ${SHORTEST} letters and digits; it may be that of several PCs`;
  return undefined;
}

function significant(text: string): string {
  return text.toUpperCase().replace(/[^\p{L}\p{N}]/gu, '');
}
