import type { Log } from '../platform/log.ts';
import { conflict } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { DEVICE_ROW, type Device } from './device.ts';
import { updateDeviceList } from './device-list.ts';
import { readDevice, untilWritten } from './device-rows.ts';

/** Tags of a device; with each profiles may come. */
export const MAX_TAGS = 20;

/**
 * Gives a device these tags in place of those it has. Five calls at most.
 * @param check says why the device cannot have them; undefined when it can
 * @throws {Problem} 404; 409 with what `check` says
 */
export async function setTags(
  storage: Storage,
  deviceId: string,
  tags: readonly string[],
  { check, log }: { check: (device: Device) => string | undefined; log: Log },
): Promise<Device> {
  const device = await untilWritten(async () => {
    const row = await readDevice(storage, deviceId);
    const value: Device = { ...row.value, tags: [...new Set(tags)].sort(), revision: row.value.revision + 1 };
    const problem = check(value);
    if (problem) throw conflict(problem);
    const changes = [{ kind: 'replace' as const, rowKey: DEVICE_ROW, value, etag: row.etag }];
    return (await tryWrite(storage.table('devices'), deviceId, changes)) ? value : undefined;
  });
  await updateDeviceList(storage, device, undefined, log);
  return device;
}
