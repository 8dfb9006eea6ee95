import type { Format } from '../commands/command.ts';
import { isUserScope, nodePath } from '../wire/node-path.ts';

/** A profile: settings under one name that are to hold on the devices it is assigned to. A row of the catalogue. */

export interface Profile {
  /** Small letters, digits and dashes. */
  name: string;
  description: string;
  /** The form that the settings were made from. */
  template?: ProfileTemplate;
  /** The changes of this profile go in one Atomic, all or none: some CSPs take them in no other way. */
  atomic: boolean;
  /** And all of them go when one differs: without the others it would be without effect, or set them back. */
  together?: true;
  settings: ProfileSetting[];
  assignedTo: Assignment;
  changedAt: string;
  changedBy: string;
}

export interface ProfileTemplate {
  name: string;
  /** What was filled in, `***` where it is a secret. */
  input: Record<string, unknown>;
  /** All that was filled in, encrypted; there when some of it is a secret. */
  sealed?: string;
}

export interface ProfileSetting {
  /** LocURI as it was written. */
  target: string;
  /** The same node, however it is written: see `nodeOf`. */
  node: string;
  format: Format;
  type?: string;
  /** Absent for a secret: see `sealed`. */
  value?: string;
  secret?: true;
  sealed?: string;
  /** Tells one value from the next: of value, format and type; keyed where the value is a secret. */
  hash: string;
}

/** Whom a profile is for: whoever one of these names. */
export interface Assignment {
  all: boolean;
  /** Enrollment ids. */
  devices: string[];
  /** Users as they enrolled, in lower case. */
  users: string[];
  /** Tags that administrators gave to devices. */
  tags: string[];
}

export const PROFILE_PREFIX = 'profile|';
/** Written with every change of a profile, so that two changes at once cannot together pass a limit. */
export const PROFILES_ROW = 'profiles';

/** Profiles that apply to one device. */
export const MAX_PROFILES_PER_DEVICE = 32;
/** Settings of all of them: with each goes a state in the device's row, and the row has a limit. */
export const MAX_SETTINGS_PER_DEVICE = 300;
export const MAX_SETTINGS = 64;
export const MAX_TARGET = 400;
/** Of a profile with all that is in it, as JSON. */
export const MAX_PROFILE_BYTES = 128 * 1024;
/** Every app reads all profiles in one page, once a minute. */
export const MAX_PROFILES = 100;
export const MAX_ALL_BYTES = 1024 * 1024;

/** @returns a name of the node that a LocURI means, the same for all its spellings */
export function nodeOf(locUri: string): string {
  const path = nodePath(locUri).map(encodeURIComponent).join('/');
  return isUserScope(locUri) ? `user:${path}` : path;
}

/** @returns the sealed place of a setting, or of what was filled in (`node` absent) */
export function placeOf(profile: string, node = ''): readonly string[] {
  return ['profile', profile, node];
}
