import { decide, type Moment } from './decision.ts';
import { UNREADABLE } from './outcome.ts';
import type { DeviceProfiles } from './setting-state.ts';
import type { DesiredState, Wanted } from './wanted.ts';

/** Settings that go in one Atomic: all of them or none. */

/** @returns the settings of each group that are not there and cannot be sent now; by these the others are kept back */
export function blockersOf(
  { settings }: DesiredState,
  states: DeviceProfiles['settings'],
  moment: Moment,
): Map<string, Wanted[]> {
  const blockers = new Map<string, Wanted[]>();
  for (const wanted of settings.values()) {
    const { group, node } = wanted;
    if (group === undefined) continue;
    const state = states[node];
    const decision = decide(wanted, state, moment);
    // It is tried again with each session, and never sent.
    const isUnreadable = decision.act === 'set' && state?.attempt?.status === UNREADABLE;
    const isHeld = decision.act === 'rest' && decision.verdict !== 'done';
    if (isHeld || isUnreadable) blockers.set(group, [...(blockers.get(group) ?? []), wanted]);
  }
  return blockers;
}
