import type { Format } from '../../shared/commands/command.ts';
import { seal } from '../../shared/commands/seal.ts';
import { hashOf, secretHashOf } from '../../shared/profiles/hash.ts';
import { nodeOf, type Profile, type ProfileSetting, placeOf } from '../../shared/profiles/profile.ts';
import { DATA_KEY } from './partition.ts';

/** A policy of the device by its name. */
export const POLICY = (name: string) => `./Device/Vendor/MSFT/Policy/Config/Test/${name}`;

export function setting(target: string, value: string, format: Format = 'chr'): ProfileSetting {
  return { target, node: nodeOf(target), format, value, hash: hashOf({ format, value }) };
}

export function secretSetting(profile: string, target: string, value: string): ProfileSetting {
  const node = nodeOf(target);
  const sealed = seal(DATA_KEY, placeOf(profile, node), Buffer.from(value)).toString('base64');
  const hash = secretHashOf(DATA_KEY, { format: 'chr', value });
  return { target, node, format: 'chr', secret: true, sealed, hash };
}

/** A profile for all devices, unless the test says otherwise. */
export function profile(name: string, settings: ProfileSetting[], more: Partial<Profile> = {}): Profile {
  return {
    name,
    description: '',
    atomic: false,
    settings,
    assignedTo: { all: true, devices: [], users: [], tags: [] },
    changedAt: '2026-01-01T00:00:00.000Z',
    changedBy: 'test',
    ...more,
  };
}
