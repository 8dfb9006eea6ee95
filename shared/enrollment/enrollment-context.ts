import type { ContextItem } from '../wire/wstep.ts';
import { ATTESTATION_ITEMS, readAttestation } from './attestation.ts';
import { EnrollmentRefusal } from './refusal.ts';

/** What the enrollment client says of the device in AdditionalContext (MS-MDE2 3.4.4.1.1.1.1). */
export interface EnrollmentContext {
  deviceId: string;
  enrollmentType: 'Full' | 'Device';
  hwDevId: string;
  deviceName: string;
  /** First value of each name, unknown names too: new ones appear with each Windows release. */
  values: Record<string, string>;
  attestation?: ReturnType<typeof readAttestation>;
}

/** Kept elsewhere, or a proof that is of no more use: neither belongs among what people look at. */
const LEFT_OUT = new Set([...ATTESTATION_ITEMS, 'EnrollmentData']);
const MAX_NAMES = 60;
const MAX_VALUE = 512;

/**
 * @throws {EnrollmentRefusal} `badContext` without DeviceID or EnrollmentType, `kindNotServed` for an EnrollmentType other
 *   than Full and Device (AppManagement, Compliance and the like are other products' enrollments)
 */
export function readEnrollmentContext(items: readonly ContextItem[]): EnrollmentContext {
  const values: Record<string, string> = {};
  for (const { name, value } of items) {
    const keeps =
      !LEFT_OUT.has(name) &&
      !Object.hasOwn(values, name) &&
      Object.keys(values).length < MAX_NAMES &&
      /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(name);
    // The cut may halve a character, which the provisioning document could not carry.
    if (keeps) values[name] = value.trim().slice(0, MAX_VALUE).toWellFormed();
  }
  const deviceId = values['DeviceID'];
  const enrollmentType = values['EnrollmentType'];
  if (!deviceId) throw new EnrollmentRefusal('badContext', 'DeviceID is missing from AdditionalContext.');
  if (!enrollmentType) throw new EnrollmentRefusal('badContext', 'EnrollmentType is missing from AdditionalContext.');
  if (enrollmentType !== 'Full' && enrollmentType !== 'Device') {
    throw new EnrollmentRefusal('kindNotServed', `EnrollmentType ${enrollmentType} is not served.`);
  }
  return {
    deviceId,
    enrollmentType,
    hwDevId: values['HWDevID'] ?? '',
    deviceName: values['DeviceName'] || deviceId,
    values,
    attestation: readAttestation(items),
  };
}
