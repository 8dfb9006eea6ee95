import { type Device, hasLeft } from './device.ts';

/** Whether the user of a PC can end the enrollment in Settings, and why. */
export interface UserCanDisconnect {
  allowed: boolean;
  reason: string;
}

/** The default that forbids it, by the name of its setting. */
const FORBIDDEN = 'deviceDefaults.userMayDisconnect';

/**
 * Microsoft Learn, "Disconnecting from the management infrastructure": the button in Access work or school works for what
 * was enrolled there or in bulk, and is greyed out where the enrollment came with Entra; and "MDM enrollment of Windows
 * devices": the policy AllowManualMDMUnenrollment refuses it. What a command of the administrator's did to that policy is
 * not known here.
 * @returns undefined for a device that has left
 */
export function userCanDisconnect(device: Device): UserCanDisconnect | undefined {
  if (hasLeft(device)) return undefined;
  const { admission } = device;
  if (admission.kind === 'join' || admission.kind === 'workAccount') {
    return { allowed: false, reason: REASON[admission.kind] };
  }
  const forbidden = device.defaults?.[FORBIDDEN];
  // Without a hash the ban was taken back.
  if (forbidden?.hash === undefined) return { allowed: true, reason: admission.bulk ? REASON.bulk : REASON.settings };
  const { status } = forbidden;
  if (status === undefined || status === 202) return { allowed: true, reason: REASON.unanswered };
  if (status >= 200 && status < 300) return { allowed: false, reason: REASON.policy };
  return { allowed: true, reason: `The PC was told to refuse it and answered ${status}.` };
}

const REASON = {
  join: 'It came with the Entra join: Windows greys Disconnect out. The user can only take the PC out of Entra.',
  workAccount: 'It came with a work account: Windows greys Disconnect out. The user can only remove that account.',
  policy: 'The policy AllowManualMDMUnenrollment is 0 on the PC. It can only be unenrolled from here.',
  unanswered: 'The PC was told to refuse it and has not answered yet that it does.',
  bulk: 'It was enrolled in bulk, and Settings offers Disconnect for that.',
  settings: 'It was enrolled in Settings, which offers Disconnect for that.',
};
