import type { FaultName } from '../wire/fault.ts';

/**
 * Why an attempt to enroll is refused: which fault Windows is told, and three texts. The message goes to the device and
 * says nothing that helps a stranger; `remedy` is for the administrator; the reason, which knows the case, goes to the
 * journal. This table is the only place that knows which cause gives which fault (MS-MDE2 2.2.10).
 */
interface Refusal {
  fault: FaultName;
  /** On the sign-in page alone, where the person reads words and Windows shows no code: the fault is never sent. */
  onPage?: true;
  message: string;
  /** What whoever looks into it should do. */
  remedy: string;
}

export const REFUSALS = {
  unreadable: {
    fault: 'MessageFormat',
    message: 'The request could not be read.',
    remedy: 'See what stands between PC and server: a proxy or an inspection of TLS that changes messages.',
  },
  wrongAction: {
    fault: 'MessageFormat',
    message: 'The SOAP action does not belong to this request.',
    remedy: 'No Windows does this. See what stands between PC and server, or which program sent it.',
  },
  noCredential: {
    fault: 'InvalidSecurity',
    message: 'A user name and the invitation secret are needed.',
    remedy: 'Let the user choose "Enroll only in device management" and type user and secret.',
  },
  wrongCredential: {
    fault: 'Authentication',
    message: 'The user name or the invitation secret is wrong, or the invitation has ended.',
    remedy: 'See whether the user has an open invitation; if not, or if the secret is lost, make a new one.',
  },
  badToken: {
    fault: 'InvalidSecurity',
    message: 'The sign-in was not recognised. Start again in Settings.',
    remedy: 'Let the user start again in Settings. If it goes on, the reason says what is wrong with the token.',
  },
  expiredToken: {
    fault: 'Authentication',
    message: 'The sign-in took too long. Start again in Settings.',
    remedy: 'Let the user start again in Settings. See that the clock of the PC is right.',
  },
  wayNotOffered: {
    fault: 'InvalidSecurity',
    message: 'This way to sign in is not offered here.',
    remedy: 'Add the way to the setting ways, or let the user enroll by one that is in it.',
  },
  badEntraToken: {
    fault: 'Authentication',
    message: 'The token of Microsoft Entra is not good here.',
    remedy: 'Compare entra.tenantId and entra.audiences in the settings with the application in the tenant.',
  },
  settingsUnreadable: {
    fault: 'EnrollmentServer',
    message: 'The server cannot read its settings. Try again later.',
    remedy:
      'Another version of Lanyard wrote the settings; the reason names what this one does not know. Update all apps to one version, or write the settings anew: docs/api.md, PUT /api/settings.',
  },
  entraUnreachable: {
    fault: 'EnrollmentServer',
    message: 'Microsoft Entra cannot be reached. Try again in a minute.',
    remedy:
      'Try again; if it goes on, see whether the enroll app can reach login.microsoftonline.com, and whether the tenant in the settings is right.',
  },
  signInDeclined: {
    fault: 'Authentication',
    onPage: true,
    message: 'The sign-in with Microsoft was broken off.',
    remedy: 'Let the user try again, or sign in with an invitation. The reason has what Microsoft Entra said.',
  },
  guestNotServed: {
    fault: 'Authorization',
    onPage: true,
    message: 'Guests cannot sign in with Microsoft here.',
    remedy: 'Make an invitation for the guest, who then signs in with that.',
  },
  identityRefused: {
    fault: 'EnrollmentServer',
    onPage: true,
    message: 'Signing in with Microsoft does not work here now.',
    remedy:
      'See that the app registration trusts the managed identity of the enroll app: docs/enrollment.md, With Microsoft Entra.',
  },
  termsNotAccepted: {
    fault: 'InvalidEnrollmentData',
    message: 'The terms of use have not been accepted.',
    remedy: 'Let the user join again and accept; see that the tenant names the address of the terms of use.',
  },
  badCertificate: {
    fault: 'Authentication',
    message: 'The certificate or its signature is not good here.',
    remedy:
      'The reason says what does not fit: issuer, dates, user or signature. See certificates.issuers in the settings.',
  },
  closed: {
    fault: 'Authorization',
    message: 'Enrollment is closed.',
    remedy: 'Open it in the settings: enrollment.open, enrollment.closedDomains.',
  },
  closedWithMessage: {
    fault: 'CustomServerError',
    message: 'Enrollment is closed.',
    remedy: 'Open it in the settings: enrollment.open, enrollment.closedDomains. The text is enrollment.closedMessage.',
  },
  maintenance: {
    fault: 'InMaintenance',
    message: 'The server is in maintenance. Try again later.',
    remedy: 'Switch enrollment.maintenance off in the settings when you are done.',
  },
  foreignDomain: {
    fault: 'Authorization',
    message: 'This mail domain cannot enroll here.',
    remedy: 'If the domain is yours, add it to enrollment.domains in the settings.',
  },
  userNotListed: {
    // Windows says that something is wrong with the person's licence and to ask the administrator, which is what helps.
    fault: 'UserLicense',
    message: 'This user is not among those who may enroll.',
    remedy: 'Add the user to enrollment.users in the settings, or empty that list.',
  },
  userBlocked: {
    fault: 'Authorization',
    message: 'This user may not enroll.',
    remedy: 'If the user may enroll again, delete the refusal: node lanyard allow user USER@DOMAIN.',
  },
  deviceBlocked: {
    // About the device and not the user, who may enroll another one.
    fault: 'NotSupported',
    message: 'This device may not enroll.',
    remedy:
      'If the device may enroll again, delete the refusal of its serial number or hardware id: node lanyard allow. Where the enrollment itself is blocked: node lanyard unblock.',
  },
  decommissioning: {
    // It may come back when an administrator lets it, so Windows is told to try later.
    fault: 'InMaintenance',
    message: 'This device is being taken out of service.',
    remedy: 'If the device may come back, let it: node lanyard refusals, node lanyard allow device ….',
  },
  editionNotServed: {
    fault: 'DeviceNotSupported',
    message: 'This edition of Windows cannot enroll here.',
    remedy: 'Upgrade the edition, or add its number to enrollment.editions in the settings.',
  },
  versionTooOld: {
    fault: 'DeviceNotSupported',
    message: 'This version of Windows is too old to enroll here.',
    remedy: 'Update the PC, or lower enrollment.minimumVersion in the settings.',
  },
  wrongTenant: {
    fault: 'Authorization',
    message: 'This link is for another organisation.',
    remedy: 'Give the user a new link, or see to invitations.tenantIdentifier in the settings.',
  },
  badSigningRequest: {
    fault: 'CertificateRequest',
    message: 'The certificate request cannot be accepted.',
    remedy: 'The reason says what is wrong with it. Try again; if it goes on, see to the TPM of the PC.',
  },
  authorityUnreachable: {
    fault: 'CertificateRequest',
    message: 'The certificate authority cannot issue a certificate. Try again; if it goes on, tell your administrator.',
    remedy: 'See to the certificate authority: the reason says what it lacks.',
  },
  badContext: {
    fault: 'InvalidEnrollmentData',
    message: 'The device did not say what is needed to enroll it.',
    remedy: 'The reason says what is missing. No Windows leaves it out: see which program sent it.',
  },
  kindNotServed: {
    fault: 'NotSupported',
    message: 'This kind of enrollment is not offered here.',
    remedy: 'Enroll the PC in Settings; other kinds, such as app management, are not offered.',
  },
  renewalUnreadable: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'The reason says what is wrong. Windows tries again every four days; if it goes on, enroll the PC again.',
  },
  renewalForeign: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'The certificate is none of ours. If the PC should be here, disconnect it and enroll it again.',
  },
  renewalExpired: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'It is too late to renew: disconnect the PC and enroll it again.',
  },
  renewalTooEarly: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'Nothing; it renews in the last 60 days. To renew before, send RenewNow: docs/enrollment.md, Renewal.',
  },
  renewalTooOften: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'The PC cannot keep its new certificates: see to its certificate store, or enroll it again.',
  },
  renewalLeft: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'The enrollment is over. If the PC should be managed, enroll it again.',
  },
  renewalBlocked: {
    fault: 'NotEligibleToRenew',
    message: 'This enrollment cannot be renewed here.',
    remedy: 'The device is blocked. Nothing, if that is right.',
  },
  invitationUsedUp: {
    fault: 'DeviceCapReached',
    message: 'This invitation has been used for all devices it allows.',
    remedy: 'Make a new invitation.',
  },
  userDeviceLimit: {
    fault: 'DeviceCapReached',
    message: 'You have as many devices as a user may have. Unenroll one of them first.',
    remedy: 'Unenroll a device of this user, or raise enrollment.devicesPerUser in the settings.',
  },
  organisationDeviceLimit: {
    fault: 'DeviceCapReached',
    message: 'The organisation has as many devices as it allows.',
    remedy: 'Unenroll devices that are not used any more, or raise enrollment.devicesInAll in the settings.',
  },
  busy: {
    fault: 'EnrollmentServer',
    message: 'The server is busy. Try again in a minute.',
    remedy: 'Try again in a minute.',
  },
  storageUnreachable: {
    fault: 'EnrollmentServer',
    message: 'The server cannot reach its storage. Try again in a minute.',
    remedy: 'Try again; if it goes on, see to the storage account and its network rules.',
  },
  failed: {
    fault: 'InternalServiceFault',
    message: 'The server failed. Try again; if it goes on, tell your administrator.',
    remedy: 'Look into the log of the enroll app under this TraceId.',
  },
} as const satisfies Record<string, Refusal>;

export type RefusalCause = keyof typeof REFUSALS;

/** Thrown where an enrollment is refused; `reason` is for the journal and never holds a secret. */
export class EnrollmentRefusal extends Error {
  override readonly name = 'EnrollmentRefusal';
  readonly refusal: RefusalCause;
  /** What the device is told in place of the table's message: the administrator's own text. */
  readonly shown?: string;

  constructor(refusal: RefusalCause, reason: string, shown?: string) {
    super(reason);
    this.refusal = refusal;
    if (shown !== undefined) this.shown = shown;
  }
}
