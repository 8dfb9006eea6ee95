import { HIDDEN } from '../commands/secrets.ts';
import { conflictsOf, type ProfileConflict } from './conflicts.ts';
import type { Assignment, Profile, ProfileSetting } from './profile.ts';

/** A profile as the admin API shows it: `***` where a secret is. */
export interface ProfileView {
  name: string;
  description: string;
  template?: { name: string; input: Record<string, unknown> };
  atomic: boolean;
  together?: true;
  settings: Pick<ProfileSetting, 'target' | 'format' | 'type' | 'value' | 'secret'>[];
  assignedTo: Assignment;
  changedAt: string;
  changedBy: string;
  /** Other profiles that ask for something else. */
  conflicts: { with: string; target: string; overlap: ProfileConflict['overlap'] }[];
}

export function profileView(profile: Profile, all: readonly Profile[]): ProfileView {
  const { name, description, template, atomic, together, settings, assignedTo, changedAt, changedBy } = profile;
  return {
    name,
    description,
    ...(template && { template: { name: template.name, input: template.input } }),
    atomic,
    ...(together && { together }),
    settings: settings.map(({ target, format, type, value, secret }) => ({
      target,
      format,
      ...(type !== undefined && { type }),
      value: secret ? HIDDEN : value,
      ...(secret && { secret }),
    })),
    assignedTo,
    changedAt,
    changedBy,
    conflicts: conflictsWith(name, all),
  };
}

/** One line of the list: how many settings in place of them. */
export type ProfileListView = Omit<ProfileView, 'settings' | 'template'> & { template?: string; settings: number };

export function profileListView(profile: Profile, all: readonly Profile[]): ProfileListView {
  const { template, settings, ...rest } = profileView(profile, all);
  return { ...rest, ...(template && { template: template.name }), settings: settings.length };
}

function conflictsWith(name: string, all: readonly Profile[]): ProfileView['conflicts'] {
  return conflictsOf(all).flatMap(({ target, profiles, overlap }) => {
    const other = profiles.find((each) => each !== name);
    return profiles.includes(name) && other ? [{ with: other, target, overlap }] : [];
  });
}
