import { overlapOf } from './assignment.ts';
import type { Profile } from './profile.ts';

/** Two profiles that ask for different values of one setting. */
export interface ProfileConflict {
  target: string;
  /** Their names. */
  profiles: [string, string];
  /** `certain`: some device would have both; `possible`: only the devices can tell. */
  overlap: 'certain' | 'possible';
}

/** @returns all pairs of profiles that contradict each other and may meet on a device, by what they say themselves */
export function conflictsOf(profiles: readonly Profile[]): ProfileConflict[] {
  const claims = new Map<string, { profile: Profile; hash: string; target: string }[]>();
  const conflicts: ProfileConflict[] = [];
  for (const profile of profiles) {
    for (const { node, hash, target } of profile.settings) {
      const others = claims.get(node) ?? [];
      for (const other of others) {
        const overlap = overlapOf(other.profile.assignedTo, profile.assignedTo);
        if (other.hash === hash || !overlap) continue;
        conflicts.push({ target: other.target, profiles: [other.profile.name, profile.name], overlap });
      }
      claims.set(node, [...others, { profile, hash, target }]);
    }
  }
  return conflicts;
}
