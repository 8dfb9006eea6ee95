import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { DEVICE_ROW, type Device } from './device.ts';

const MAX_ATTEMPTS = 3;

/**
 * Changes what an administrator should look at. Two calls, one where nothing changes.
 * @param change gives the flags; the same that the record has where nothing is to change
 * @returns the record; undefined where there is none, or others kept writing
 */
export async function changeFlags(
  storage: Storage,
  id: string,
  change: (device: Device) => Device['flags'],
): Promise<Device | undefined> {
  const table = storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await table.get<Device>(id, DEVICE_ROW);
    if (!row) return undefined;
    const flags = change(row.value);
    if (flags === row.value.flags) return row.value;
    const value: Device = { ...row.value, flags, revision: row.value.revision + 1 };
    if (await tryWrite(table, id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }])) return value;
  }
  return undefined;
}
