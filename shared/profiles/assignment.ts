import type { Device } from '../devices/device.ts';
import type { Assignment, Profile } from './profile.ts';

/** What of a device decides which profiles are for it. */
export type Assignee = Pick<Device, 'id' | 'formerIds' | 'user' | 'tags'>;

/** @returns whether an assignment names the device, by what it was enrolled as before too, its user, one of its tags, or all */
export function isAssigned(to: Assignment, { id, formerIds = [], user, tags = [] }: Assignee): boolean {
  return (
    to.all ||
    [id, ...formerIds].some((each) => to.devices.includes(each)) ||
    to.users.includes(user.toLowerCase()) ||
    to.tags.some((tag) => tags.includes(tag))
  );
}

/** @returns whether anybody is named at all */
export function isForSomebody({ all, devices, users, tags }: Assignment): boolean {
  return all || devices.length + users.length + tags.length > 0;
}

/**
 * @returns `certain` when two assignments meet by what they say, `possible` when only devices could tell, e.g. one with a
 *   tag whose user is named elsewhere; undefined when one of them is for nobody
 */
export function overlapOf(one: Assignment, other: Assignment): 'certain' | 'possible' | undefined {
  if (!isForSomebody(one) || !isForSomebody(other)) return undefined;
  const shared = (['devices', 'users', 'tags'] as const).some((kind) =>
    one[kind].some((each) => other[kind].includes(each)),
  );
  if (one.all || other.all || shared) return 'certain';
  const byDeviceAlone = (to: Assignment) => to.users.length + to.tags.length === 0;
  return byDeviceAlone(one) && byDeviceAlone(other) ? undefined : 'possible';
}

/** In the order of their names, so that a device that has too many always leaves out the same. */
export function profilesFor(device: Assignee, profiles: readonly Profile[]): Profile[] {
  return profiles.filter(({ assignedTo }) => isAssigned(assignedTo, device)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
