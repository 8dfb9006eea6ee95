import type { ProfileProblem } from '../devices/device.ts';
import { decide, type Moment, type SettingVerdict } from './decision.ts';
import { driftsOf } from './drift.ts';
import type { DeviceProfiles, SettingState } from './setting-state.ts';
import type { DesiredState, Wanted } from './wanted.ts';

const WORST_FIRST: readonly ProfileProblem['state'][] = ['failed', 'conflict', 'refused', 'notApplicable', 'undone'];

/** Once may be a mistake of somebody's. */
const DRIFTS_TO_TELL = 2;

/**
 * @param before what was known until now, whose beginnings stay
 * @returns the problem of each profile that has one, by name; undefined when none has
 */
export function problemsOf(
  desired: DesiredState,
  { settings }: DeviceProfiles,
  moment: Moment,
  before: Record<string, ProfileProblem> = {},
): Record<string, ProfileProblem> | undefined {
  const problems: Record<string, ProfileProblem> = {};
  for (const wanted of desired.settings.values()) {
    for (const profile of wanted.profiles) {
      const problem = problemOf(wanted, settings[wanted.node], moment, before[profile]);
      if (problem) problems[profile] = worse(problems[profile], problem);
    }
  }
  return Object.keys(problems).length === 0 ? undefined : problems;
}

/**
 * @param before what was known of its profile until now
 * @returns the problem with one setting, undefined when there is none
 */
export function problemOf(
  wanted: Wanted,
  setting: SettingState | undefined,
  moment: Moment,
  before: ProfileProblem | undefined,
): ProfileProblem | undefined {
  const decision = decide(wanted, setting, moment);
  const state = problemStateOf(decision.act === 'rest' ? decision.verdict : 'waiting', setting);
  const undone = setting && driftsOf(setting, moment.now);
  const drifts = undone && undone.count >= DRIFTS_TO_TELL ? { target: wanted.target, ...undone } : undefined;
  if (!state) return drifts && { state: 'undone', since: drifts.since, drifts };
  const known = before?.state === state ? before.since : undefined;
  const since = setting?.attempt?.since ?? known ?? moment.now.toISOString();
  return { state, since, ...(drifts && { drifts }) };
}

/** What failed and is tried again has not gone well yet. */
function problemStateOf(
  verdict: SettingVerdict,
  setting: SettingState | undefined,
): ProfileProblem['state'] | undefined {
  if (verdict === 'rejected') return 'failed';
  if (verdict === 'sent' || verdict === 'waiting') return setting?.attempt?.failures ? 'failed' : undefined;
  return WORST_FIRST.find((state) => state === verdict);
}

/** The worse state, of the same one the longer, and the setting that was undone more often. */
function worse(one: ProfileProblem | undefined, other: ProfileProblem): ProfileProblem {
  if (!one) return other;
  const rank = WORST_FIRST.indexOf(other.state) - WORST_FIRST.indexOf(one.state);
  const { state, since } = rank < 0 || (rank === 0 && other.since < one.since) ? other : one;
  const drifts = (other.drifts?.count ?? 0) > (one.drifts?.count ?? 0) ? other.drifts : one.drifts;
  return { state, since, ...(drifts && { drifts }) };
}
