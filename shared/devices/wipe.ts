import { nodePath } from '../wire/node-path.ts';
import { type Device, hasLeft, type Wipe } from './device.ts';

/**
 * A full wipe, from the answer to its command to its end (RemoteWipe CSP). The answer says only that the device took the
 * command; that it was done is shown by silence, and that it was not, or not yet, by a later session. Pure.
 */

/** A session that begins later than this after the device took the command shows that it was not wiped. */
const BEGINS_WITHIN_MS = 10 * 60_000;
export const SILENT_AFTER_WIPE_MS = 7 * 86_400_000;
/** A device that still calls so long after is not on the way to be wiped, and may be silent for other reasons later. */
const BEGINS_LATE_WITHIN_MS = 7 * 86_400_000;

/**
 * @returns the kind of wipe, as the CSP names it; undefined for any other node. Autopilot Reset (`AutomaticRedeployment`) keeps
 *   the enrollment and is none
 */
export function wipeKindOf(target: string): string | undefined {
  const [csp, node, ...more] = nodePath(target);
  if (csp !== 'remotewipe' || !node?.startsWith('dowipe') || more.length > 0) return undefined;
  return target.split('/').at(-1);
}

/** What the device said to the command. */
export function noteWipeAnswer(
  device: Device,
  { kind, command, status }: { kind: string; command: string; status: number },
  now: Date,
): Device {
  const since = now.toISOString();
  if (status === 200 || status === 202) {
    const reason = `The device took the command ${kind}. It counts as wiped when it has been silent for 7 days.${hintOf(kind)}`;
    return { ...device, wipe: { kind, command, state: 'accepted', since, acceptedAt: since, reason } };
  }
  const reason = `The device answered ${status} to ${kind}: it is not wiped.${refusalHint(status)}`;
  return { ...device, wipe: { kind, command, state: 'failed', since, reason } };
}

/** A session that begins: a device that was to be wiped, and calls, was not. */
export function noteCallAfterWipe(device: Device, now: Date): Device {
  const { wipe } = device;
  if (!wipe || (wipe.state !== 'accepted' && wipe.state !== 'wiped')) return device;
  const acceptedAt = Date.parse(wipe.acceptedAt ?? wipe.since);
  if (now.getTime() - acceptedAt <= BEGINS_WITHIN_MS) return device;
  const may = beginsLate(wipe, now.toISOString())
    ? ' If it is silent for 7 days from its last call on, it counts as wiped.'
    : '';
  const reason = `The device took the command ${wipe.kind} and called again later: it was not wiped.${may}${NOT_DONE_HINT}`;
  return { ...device, wipe: { ...wipe, state: 'notDone', since: now.toISOString(), reason } };
}

/** @returns whether a device that called so late may have been wiped after that */
function beginsLate({ acceptedAt, since }: Wipe, lastContact: string): boolean {
  return Date.parse(lastContact) - Date.parse(acceptedAt ?? since) <= BEGINS_LATE_WITHIN_MS;
}

/**
 * A wipe may begin late: a device that called once more and was never heard of again was wiped after all.
 * @returns the next record when silence shows that the device was wiped; undefined when it does not
 */
export function passWipeTime(device: Device, lastContact: string | undefined, now: Date): Device | undefined {
  const { wipe } = device;
  if (!wipe || !['accepted', 'notDone'].includes(wipe.state)) return undefined;
  if (hasLeft(device) || device.state === 'blocked') return undefined;
  const since = [wipe.acceptedAt ?? wipe.since, lastContact ?? ''].sort().at(-1) ?? '';
  if (now.getTime() - Date.parse(since) <= SILENT_AFTER_WIPE_MS) return undefined;
  if (wipe.state === 'notDone' && !beginsLate(wipe, since)) return undefined;
  const called = wipe.state === 'notDone' ? `, called for the last time on ${inWords(since)} UTC` : '';
  const reason = `The device took the command ${wipe.kind}${called} and has been silent for 7 days since. Evidence: silence.${hintOf(wipe.kind)}`;
  const done: Wipe = { ...wipe, state: 'wiped', since: now.toISOString(), reason };
  return { ...device, state: 'wiped', wipe: done };
}

const inWords = (at: string): string => at.slice(0, 16).replace('T', ' ');

/** Reported from operating Windows: the CSP answers 500 where the Windows Recovery Environment is off. */
function refusalHint(status: number): string {
  return status === 500 ? ' The usual cause is that the Windows Recovery Environment is off (reagentc /info).' : '';
}

const NOT_DONE_HINT =
  ' Look whether the Windows Recovery Environment is on (reagentc /info), and ask again or wipe it by hand.';

/** doWipeProtected goes on after a power cut, and is said to be able to leave a PC that does not start. */
function hintOf(kind: string): string {
  return /protected/i.test(kind) ? ' A PC that was wiped so may not start any more and need to be installed anew.' : '';
}
