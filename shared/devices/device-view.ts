import {
  type Admission,
  type AppliedDefault,
  certificateEnd,
  type Device,
  type DeviceState,
  type Join,
  type Unenroll,
} from './device.ts';
import type { DeviceListEntry } from './device-list.ts';
import { type UserCanDisconnect, userCanDisconnect } from './disconnect.ts';
import { notesOf } from './notes.ts';

/** A device as the admin API shows it: no keys, no credentials, no certificate bytes. */
export interface DeviceView {
  id: string;
  name: string;
  user: string;
  state: DeviceState;
  enrolledAt: string;
  enrollmentType: Device['enrollmentType'];
  providerId: string;
  /** How it came in. */
  admission: Admission;
  certificateEnd: string;
  certificates: { thumbprint: string; serialNumber: string; notBefore: string; notAfter: string }[];
  lastContact?: string;
  join?: Join;
  /** What the device said of itself when it enrolled. */
  enrollment: Record<string, string>;
  devInfo: Record<string, string>;
  /** What the server read; null where the device has no such node. */
  facts: Record<string, string | null>;
  factsReadAt?: string;
  /** Absent for a device that has left. */
  userCanDisconnect?: UserCanDisconnect;
  notes: string[];
  /** What it was given by default, by the name of the setting. */
  defaults: Record<string, DefaultView>;
  unenroll?: Unenroll;
  /** By whom and why it is refused; `before` is the state that it goes back to. */
  blocked?: Device['blocked'];
  supersededBy?: string;
}

export interface DefaultView {
  state: 'waiting' | 'done' | 'failed';
  at: string;
  /** What the PC answered. */
  status?: number;
}

/** @param lastContact time of the last management message, from the session row */
export function deviceView(device: Device, lastContact: string | undefined): DeviceView {
  const {
    id,
    name,
    user,
    state,
    enrolledAt,
    enrollmentType,
    providerId,
    admission,
    join,
    devInfo,
    factsReadAt,
    unenroll,
  } = device;
  return {
    id,
    name,
    user,
    state,
    enrolledAt,
    enrollmentType,
    providerId,
    admission,
    certificateEnd: certificateEnd(device),
    certificates: device.certificates.map(({ thumbprint, serialNumber, notBefore, notAfter }) => ({
      thumbprint,
      serialNumber,
      notBefore,
      notAfter,
    })),
    lastContact,
    join,
    enrollment: device.context,
    devInfo,
    facts: Object.fromEntries(Object.entries(device.facts).map(([fact, { value }]) => [fact, value ?? null])),
    factsReadAt,
    userCanDisconnect: userCanDisconnect(device),
    notes: notesOf(device),
    defaults: Object.fromEntries(
      Object.entries(device.defaults ?? {}).map(([name, each]) => [name, defaultView(each)]),
    ),
    unenroll,
    blocked: device.blocked,
    supersededBy: device.supersededBy,
  };
}

function defaultView({ at, status }: AppliedDefault): DefaultView {
  if (status === undefined) return { state: 'waiting', at };
  return { state: status >= 200 && status < 300 ? 'done' : 'failed', at, status };
}

/** One line of the list of devices. */
export type DeviceListView = Omit<DeviceListEntry, 'revision'>;

export function deviceListView({ revision: _, ...entry }: DeviceListEntry): DeviceListView {
  return entry;
}
