import type { ProfileProblem } from '../devices/device.ts';
import { decide, type Moment, type SettingVerdict } from './decision.ts';
import type { DeviceProfiles, SettingState } from './setting-state.ts';
import type { DesiredState } from './wanted.ts';

const WORST_FIRST: readonly ProfileProblem['state'][] = ['failed', 'conflict', 'refused', 'notApplicable'];

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
    const decision = decide(wanted, settings[wanted.node], moment);
    const verdict = decision.act === 'rest' ? decision.verdict : 'waiting';
    const state = problemOf(verdict, settings[wanted.node]);
    if (!state) continue;
    const since = settings[wanted.node]?.attempt?.since;
    for (const profile of wanted.profiles) note(problems, profile, state, since ?? '', before[profile], moment.now);
  }
  return Object.keys(problems).length === 0 ? undefined : problems;
}

/** What failed and is tried again has not gone well yet. */
function problemOf(verdict: SettingVerdict, state: SettingState | undefined): ProfileProblem['state'] | undefined {
  if (verdict === 'rejected') return 'failed';
  if (verdict === 'sent' || verdict === 'waiting') return state?.attempt?.failures ? 'failed' : undefined;
  return WORST_FIRST.find((state) => state === verdict);
}

function note(
  problems: Record<string, ProfileProblem>,
  profile: string,
  state: ProfileProblem['state'],
  own: string,
  before: ProfileProblem | undefined,
  now: Date,
): void {
  const since = own || (before?.state === state ? before.since : now.toISOString());
  const other = problems[profile];
  const isWorse = !other || WORST_FIRST.indexOf(state) < WORST_FIRST.indexOf(other.state);
  if (isWorse || (other.state === state && since < other.since)) problems[profile] = { state, since };
}
