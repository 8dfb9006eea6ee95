import { strongSerial } from './identity.ts';

/**
 * Says why a serial number, or another id that firmware gives, cannot stand for one device.
 * @param serial as the firmware gives it
 * @returns a clause for a sentence that begins with it; undefined for a good one
 */
export function whyWeakSerial(serial: string): string | undefined {
  if (strongSerial(serial) !== undefined) return undefined;
  return 'tells no PC from another: firmware says such things where no number was given, and many PCs say the same';
}
