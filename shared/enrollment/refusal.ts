import type { FaultName } from '../wire/fault.ts';

/**
 * Why an attempt to enroll is refused: which fault Windows is told, and two texts. The reason goes to the journal for the
 * administrator; the message goes to the device and says nothing that helps a stranger.
 */
export const REFUSALS = {
  unreadable: { fault: 'MessageFormat', message: 'The request could not be read.' },
  wrongAction: { fault: 'MessageFormat', message: 'The SOAP action does not belong to this request.' },
  noCredential: { fault: 'InvalidSecurity', message: 'A user name and the invitation secret are needed.' },
  wrongCredential: {
    fault: 'Authentication',
    message: 'The user name or the invitation secret is wrong, or the invitation has ended.',
  },
  badSigningRequest: { fault: 'CertificateRequest', message: 'The certificate request cannot be accepted.' },
  badContext: { fault: 'InvalidEnrollmentData', message: 'The device did not say what is needed to enroll it.' },
  kindNotServed: { fault: 'NotSupported', message: 'This kind of enrollment is not offered here.' },
  renewalNotServed: { fault: 'NotEligibleToRenew', message: 'This enrollment cannot be renewed here.' },
  invitationUsedUp: { fault: 'DeviceCapReached', message: 'This invitation has been used for all devices it allows.' },
  busy: { fault: 'EnrollmentServer', message: 'The server is busy. Try again in a minute.' },
  failed: {
    fault: 'InternalServiceFault',
    message: 'The server failed. Try again; if it goes on, tell your administrator.',
  },
} as const satisfies Record<string, { fault: FaultName; message: string }>;

export type RefusalCause = keyof typeof REFUSALS;

/** Thrown where an enrollment is refused; `reason` is for the journal and never holds a secret. */
export class EnrollmentRefusal extends Error {
  override readonly name = 'EnrollmentRefusal';
  readonly refusal: RefusalCause;

  constructor(refusal: RefusalCause, reason: string) {
    super(reason);
    this.refusal = refusal;
  }
}
