import { MAX_ALL_BYTES, MAX_PROFILE_BYTES, MAX_PROFILES, MAX_PROFILES_PER_DEVICE, type Profile } from './profile.ts';

/** @returns bytes of a profile as JSON in UTF-8 */
export function sizeOf(profile: Profile): number {
  return Buffer.byteLength(JSON.stringify(profile));
}

/**
 * @param others all profiles but this one
 * @returns why a profile is too large, or one too many, with what to do; undefined when it is neither
 */
export function limitProblem(profile: Profile, others: readonly Profile[]): string | undefined {
  const own = sizeOf(profile);
  if (own > MAX_PROFILE_BYTES) {
    return `It is ${own} bytes with all that is in it; at most ${MAX_PROFILE_BYTES} are stored. Split it, or assign it by a tag.`;
  }
  if (others.length >= MAX_PROFILES) return `There are ${MAX_PROFILES} profiles, which is the most. Delete one first.`;
  const all = others.reduce((sum, each) => sum + sizeOf(each), own);
  if (all > MAX_ALL_BYTES) return `All profiles together would be ${all} bytes; at most ${MAX_ALL_BYTES} are kept.`;
  return crowded(profile, others);
}

/** What can be told without looking at devices: who is named by so many profiles that a device must have too many. */
function crowded({ assignedTo }: Profile, others: readonly Profile[]): string | undefined {
  const forAll = others.filter((other) => other.assignedTo.all).length;
  const over = (count: number, whom: string) =>
    count >= MAX_PROFILES_PER_DEVICE
      ? `${count} other profiles are for ${whom} already; at most ${MAX_PROFILES_PER_DEVICE} apply to a device.`
      : undefined;
  if (assignedTo.all) return over(forAll, 'all devices');
  for (const kind of ['devices', 'users', 'tags'] as const) {
    for (const each of assignedTo[kind]) {
      const named = others.filter((other) => !other.assignedTo.all && other.assignedTo[kind].includes(each)).length;
      const problem = over(forAll + named, each);
      if (problem) return problem;
    }
  }
  return undefined;
}
