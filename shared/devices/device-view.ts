import { now } from '../platform/clock.ts';
import { type PushView, pushView } from '../push/channel.ts';
import {
  type Admission,
  type AppliedDefault,
  certificateEnd,
  type Device,
  type DeviceFlag,
  type DeviceState,
  type Join,
  type Renewal,
  type Unenroll,
} from './device.ts';
import type { DeviceListEntry } from './device-list.ts';
import { type UserCanDisconnect, userCanDisconnect } from './disconnect.ts';
import { notesOf } from './notes.ts';
import { isManaged } from './unenroll.ts';

/** A device as the admin API shows it: no keys, no credentials, no certificate bytes. */
export interface DeviceView {
  id: string;
  name: string;
  user: string;
  state: DeviceState;
  enrolledAt: string;
  enrollmentType: Device['enrollmentType'];
  providerId: string;
  /** What administrators call it by. */
  tags?: string[];
  /** The enrollments of the same PC before. */
  formerIds?: string[];
  /** Profiles that do not hold on it, by name; of one that is managed no more nothing is known. */
  profileProblems?: Device['profileProblems'];
  /** How it came in. */
  admission: Admission;
  certificateEnd: string;
  /** All certificates have ended: the device can neither call nor renew. */
  certificateExpired: boolean;
  certificates: { thumbprint: string; serialNumber: string; notBefore: string; notAfter: string }[];
  lastContact?: string;
  /** How often it was last told to call, where that is not what its enrollment said. */
  pollEveryMinutes?: number;
  join?: Join;
  /** What the device said of itself when it enrolled. */
  enrollment: Record<string, string>;
  /** What it sent of its TPM then; not verified. */
  attestation?: Device['attestation'];
  devInfo: Record<string, string>;
  /** What the server read; null where the device has no such node. */
  facts: Record<string, string | null>;
  factsReadAt?: string;
  /** Absent for a device that has left. */
  userCanDisconnect?: UserCanDisconnect;
  notes: string[];
  /** What it was given by default, by the name of the setting. */
  defaults: Record<string, DefaultView>;
  /** Whether it can be woken; never by what address. */
  push?: PushView | undefined;
  unenroll?: Unenroll;
  wipe?: Device['wipe'];
  calledAfterLeaving?: string;
  /** By whom and why it is refused; `before` is the state that it goes back to. */
  blocked?: Device['blocked'];
  supersededBy?: string;
  supersededBecause?: Device['supersededBecause'];
  /** Renewals of the certificate, oldest first. */
  renewals?: Renewal[];
  /** Other enrollments that may be of the same device, or of a copy of it. */
  flags?: DeviceFlag[];
}

export interface DefaultView {
  state: 'waiting' | 'done' | 'failed';
  at: string;
  /** What the PC answered. */
  status?: number;
}

/** @param lastContact time of the last management message, from the session row */
export function deviceView(device: Device, lastContact: string | undefined): DeviceView {
  return {
    id: device.id,
    name: device.name,
    user: device.user,
    state: device.state,
    enrolledAt: device.enrolledAt,
    enrollmentType: device.enrollmentType,
    providerId: device.providerId,
    tags: device.tags,
    formerIds: device.formerIds,
    profileProblems: isManaged(device) ? device.profileProblems : undefined,
    admission: device.admission,
    certificateEnd: certificateEnd(device),
    certificateExpired: hasEnded(certificateEnd(device)),
    certificates: device.certificates.map(({ thumbprint, serialNumber, notBefore, notAfter }) => ({
      thumbprint,
      serialNumber,
      notBefore,
      notAfter,
    })),
    lastContact,
    pollEveryMinutes: device.pollEveryMinutes,
    join: device.join,
    enrollment: device.context,
    attestation: device.attestation,
    devInfo: device.devInfo,
    facts: Object.fromEntries(Object.entries(device.facts).map(([fact, { value }]) => [fact, value ?? null])),
    factsReadAt: device.factsReadAt,
    userCanDisconnect: userCanDisconnect(device),
    notes: notesOf(device),
    defaults: Object.fromEntries(
      Object.entries(device.defaults ?? {}).map(([name, each]) => [name, defaultView(each)]),
    ),
    push: pushView(device.push, now()),
    unenroll: device.unenroll,
    wipe: device.wipe,
    calledAfterLeaving: device.calledAfterLeaving,
    blocked: device.blocked,
    supersededBy: device.supersededBy,
    supersededBecause: device.supersededBecause,
    renewals: device.renewals,
    flags: device.flags,
  };
}

function defaultView({ at, status }: AppliedDefault): DefaultView {
  if (status === undefined) return { state: 'waiting', at };
  // Accepted, and no word yet of what came of it.
  if (status === 202) return { state: 'waiting', at, status };
  return { state: status >= 200 && status < 300 ? 'done' : 'failed', at, status };
}

/** One line of the list of devices. */
export type DeviceListView = Omit<DeviceListEntry, 'revision' | 'identity'> & { certificateExpired: boolean };

export function deviceListView({ revision: _, identity: _identity, ...entry }: DeviceListEntry): DeviceListView {
  return { ...entry, certificateExpired: hasEnded(entry.certificateEnd) };
}

function hasEnded(end: string): boolean {
  return end !== '' && end < now().toISOString();
}
