import { fingerprint } from '../commands/seal.ts';
import { sha256 } from '../platform/ids.ts';
import type { ProfileSetting } from './profile.ts';

type Value = Pick<ProfileSetting, 'format' | 'type'> & { value: string };

/** @returns what tells this value from the next, of a value that is no secret */
export function hashOf(setting: Value): string {
  return sha256(text(setting)).toString('hex').slice(0, 32);
}

/** The same for a secret: a plain hash of a short one could be guessed. */
export function secretHashOf(key: Buffer, setting: Value): string {
  return fingerprint(key, text(setting)).slice(0, 32);
}

function text({ format, type, value }: Value): string {
  return JSON.stringify([format, type ?? '', value]);
}
