import { type Admission, certificateEnd, type Device, type DeviceState, type Join, type Unenroll } from './device.ts';
import type { DeviceListEntry } from './device-list.ts';

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
  unenroll?: Unenroll;
  supersededBy?: string;
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
    unenroll,
    supersededBy: device.supersededBy,
  };
}

/** One line of the list of devices. */
export type DeviceListView = Omit<DeviceListEntry, 'revision'>;

export function deviceListView({ revision: _, ...entry }: DeviceListEntry): DeviceListView {
  return entry;
}
