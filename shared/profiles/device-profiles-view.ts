import { statusMeaning } from '../commands/status-meaning.ts';
import { DEVICE_ROW, type Device } from '../devices/device.ts';
import { notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Decision, decide, type Moment, type SettingVerdict } from './decision.ts';
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
  /** How often it was found changed and set again. */
  drifts?: number;
}

export interface DeviceProfilesView {
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

export function deviceProfilesView(
  device: Device,
  { settings: states }: DeviceProfiles,
  profiles: readonly Profile[],
  now: Date,
): DeviceProfilesView {
  const { settings, profiles: applied, leftOut } = desiredState(device, profiles);
  const osVersion = device.facts['osVersion']?.value;
  const moment: Moment = { now, session: '', userIsThere: false, ...(osVersion !== undefined && { osVersion }) };
  const wanted = [...settings.values()].map((each) => settingView(each, states[each.node], moment));
  const others = Object.entries(states)
    .filter(([node]) => !settings.has(node))
    .flatMap(([, state]) => {
      const view = settingView(undefined, state, moment);
      return view.state === 'removing' || view.state === 'stays' || view.state === 'failed' ? [view] : [];
    });
  const conflicts = [...settings.values()]
    .filter(({ held }) => held?.because === 'conflict')
    .map(({ target, profiles: names }) => ({ target, profiles: names }));
  return { tags: device.tags ?? [], profiles: applied, settings: [...wanted, ...others], conflicts, leftOut };
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
