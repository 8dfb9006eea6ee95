import { conflict } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { DEVICE_ROW, type Device, hasLeft } from './device.ts';
import { readDevice, untilWritten } from './device-rows.ts';
import {
  FACT_AREAS,
  INVENTORY_LISTS,
  INVENTORY_VALUES,
  type InventoryArea,
  type InventoryEntry,
  type InventoryRow,
} from './inventory.ts';

/** What is known of a device, each value with the time at which it was read. */
export interface InventoryView {
  deviceId: string;
  name: string;
  /** An administrator wants all of it anew since then, and not all of it has come. */
  wantedAt?: string;
  values: InventoryValueView[];
  lists: InventoryListView[];
}

export interface InventoryValueView {
  area: InventoryArea;
  name: string;
  /** null where the device has no such node or refused to say. */
  value: string | null;
  /** What a number means. */
  means?: string;
  /** Absent where it was not read yet. */
  readAt?: string;
  /** What the device answered where that was not 200. */
  status?: number;
}

export interface InventoryListView {
  area: InventoryArea;
  name: string;
  readAt?: string;
  status?: number;
  count: number;
  rows: InventoryRow[];
  /** Why there are fewer rows than the device has. */
  note?: string;
}

/** One call, and one for each long list. @throws {Problem} 404 */
export async function showInventory(storage: Storage, deviceId: string): Promise<InventoryView> {
  const { value: device } = await readDevice(storage, deviceId);
  const lists = Object.entries(INVENTORY_LISTS).map(async ([name, { area }]): Promise<InventoryListView> => {
    const entry = device.inventory?.entries[name];
    const rows = await rowsOf(storage, entry);
    const note = noteOf(entry, rows);
    return { area, name, ...answerOf(entry), count: entry?.count ?? 0, rows: rows ?? [], ...(note ? { note } : {}) };
  });
  const wantedAt = outstanding(device);
  return {
    deviceId: device.id,
    name: device.name,
    ...(wantedAt ? { wantedAt } : {}),
    values: [...factViews(device), ...valueViews(device)],
    lists: await Promise.all(lists),
  };
}

function outstanding({ inventory }: Device): string | undefined {
  const { wantedAt, entries = {} } = inventory ?? {};
  const names = [...Object.keys(INVENTORY_VALUES), ...Object.keys(INVENTORY_LISTS)];
  return wantedAt && names.some((name) => (entries[name]?.readAt ?? '') < wantedAt) ? wantedAt : undefined;
}

function factViews({ facts, factsReadAt }: Device): InventoryValueView[] {
  return Object.entries(FACT_AREAS).map(([name, { area, means }]) => {
    const { value, status } = facts[name] ?? {};
    return viewOf({ area, name, means }, { value, status, readAt: status === undefined ? undefined : factsReadAt });
  });
}

function valueViews({ inventory }: Device): InventoryValueView[] {
  return Object.entries(INVENTORY_VALUES).map(([name, { area, means }]) =>
    viewOf({ area, name, means }, inventory?.entries[name]),
  );
}

function viewOf(
  { area, name, means }: { area: InventoryArea; name: string; means: Record<string, string> | undefined },
  entry: Partial<Pick<InventoryEntry, 'value' | 'status' | 'readAt'>> | undefined,
): InventoryValueView {
  const value = entry?.value ?? null;
  const words = value === null ? undefined : means?.[value];
  return { area, name, value, ...(words ? { means: words } : {}), ...answerOf(entry) };
}

function answerOf(entry: Partial<Pick<InventoryEntry, 'status' | 'readAt'>> | undefined): {
  readAt?: string;
  status?: number;
} {
  const { readAt, status } = entry ?? {};
  return { ...(readAt ? { readAt } : {}), ...(status !== undefined && status !== 200 ? { status } : {}) };
}

/** @returns undefined where a list that was read is not kept any more */
async function rowsOf(storage: Storage, entry: InventoryEntry | undefined): Promise<InventoryRow[] | undefined> {
  if (!entry?.blob) return entry?.rows ?? [];
  const blob = await storage.blobs('results').read(entry.blob);
  return blob && (JSON.parse(blob.toString()) as InventoryRow[]);
}

function noteOf(entry: InventoryEntry | undefined, rows: InventoryRow[] | undefined): string | undefined {
  if (rows === undefined) return 'The list is not kept any more.';
  return entry?.cut ? `The device has more; the first ${rows.length} are kept.` : undefined;
}

/**
 * Has all of the inventory read at the device's next contact.
 * @throws {Problem} 404; 409 for a device that has left or is blocked
 */
export async function wantInventory(storage: Storage, deviceId: string, now: Date): Promise<void> {
  await untilWritten(async () => {
    const { value: device, etag } = await readDevice(storage, deviceId);
    if (hasLeft(device) || device.state === 'blocked')
      throw conflict(`The device is ${device.state}: it is not read any more.`);
    const inventory = { ...device.inventory, entries: device.inventory?.entries ?? {}, wantedAt: now.toISOString() };
    const value = { ...device, inventory, revision: device.revision + 1 };
    const written = await tryWrite(storage.table('devices'), deviceId, [
      { kind: 'replace', rowKey: DEVICE_ROW, value, etag },
    ]);
    return written ? true : undefined;
  });
}
