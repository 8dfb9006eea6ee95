import type { PushChannel } from '../push/channel.ts';
import type { Inventory } from './inventory.ts';

/** The record of one enrollment: who, what, in which state. Row `0device` of the enrollment's partition. */

export type DeviceState =
  | 'enrolled'
  | 'unenrolling'
  | 'unenrolled'
  | 'superseded'
  | 'retired'
  | 'wiped'
  /** Stolen or hostile: refused outright. */
  | 'blocked';

/** How the device belongs to a directory. It decides what an Unenroll does to the people who use the device. */
export type JoinKind = 'none' | 'registered' | 'joined' | 'domain' | 'hybrid' | 'unknown';

export interface Join {
  kind: JoinKind;
  /** When the device said so. */
  readAt: string;
  domainName?: string;
  entraDeviceId?: string;
}

/** `ownership` of a deep link: 1 unknown, 2 personal, 3 corporate (Microsoft Learn, "MDM enrollment of Windows devices"). */
export type Ownership = 'unknown' | 'personal' | 'corporate';

/** How an enrollment came in; what it is decides what leaving means. */
export interface Admission {
  /**
   * `invitation`: user and secret typed into Settings; `signIn`: our own page; `entra`: a token of Microsoft Entra;
   * `certificate`: a certificate of a trusted issuer.
   */
  way: 'invitation' | 'signIn' | 'entra' | 'certificate';
  /** What Windows was doing: enroll only in device management, add a work account, or join Entra. */
  kind: 'deviceOnly' | 'workAccount' | 'join';
  invitationId?: string;
  /** Whose the PC is, as the deep link said: the invitation's word, or what the link gave our sign-in page. */
  ownership?: Ownership;
  /** The identifier that the administrator gave the device in its deep link: a GUID in lower case. */
  deviceIdentifier?: string;
  /** The tenant that the deep link names: a GUID or a text of the administrator's. */
  tenantIdentifier?: string;
  /** Object id of the user in Microsoft Entra, where he signed in there. */
  entraUserId?: string;
  /** Enrolled by a provisioning package: there is no personal user. */
  bulk?: boolean;
  /** The tenant of Microsoft Entra that vouched for the user, and the device's id there, where the token had one. */
  tenantId?: string;
  entraDeviceId?: string;
  /** The terms of use that the user accepted on our page. */
  termsOfUse?: Acceptance;
}

export interface Acceptance {
  version: string;
  acceptedAt: string;
}

/** What a device sent of its TPM when it enrolled. It was kept and not verified. */
export interface AttestationSummary {
  items: Record<string, 'present' | 'absent' | 'tooLarge'>;
  /** How the device says that it went. */
  status?: string;
  hresult?: string;
}

export interface DeviceCertificate {
  /** SHA-256 of the DER, lower hex. */
  thumbprint: string;
  serialNumber: string;
  notBefore: string;
  notAfter: string;
  /** The certificate itself (base64 DER), so that a repeated request can be given the same one. */
  der: string;
  publicKeyHash: string;
  issuedAt: string;
}

/** A renewal of the certificate (MS-MDE2 3.5). */
export interface Renewal {
  at: string;
  /** Names the attempt in the journal. */
  traceId: string;
  /** SHA-256 of the new certificate, lower hex, and its end. */
  thumbprint: string;
  notAfter: string;
}

/** What an administrator should look at: this enrollment and another may be of one device, or of copies of it. */
export type FlagKind =
  | 'oldIdentity'
  | 'sharedHardwareId'
  | 'sharedDeviceId'
  | 'otherUser'
  | 'withoutSerial'
  | 'unenrollOvertaken';

export interface DeviceFlag {
  kind: FlagKind;
  /** The other enrollment. */
  other: string;
  since: string;
  /** In words. */
  reason: string;
}

export type UnenrollState = 'waiting' | 'held' | 'sent' | 'confirmed' | 'silent' | 'failed' | 'neverDelivered';

export interface Unenroll {
  state: UnenrollState;
  /** When this state began. */
  since: string;
  /** Why it is in this state, in words for the administrator. */
  reason: string;
  requestedAt: string;
  /** Who asked: an administrator as he called himself, or `device` when the user disconnected. */
  requestedBy: string;
  /** How often the command was put into a message. */
  deliveries: number;
  lastSentAt?: string;
  /** Sessions in which the device was told and stayed. */
  refusals: number;
  /** `queue`: the commands before it go first; otherwise they wait until it is sent or called off. */
  after?: 'now' | 'queue';
  /** What the device answered when it refused or failed: a status, or the data of its alert. */
  code?: string;
  /** Who takes the risk that nobody can sign in any more, and why. */
  acceptedRisk?: { person: string; reason: string; at: string };
  /** An account that is made on the device for this request. */
  localAdministrator?: Proof & { name: string };
  /** Windows LAPS sets a new password and gives it to the directory. */
  laps?: Proof & { resetAt?: string; backup?: LapsBackup };
}

/** Shows that somebody can sign in to a device without Entra; it holds for the request with which it was asked for. */
export interface Proof {
  state: 'asked' | 'confirmed' | 'failed';
  /** In words for the administrator. */
  reason: string;
  by: string;
  askedAt: string;
  /** When it was confirmed or failed. */
  settledAt?: string;
  /** The queued command by which it is made. */
  command: string;
}

/** Where LAPS keeps the password (LAPS CSP, BackupDirectory 1 and 2); `unknown` where the device does not say. */
export type LapsBackup = 'entra' | 'directory' | 'unknown';

/** A full wipe that a command asked for. */
export interface Wipe {
  /** The node of the RemoteWipe CSP, e.g. `doWipeProtected`. */
  kind: string;
  /**
   * `accepted`: the device said that it will; `wiped`: it has been silent since; `notDone`: it called later, so it was not
   * wiped by then; `failed`: it refused.
   */
  state: 'accepted' | 'wiped' | 'notDone' | 'failed';
  /** When this state began. */
  since: string;
  reason: string;
  acceptedAt?: string;
  /** The command that asked for it. */
  command: string;
}

export interface Fact {
  /** What the device answered; absent when it has no such node. */
  value?: string;
  status: number;
}

export interface AppliedDefault {
  /** Of the value that was sent last; absent when it was taken away. */
  hash?: string;
  /** When it was sent, or answered. */
  at: string;
  /** How often it was sent, as no word came. */
  sent: number;
  /** Replace found no node, so it goes as Add. */
  add?: true;
  /** What the PC answered; absent before it has. */
  status?: number;
}

/** Why a profile does not hold on a device, in short. */
export interface ProfileProblem {
  /** `undone`: it was set, and somebody else changes it again and again. */
  state: 'failed' | 'conflict' | 'refused' | 'notApplicable' | 'undone';
  /** Since when (ISO 8601). */
  since: string;
  /** The setting that was undone most often, how often, and since when; also where something else is worse. */
  drifts?: { target: string; count: number; since: string };
}

/** Minutes and count of the first set, of the second, and minutes for ever after (DMClient CSP, Poll). */
export type PollSchedule = [number, number, number, number, number];

export interface Device {
  /** Enrollment id: the partition, the certificate's subject, the name of the enrollment everywhere. */
  id: string;
  /** Rises with each change of this row, so that the device list never goes back in time. */
  revision: number;
  user: string;
  name: string;
  state: DeviceState;
  enrollmentType: 'Full' | 'Device';
  /** The PROVIDER-ID at the time of enrollment: the path of its Unenroll node for life. */
  providerId: string;
  enrolledAt: string;
  admission: Admission;
  /** What the enrollment client said of itself (ContextItems), first value of each name. */
  context: Record<string, string>;
  attestation?: AttestationSummary;
  /** `./DevInfo` as the device reports it at the start of each session. */
  devInfo: Record<string, string>;
  /** What the server read by itself, by name. */
  facts: Record<string, Fact>;
  factsReadAt?: string;
  /** There while they are asked for and no answer has come: when last, and in how many sessions in a row. */
  factsAsked?: { at: string; times: number };
  join?: Join;
  /** What the PC was given by default, by the name of the setting. */
  defaults?: Record<string, AppliedDefault>;
  /** How it can be woken; there while push is on and the device has taken the app's name. */
  push?: PushChannel;
  /** What administrators call it by: profiles are given to tags. */
  tags?: string[];
  /** Under these enrollments the same PC was known before, oldest first; what is assigned to them is for it. */
  formerIds?: string[];
  /** Profiles that do not hold on it, by name. */
  profileProblems?: Record<string, ProfileProblem>;
  certificates: DeviceCertificate[];
  /** The last ones, oldest first. */
  renewals?: Renewal[];
  /** When an administrator last told the device to renew at once. */
  renewNowAt?: string;
  /** What its messages say is kept for a while, so that somebody can look at them. */
  trace?: { by: string; since: string; until: string };
  inventory?: Inventory;
  /** The schedule that it was given when it enrolled; absent in records that are older than this member. */
  poll?: PollSchedule;
  /** How often it was last told to call, and took it, where that is not what its enrollment said. */
  pollEveryMinutes?: number;
  /** B64(MD5(name:secret)) for deployments that authenticate by digest. */
  digestCredential?: string;
  nextSequence: number;
  unenroll?: Unenroll;
  wipe?: Wipe;
  /** When it last called although it had left: it has not. */
  calledAfterLeaving?: string;
  /** Who has it refused outright, and what it was before. There while the state is `blocked`. */
  blocked?: { by: string; at: string; reason: string; before: DeviceState };
  /** The enrollment that took this one's place. */
  supersededBy?: string;
  /** `retry`: it never called, and the device tried once more; `return`: the device was enrolled anew. */
  supersededBecause?: 'retry' | 'return';
  flags?: DeviceFlag[];
}

/** The rows of an enrollment's partition that others than management touch, in the order in which they are read. */
export const DEVICE_ROW = '0device';
export const SESSION_ROW = '1session';
/** What the device sent of its TPM; behind `~`, where no message reads it. */
export const ATTESTATION_ROW = '~attestation';

/** States in which the enrollment is over: such a device is offered Unenroll and nothing else. */
const LEFT: readonly DeviceState[] = ['unenrolled', 'superseded', 'retired', 'wiped'];

export function hasLeft(device: Pick<Device, 'state'>): boolean {
  return LEFT.includes(device.state);
}

/** @returns the end of the certificate that lasts longest, ISO 8601. */
export function certificateEnd(device: Pick<Device, 'certificates'>): string {
  return (
    device.certificates
      .map((certificate) => certificate.notAfter)
      .sort()
      .at(-1) ?? ''
  );
}
