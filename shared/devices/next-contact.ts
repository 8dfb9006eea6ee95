import type { Policy } from '../catalogue/policy.ts';
import { type Device, hasLeft } from './device.ts';

/** When a device should call by its schedule. The server cannot call it; somebody at it can make it call. */

export const SYNC_NOW =
  'It is done when the device next calls. To have it call now: on the PC open Settings > Accounts > Access work or school, choose the connection, Info, Sync.';

/** Later than this after it was due, a device is not just late: it is switched off, without network, or has left. */
const LATE_MS = 3_600_000;

export interface NextContact {
  /** ISO 8601; at the latest, since it also calls at a sign-in where that is set. */
  due: string;
  /** It should have called more than an hour ago. */
  overdue: boolean;
  everyMinutes: number;
  syncNow: string;
}

/**
 * @param poll the organisation's schedule, given at enrollment; the device's own counts from when it was changed
 * @param lastContact ISO 8601; undefined before the first
 * @returns undefined for a device that has left or is blocked
 */
export function nextContact(
  device: Pick<Device, 'state' | 'enrolledAt' | 'pollEveryMinutes'>,
  lastContact: string | undefined,
  poll: Policy['poll'],
  now: Date,
): NextContact | undefined {
  if (hasLeft(device) || device.state === 'blocked') return undefined;
  const from = Date.parse(lastContact ?? device.enrolledAt);
  const minutes = lastContact === undefined ? 0 : intervalAt(device, from, poll);
  const due = new Date(from + minutes * 60_000);
  const overdue = now.getTime() - due.getTime() > LATE_MS;
  return { due: due.toISOString(), overdue, everyMinutes: intervalAt(device, now.getTime(), poll), syncNow: SYNC_NOW };
}

/** The first two sets run from the enrollment on, each for its count (DMClient CSP, Poll). */
function intervalAt(
  { enrolledAt, pollEveryMinutes }: Pick<Device, 'enrolledAt' | 'pollEveryMinutes'>,
  at: number,
  { first, second, remaining }: Policy['poll'],
): number {
  const age = (at - Date.parse(enrolledAt)) / 60_000;
  const firstEnds = first.intervalMinutes * first.count;
  if (age < firstEnds) return first.intervalMinutes;
  if (age < firstEnds + second.intervalMinutes * second.count) return second.intervalMinutes;
  return pollEveryMinutes ?? remaining.intervalMinutes;
}
