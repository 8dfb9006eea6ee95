import type { Device } from '../devices/device.ts';
import { escrowProblem } from '../devices/escrow.ts';
import { type Assignee, profilesFor } from './assignment.ts';
import { MAX_PROFILES_PER_DEVICE, MAX_SETTINGS_PER_DEVICE, type Profile, type ProfileSetting } from './profile.ts';

/** What should hold on a device by all profiles that are assigned to it. */

export type HeldBecause = 'conflict' | 'refused' | 'join';

export interface Wanted extends ProfileSetting {
  /** The profiles that ask for it, by name. */
  profiles: string[];
  /** The profile whose changes go in one Atomic with this one. */
  group?: string;
  /** It is not sent, and what is there stays as it is. */
  held?: { because: HeldBecause; reason: string };
}

export interface DesiredState {
  /** By node. */
  settings: ReadonlyMap<string, Wanted>;
  /** Groups of which all settings go when one differs. */
  together: ReadonlySet<string>;
  /** Names of the profiles that apply. */
  profiles: string[];
  /** Profiles that would apply and are one too many. */
  leftOut: { profile: string; reason: string }[];
}

type Subject = Assignee & Pick<Device, 'join'>;

/** @returns what the profiles of the organisation make of this device; the same for the same input */
export function desiredState(device: Subject, all: readonly Profile[]): DesiredState {
  const settings = new Map<string, Wanted>();
  const applied: string[] = [];
  const leftOut: DesiredState['leftOut'] = [];
  for (const profile of profilesFor(device, all)) {
    const reason = tooMany(applied.length, settings, profile);
    if (reason) {
      leftOut.push({ profile: profile.name, reason });
      continue;
    }
    applied.push(profile.name);
    for (const setting of profile.settings) {
      settings.set(setting.node, merged(settings.get(setting.node), setting, profile));
    }
  }
  for (const wanted of settings.values()) wanted.held ??= escrowProblem(wanted.target, wanted.value, device);
  const together = new Set(all.filter((each) => each.together).map(({ name }) => name));
  return { settings, together, profiles: applied, leftOut };
}

function tooMany(count: number, settings: ReadonlyMap<string, Wanted>, profile: Profile): string | undefined {
  if (count >= MAX_PROFILES_PER_DEVICE) {
    return `${MAX_PROFILES_PER_DEVICE} profiles apply to this device already; more are not looked at.`;
  }
  const more = profile.settings.filter(({ node }) => !settings.has(node)).length;
  if (settings.size + more <= MAX_SETTINGS_PER_DEVICE) return undefined;
  return `With it this device would have more than ${MAX_SETTINGS_PER_DEVICE} settings.`;
}

/** Two profiles may ask for the same value; for different ones neither gets its way. */
function merged(before: Wanted | undefined, setting: ProfileSetting, { name, atomic }: Profile): Wanted {
  const group = before?.group ?? (atomic ? name : undefined);
  const wanted: Wanted = { ...(before ?? setting), profiles: [...(before?.profiles ?? []), name] };
  if (group) wanted.group = group;
  if (before && (before.held || before.hash !== setting.hash)) wanted.held = conflictOf(wanted.profiles);
  return wanted;
}

function conflictOf(profiles: readonly string[]): { because: 'conflict'; reason: string } {
  const reason = `The profiles ${profiles.join(', ')} ask for different values. None is sent until they agree.`;
  return { because: 'conflict', reason };
}
