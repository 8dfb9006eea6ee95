import { unseal } from '../commands/seal.ts';
import type { Device } from '../devices/device.ts';
import { isAssigned } from './assignment.ts';
import { type Profile, placeOf } from './profile.ts';

/** @returns whether a profile of this device has a secret in it */
export function hasSecrets(device: Device, profiles: readonly Profile[]): boolean {
  return profiles.some(
    ({ assignedTo, settings }) => isAssigned(assignedTo, device) && settings.some(({ sealed }) => sealed !== undefined),
  );
}

/**
 * The secret values of the profiles of one device, by what is stored of them. Decrypted before the turn, which is pure.
 * @param key undefined where there is none: then nothing opens
 * @returns undefined for what cannot be opened any more
 */
export function openProfiles(
  key: Buffer | undefined,
  device: Device,
  profiles: readonly Profile[],
): ReadonlyMap<string, string | undefined> {
  const opened = new Map<string, string | undefined>();
  for (const { name, assignedTo, settings } of profiles) {
    if (!isAssigned(assignedTo, device)) continue;
    for (const { sealed, node } of settings) {
      if (sealed === undefined) continue;
      opened.set(sealed, key && unseal(key, placeOf(name, node), Buffer.from(sealed, 'base64'))?.toString());
    }
  }
  return opened;
}
