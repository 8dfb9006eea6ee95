import { DEVICE_ROW, type Device, type DeviceFlag, hasLeft } from '../devices/device.ts';
import { addFlag } from '../devices/device-flags.ts';
import { MAX_TAGS } from '../devices/tags.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';

/** What a PC keeps when it enrolls anew: what administrators have said of it, and not what was done to its old enrollment. */

const MAX_ATTEMPTS = 3;
/** A record is bounded; the last ones stay. */
const MAX_FORMER = 20;

/**
 * Hands the tags of an enrollment, and its id, on to the one that takes its place; before it is ended, so that they are not lost
 * where that breaks off. Two calls, one where nothing changes.
 * @param flags what its record should say besides
 * @returns the record of the heir; undefined where that one is over or others kept writing
 */
export async function handOn(
  storage: Storage,
  old: Device,
  heirId: string,
  flags: readonly DeviceFlag[],
): Promise<Device | undefined> {
  const table = storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await table.get<Device>(heirId, DEVICE_ROW);
    if (!row || hasLeft(row.value)) return undefined;
    const value = heirOf(row.value, old, flags);
    if (value === row.value) return value;
    if (await tryWrite(table, heirId, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }])) return value;
  }
  return undefined;
}

/** @returns the record with what it inherits; the same record where it has that already */
function heirOf(heir: Device, old: Device, added: readonly DeviceFlag[]): Device {
  const flags = added.reduce<DeviceFlag[] | undefined>(addFlag, heir.flags);
  const known = heir.formerIds ?? [];
  if (known.includes(old.id)) return flags === heir.flags ? heir : { ...heir, flags, revision: heir.revision + 1 };
  const tags = [...new Set([...(heir.tags ?? []), ...(old.tags ?? [])])].sort().slice(0, MAX_TAGS);
  const formerIds = [...new Set([...(old.formerIds ?? []), ...known, old.id])].slice(-MAX_FORMER);
  return { ...heir, flags, ...(tags.length > 0 && { tags }), formerIds, revision: heir.revision + 1 };
}
