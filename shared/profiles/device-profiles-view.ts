import { statusMeaning } from '../commands/status-meaning.ts';
import { DEVICE_ROW, type Device, type DeviceState } from '../devices/device.ts';
import { isManaged } from '../devices/unenroll.ts';
import { notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Decision, decide, type Moment, momentBetweenSessions, type SettingVerdict } from './decision.ts';
import { blockersOf } from './groups.ts';
import { UNREADABLE } from './outcome.ts';
import type { Profile } from './profile.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW, type SettingState } from './setting-state.ts';
import { desiredState, type Wanted } from './wanted.ts';

/** One setting of a device as the admin API shows it; never a value. */
export interface SettingView {
  target: string;
  /** Who asks for it; nobody where it is being taken back. */
  profiles: string[];
  state: SettingVerdict;
  waitingFor?: string;
  /** The setting without which it is not sent, where it waits for its `group`. */
  blockedBy?: string;
  /** What the device answered last, where that was no success. */
  status?: number;
  originalError?: string;
  /** In words. */
  reason?: string;
  /** Since when it has failed, and when it is tried again. */
  since?: string;
  retryAt?: string;
  /** When it was set, and read back. */
  setAt?: string;
  readAt?: string;
  /** How often it was found changed and set again, since when, and when the last time. */
  drifts?: number;
  driftSince?: string;
  driftAt?: string;
}

export interface DeviceProfilesView {
  deviceState: DeviceState;
  /** Why nothing is said of its settings. */
  note?: string;
  tags: string[];
  /** The profiles that apply. */
  profiles: string[];
  settings: SettingView[];
  conflicts: { target: string; profiles: string[] }[];
  leftOut: { profile: string; reason: string }[];
}

/** The state of each setting of a device; one call. @throws {Problem} 404 */
export async function showDeviceProfiles(
  storage: Storage,
  deviceId: string,
  profiles: readonly Profile[],
  now: Date,
): Promise<DeviceProfilesView> {
  const { rows } = await storage.table('devices').page<unknown>(deviceId, { from: DEVICE_ROW, before: '3', limit: 3 });
  const device = rows.find(({ rowKey }) => rowKey === DEVICE_ROW) as Row<Device> | undefined;
  if (!device) throw notFound(`There is no device ${deviceId}.`);
  const row = rows.find(({ rowKey }) => rowKey === PROFILES_OF_DEVICE_ROW) as Row<DeviceProfiles> | undefined;
  return deviceProfilesView(device.value, row?.value ?? { settings: {} }, profiles, now);
}

/** Of a device that is not kept as its profiles say, its state and a sentence: what was known of its settings is true no more. */
export function deviceProfilesView(
  device: Device,
  { settings: states }: DeviceProfiles,
  profiles: readonly Profile[],
  now: Date,
): DeviceProfilesView {
  const { state: deviceState, tags = [] } = device;
  if (!isManaged(device)) {
    return { deviceState, note: noteOf(device), tags, profiles: [], settings: [], conflicts: [], leftOut: [] };
  }
  const desired = desiredState(device, profiles);
  const { settings, profiles: applied, leftOut } = desired;
  const moment = momentBetweenSessions(device, now);
  const blockers = blockersOf(desired, states, moment);
  const wanted = [...settings.values()].map((each) => {
    const blocker = blockers.get(each.group ?? '')?.[0];
    const view = settingView(each, states[each.node], moment);
    return blocker ? blockedView(view, { each, blocker, states, moment }) : view;
  });
  const others = Object.entries(states)
    .filter(([node]) => !settings.has(node))
    .flatMap(([, state]) => {
      const view = settingView(undefined, state, moment);
      return view.state === 'removing' || view.state === 'stays' || view.state === 'failed' ? [view] : [];
    });
  const conflicts = [...settings.values()]
    .filter(({ held }) => held?.because === 'conflict')
    .map(({ target, profiles: names }) => ({ target, profiles: names }));
  return { deviceState, tags, profiles: applied, settings: [...wanted, ...others], conflicts, leftOut };
}

function noteOf({ state, supersededBy }: Device): string {
  if (state === 'blocked') {
    return 'The device is blocked and refused when it calls: what its profiles set stays, and nothing is changed or read.';
  }
  if (state === 'unenrolling') return 'The device is asked to leave: its profiles are neither set nor read any more.';
  const by = supersededBy ? ` by ${supersededBy}` : '';
  return `The device is ${state}${by}: its profiles are neither set nor read any more.`;
}

const BLOCKED_BY: Partial<Record<SettingVerdict, string>> = {
  conflict: 'over which profiles disagree',
  refused: 'which is refused',
  notApplicable: 'which this Windows does not know',
  rejected: 'over which the device gives up',
  failed: 'which has failed',
};

/** What would be sent, were it not for another one of its Atomic. */
function blockedView(
  view: SettingView,
  {
    each,
    blocker,
    states,
    moment,
  }: { each: Wanted; blocker: Wanted; states: DeviceProfiles['settings']; moment: Moment },
): SettingView {
  if (blocker.node === each.node || decide(each, states[each.node], moment).act !== 'set') return view;
  const { state } = settingView(blocker, states[blocker.node], moment);
  const reason = `Goes together with ${blocker.target}, ${BLOCKED_BY[state] ?? 'which waits itself'}.`;
  return { ...view, waitingFor: 'group', blockedBy: blocker.target, reason };
}

function settingView(wanted: Wanted | undefined, state: SettingState | undefined, moment: Moment): SettingView {
  const decision = decide(wanted, state, moment);
  const verdict = verdictOf(decision, state);
  const isOld = verdict === 'done' || (state?.attempt !== undefined && state.attempt.hash !== wanted?.hash);
  const attempt = isOld ? undefined : state?.attempt;
  const reason = wanted?.held?.reason ?? reasonOf(attempt, verdict);
  const waitingFor = decision.act === 'rest' ? decision.waitsFor : undefined;
  return {
    target: wanted?.target ?? state?.target ?? '',
    profiles: wanted?.profiles ?? [],
    state: verdict,
    ...(waitingFor && verdict !== 'done' && { waitingFor }),
    ...(attempt?.status && { status: attempt.status }),
    ...(attempt?.originalError && { originalError: attempt.originalError }),
    ...(reason && { reason }),
    ...(attempt?.since && { since: attempt.since }),
    ...(attempt?.retryAt && { retryAt: attempt.retryAt }),
    ...(state?.setAt && { setAt: state.setAt }),
    ...(state?.readAt && { readAt: state.readAt }),
    ...(state?.drifts && { drifts: state.drifts }),
    ...(state?.driftSince && { driftSince: state.driftSince }),
    ...(state?.driftAt && { driftAt: state.driftAt }),
  };
}

/** Between sessions what is about to be sent waits, and what is about to be sent again has failed. */
function verdictOf(decision: Decision, state: SettingState | undefined): SettingVerdict {
  if (decision.act === 'rest') return decision.verdict;
  if (decision.act !== 'set') return 'removing';
  const { attempt } = state ?? {};
  if (attempt?.hash !== decision.hash) return 'waiting';
  if (attempt.failures) return 'failed';
  return attempt.status === undefined ? 'sent' : 'waiting';
}

function reasonOf(attempt: SettingState['attempt'], verdict: SettingVerdict): string | undefined {
  if (verdict === 'stays') return 'Windows does not let this be taken back; it stays as it is.';
  if (verdict === 'rejected')
    return 'The device gave up three sessions over it. Change the value to have it sent again.';
  if (attempt?.status === UNREADABLE) return 'Its secret cannot be decrypted any more. Put the profile again with it.';
  if (attempt?.status !== undefined) return statusMeaning(attempt.status);
  return attempt?.unanswered ? `The device said nothing about it in ${attempt.unanswered + 1} sessions.` : undefined;
}
