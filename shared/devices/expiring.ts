import type { Log } from '../platform/log.ts';
import type { Storage } from '../storage/storage.ts';
import { type DeviceListEntry, eachListed } from './device-list.ts';
import { isExpiring } from './device-queries.ts';

/** Windows begins to renew 60 days before the end. What has not worked by half of that deserves a person. */
export const WARN_BEFORE_DAYS = 30;
const DAY_MS = 86_400_000;
/** Ids in the warning; the list of devices has them all. */
const MAX_NAMED = 20;

/**
 * Writes one warning to the log, for an alert to find, when certificates end within 30 days or have ended and their devices
 * are still to be managed. A call for each thousand devices. @returns how many there are
 */
export async function reportExpiring(storage: Storage, now: Date, log: Log): Promise<number> {
  const before = new Date(now.getTime() + WARN_BEFORE_DAYS * DAY_MS);
  const expiring: DeviceListEntry[] = [];
  for await (const entry of eachListed(storage)) if (isExpiring(entry, before)) expiring.push(entry);
  if (expiring.length === 0) return 0;
  expiring.sort((one, other) => one.certificateEnd.localeCompare(other.certificateEnd));
  log.warn('Certificates end soon and were not renewed', {
    count: expiring.length,
    ended: expiring.filter(({ certificateEnd }) => certificateEnd < now.toISOString()).length,
    first: expiring[0]?.certificateEnd,
    devices: expiring
      .slice(0, MAX_NAMED)
      .map(({ id }) => id)
      .join(' '),
  });
  return expiring.length;
}
