import { type Device, type DeviceState, hasLeft, type Proof, type Unenroll, type UnenrollState } from './device.ts';
import { passWipeTime } from './wipe.ts';

/**
 * The life of an Unenroll: asked for, sent, and one of its ends. Pure; each function returns the next device record.
 *
 * ```
 * waiting -> sent -> confirmed            the device reported 1226 with Data 1
 *    |         |---> silent               delivered, then no word past the poll schedule
 *    |         |---> failed               the device reported that it failed, or stayed three times
 *    |-> held                             the gate: a joined device without proof of a local administrator
 *    `-> neverDelivered                   the device never called again
 * ```
 */

/** A session that begins later than this after delivery, without the 1226 alert, shows that the device stayed. */
export const REFUSAL_AFTER_MS = 10 * 60_000;
export const MAX_REFUSALS = 3;
/** The longest poll interval that we set is 8 hours; a week without a word is an answer. */
export const SILENT_AFTER_MS = 7 * 86_400_000;
export const NEVER_DELIVERED_AFTER_MS = 90 * 86_400_000;

/** States in which the request still stands and DELETE may call it off. */
const CALLABLE_OFF: readonly UnenrollState[] = ['waiting', 'held', 'failed', 'neverDelivered'];

function step(device: Device, state: UnenrollState, reason: string, now: Date, more: Partial<Unenroll> = {}): Device {
  const before = device.unenroll;
  const at = now.toISOString();
  const base = before ?? { requestedAt: at, requestedBy: 'device', deliveries: 0, refusals: 0 };
  const since = before?.state === state ? before.since : at;
  return { ...device, unenroll: { ...base, ...more, state, reason, since } };
}

export interface UnenrollRequest {
  by: string;
  after?: 'now' | 'queue';
  acceptRisk?: { person: string; reason: string };
  /** An account to be made, and the id of the command that is queued for it. */
  localAdministrator?: { name: string; command: string };
  /** The id of the command by which LAPS is told to set a new password. */
  laps?: { command: string };
}

/**
 * The administrator asks. A request that already stands is kept, what shows that nobody is locked out is added to it, and
 * `now` overtakes `queue`. A new request takes nothing over: what was known of the device at the last one may not be so
 * any more.
 */
export function requestUnenroll(device: Device, request: UnenrollRequest, now: Date): Device {
  const at = now.toISOString();
  const { by, after = 'now' } = request;
  const standing = device.unenroll && ['waiting', 'sent'].includes(device.unenroll.state) ? device.unenroll : undefined;
  const fresh: Unenroll = {
    state: 'waiting',
    since: at,
    reason: '',
    requestedAt: at,
    requestedBy: by,
    deliveries: 0,
    refusals: 0,
  };
  const base = standing ? { ...standing } : fresh;
  const { acceptRisk, localAdministrator, laps } = request;
  const asked: Pick<Proof, 'state' | 'by' | 'askedAt'> = { state: 'asked', by, askedAt: at };
  const unenroll: Unenroll = {
    ...base,
    ...(after === 'queue' && !standing ? { after } : {}),
    ...(after === 'now' ? { after: undefined } : {}),
    ...(acceptRisk ? { acceptedRisk: { ...acceptRisk, at } } : {}),
    ...(localAdministrator ? { localAdministrator: { ...asked, reason: WAITS, ...localAdministrator } } : {}),
    ...(laps ? { laps: { ...asked, reason: WAITS, ...laps } } : {}),
  };
  const reason = unenroll.state === 'waiting' && unenroll.refusals === 0 ? whyItWaits(unenroll) : unenroll.reason;
  return { ...device, state: 'unenrolling', unenroll: { ...unenroll, reason } };
}

const WAITS = 'Waits for the next management session of the device.';

function whyItWaits({ after, localAdministrator, laps }: Unenroll): string {
  if (after === 'queue') return 'Waits until all commands before it have ended.';
  if (localAdministrator?.state === 'asked')
    return `Waits until the local administrator ${localAdministrator.name} is made.`;
  return laps?.state === 'asked' ? 'Waits until LAPS has set a new password.' : WAITS;
}

/**
 * On an enrolled device there is nothing to take back, but the record of a Disconnect of its user's that failed.
 * @returns the device with the request taken back, or undefined when it is too late for that
 */
export function callOff(device: Device): Device | undefined {
  if (device.state !== 'unenrolling' && device.state !== 'enrolled') return undefined;
  if (!device.unenroll || !CALLABLE_OFF.includes(device.unenroll.state)) return undefined;
  return { ...device, state: 'enrolled', unenroll: undefined };
}

/** @returns whether the device is kept as its profiles say: it has not left, is not blocked, and is not about to be asked to leave */
export function isManaged({ state, unenroll }: { state: DeviceState; unenroll?: Pick<Unenroll, 'state'> }): boolean {
  return state === 'enrolled' || (state === 'unenrolling' && !isDue(unenroll));
}

/** @returns whether the Unenroll is due to be offered in a session (the gate still has its say). */
export function isDue(unenroll: Pick<Unenroll, 'state'> | undefined): boolean {
  return unenroll !== undefined && ['waiting', 'held', 'sent', 'neverDelivered', 'silent'].includes(unenroll.state);
}

/** @returns whether ordinary commands go before the Unenroll. Once it was sent they do not any more. */
export function goesBehindQueue({ unenroll }: Pick<Device, 'unenroll'>): boolean {
  return unenroll?.after === 'queue' && unenroll.deliveries === 0;
}

/** @returns whether ordinary commands wait until the Unenroll is sent or called off */
export function keepsCommandsBack(device: Pick<Device, 'state' | 'unenroll'>): boolean {
  return device.state === 'unenrolling' && isDue(device.unenroll) && !goesBehindQueue(device);
}

/** @returns whether it was asked to leave and has not been told, so that a new enrollment of it would overtake that */
export function waitsToBeTold({ state, unenroll }: Pick<Device, 'state' | 'unenroll'>): boolean {
  return state === 'unenrolling' && unenroll?.deliveries === 0;
}

/** The gate keeps the command back. */
export function hold(device: Device, reason: string, now: Date): Device {
  return step(device, 'held', reason, now);
}

/** The command went into a message. For an enrollment that is over already only the delivery is counted. */
export function markSent(device: Device, now: Date): Device {
  const deliveries = (device.unenroll?.deliveries ?? 0) + 1;
  const lastSentAt = now.toISOString();
  if (device.state !== 'unenrolling') {
    return device.unenroll ? { ...device, unenroll: { ...device.unenroll, deliveries, lastSentAt } } : device;
  }
  return step(device, 'sent', 'Sent to the device; its confirmation is awaited.', now, { deliveries, lastSentAt });
}

/**
 * Alert 1226 with Data 1: the device removes the enrollment, because we asked or because its user did. It may come late,
 * when the silence was taken for an answer already, and more than once.
 */
export function confirm(device: Device, now: Date): Device {
  if (device.unenroll?.state === 'confirmed' && !device.calledAfterLeaving) return device;
  const wasTold = (device.unenroll?.deliveries ?? 0) > 0;
  const reason = wasTold
    ? 'The device confirmed that it removes the enrollment (alert 1226).'
    : 'The user disconnected the device (alert 1226).';
  const state = hasLeft(device) ? device.state : 'unenrolled';
  const next = step(device, 'confirmed', reason, now, { code: undefined });
  return { ...next, state, calledAfterLeaving: undefined };
}

/**
 * A session that begins without the 1226 alert: a device that is taken to have left, and calls, has not. What it began
 * while it was cleaning up does not count (Microsoft Learn, "Disconnecting from the management infrastructure", asks for
 * some delay).
 */
export function noteCallAfterLeaving(device: Device, now: Date): Device {
  if (!hasLeft(device) || device.supersededBecause === 'return') return device;
  const { unenroll } = device;
  const isCleaningUp = unenroll?.state === 'confirmed' && elapsed(unenroll.since, now) <= REFUSAL_AFTER_MS;
  return isCleaningUp ? device : { ...device, calledAfterLeaving: now.toISOString() };
}

/**
 * Alert 1226 with other data: the device tried and could not, so the enrollment is still there, and one that was taken to have
 * left has not.
 */
export function reportFailure(device: Device, text: string, now: Date): Device {
  const reason = `The device reported that unenrolling failed: ${text.slice(0, 200)}`;
  return noteCallAfterLeaving(step(device, 'failed', reason, now, { code: text.slice(0, 200) }), now);
}

/** The device was told and is still here. Three times, and it waits for a person. */
export function refuse(device: Device, why: string, now: Date, code?: string): Device {
  const refusals = (device.unenroll?.refusals ?? 0) + 1;
  const more = { refusals, code };
  if (refusals >= MAX_REFUSALS) {
    return step(device, 'failed', `The device stayed after ${refusals} deliveries. Last: ${why}`, now, more);
  }
  return step(device, 'waiting', `${why} It is sent again.`, now, more);
}

/** @returns whether a session that begins now, without the 1226 alert, shows that the device stayed. */
export function stayedAfterDelivery(unenroll: Unenroll | undefined, now: Date): boolean {
  if (unenroll?.state !== 'sent' || !unenroll.lastSentAt) return false;
  return now.getTime() - Date.parse(unenroll.lastSentAt) > REFUSAL_AFTER_MS;
}

/**
 * What time alone decides. `lastContact` is the device's last message (ISO 8601), absent if it never called.
 * @returns the next record, or undefined when nothing changes.
 */
export function passTime(device: Device, lastContact: string | undefined, now: Date): Device | undefined {
  const wiped = passWipeTime(device, lastContact, now);
  if (wiped) return wiped;
  const unenroll = device.unenroll;
  if (!unenroll || device.state !== 'unenrolling') return undefined;
  if (unenroll.state === 'sent' && elapsed(unenroll.lastSentAt ?? unenroll.since, now) > SILENT_AFTER_MS) {
    const reason = 'Delivered, and the device has been silent for 7 days since. Evidence: silence.';
    return { ...step(device, 'silent', reason, now), state: 'unenrolled' };
  }
  const quietSince = lastContact && lastContact > unenroll.requestedAt ? lastContact : unenroll.requestedAt;
  const waits = unenroll.state === 'waiting' || unenroll.state === 'held';
  if (waits && (elapsed(quietSince, now) > NEVER_DELIVERED_AFTER_MS || cannotCall(device, now))) {
    if (unenroll.deliveries > 0) return silentAfterRefusal(device, now);
    return step(device, 'neverDelivered', 'The device has not called since and may never call again.', now);
  }
  return undefined;
}

/** It was told, stayed at first, and then was never heard of again: it was delivered, so the evidence is silence. */
function silentAfterRefusal(device: Device, now: Date): Device {
  const reason = 'Delivered; the device stayed at first and has not called for 90 days since. Evidence: silence.';
  return { ...step(device, 'silent', reason, now), state: 'unenrolled' };
}

function elapsed(since: string, now: Date): number {
  return now.getTime() - Date.parse(since);
}

/** An enrollment whose certificates have all expired can neither call nor renew. */
function cannotCall(device: Device, now: Date): boolean {
  return device.certificates.every((certificate) => Date.parse(certificate.notAfter) < now.getTime());
}
