import type { Policy } from '../catalogue/policy.ts';
import { type Device, hasLeft, type PollSchedule } from './device.ts';

/** When a device should call by its schedule. The server cannot call it; somebody at it can make it call. */

export const SYNC_NOW =
  'It is done when the device next calls. To have it call now: on the PC open Settings > Accounts > Access work or school, choose the connection, Info, Sync; or run the command line that its record names (nextContact.commandLine).';

/** Later than this after it was due, a device is not just late: it is switched off, without network, or has left. */
const LATE_MS = 3_600_000;

export interface NextContact {
  /** ISO 8601; at the latest, since it also calls at a sign-in where that is set. */
  due: string;
  /** It should have called more than an hour ago. */
  overdue: boolean;
  everyMinutes: number;
  /** What its user clicks to have it call now. */
  syncNow: string;
  /** What an administrator of the PC runs for the same, in PowerShell. */
  commandLine: string;
}

/** @returns the schedule of the organisation as the record of a device keeps it */
export function keptSchedule({ first, second, remaining }: Policy['poll']): PollSchedule {
  return [first.intervalMinutes, first.count, second.intervalMinutes, second.count, remaining.intervalMinutes];
}

/**
 * @param poll the organisation's schedule of today, for a device whose record does not say what it was given; the device's own
 *   counts from when it took it
 * @param lastContact ISO 8601; undefined before the first
 * @returns undefined for a device that has left or is blocked
 */
export function nextContact(
  device: Scheduled & Pick<Device, 'state' | 'providerId'>,
  lastContact: string | undefined,
  poll: Policy['poll'],
  now: Date,
): NextContact | undefined {
  if (hasLeft(device) || device.state === 'blocked') return undefined;
  const schedule = device.poll ?? keptSchedule(poll);
  const from = Date.parse(lastContact ?? device.enrolledAt);
  const minutes = lastContact === undefined ? 0 : intervalAt(device, from, schedule);
  const due = new Date(from + minutes * 60_000);
  return {
    due: due.toISOString(),
    overdue: now.getTime() - due.getTime() > LATE_MS,
    everyMinutes: intervalAt(device, now.getTime(), schedule),
    syncNow: SYNC_NOW,
    commandLine: syncCommandLine(device.providerId),
  };
}

type Scheduled = Pick<Device, 'enrolledAt' | 'poll' | 'pollEveryMinutes'>;

/** The first two sets run from the enrollment on, each for its count (DMClient CSP, Poll). */
function intervalAt({ enrolledAt, pollEveryMinutes }: Scheduled, at: number, schedule: PollSchedule): number {
  const [first, firstCount, second, secondCount, remaining] = schedule;
  const age = (at - Date.parse(enrolledAt)) / 60_000;
  const firstEnds = first * firstCount;
  if (age < firstEnds) return first;
  if (age < firstEnds + second * secondCount) return second;
  return pollEveryMinutes ?? remaining;
}

/**
 * What the scheduled tasks of the enrollment run. Windows names its enrollments by GUIDs of its own, which a server never
 * sees, so the line looks for those with our PROVIDER-ID (letters and digits).
 */
function syncCommandLine(providerId: string): string {
  const enrollments = 'Get-ChildItem HKLM:\\SOFTWARE\\Microsoft\\Enrollments';
  const ours = `Where-Object { $_.GetValue('ProviderID') -eq '${providerId}' }`;
  const call = 'ForEach-Object { & "$env:windir\\System32\\deviceenroller.exe" /o $_.PSChildName /c }';
  return `${enrollments} | ${ours} | ${call}`;
}
