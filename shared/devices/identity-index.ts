import { keyPart, type Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import type { Change } from '../storage/tables.ts';
import type { Device } from './device.ts';
import { LIST_PARTITION, listEntry } from './device-list.ts';
import { type Identity, identityOf } from './identity.ts';

/**
 * Finds enrollments by what devices say of themselves, without looking at all of them. The rows lie behind the device list
 * in its partition, so that one write makes an enrollment known to both.
 */
export interface IdentityRow {
  id: string;
  user: string;
  enrolledAt: string;
  identity: Identity;
}

/** What a device is looked up by. It says its Entra id only later. */
const INDEXED = ['serial', 'hardwareId', 'deviceId'] as const;
/** Copies of one disk share an id; more of them than this need not be seen to flag them. */
const MAX_FOUND = 50;
const PREFIX = '~';

function prefixesOf(identity: Identity): string[] {
  return INDEXED.flatMap((kind) => {
    const value = identity[kind];
    return value === undefined ? [] : [`${PREFIX}${kind}|${keyPart(value.slice(0, 64))}|`];
  });
}

/** Adds a new enrollment to the device list and to the index, and writes what else changes with the list. One call. */
export async function announceDevice(storage: Storage, device: Device, more: Change[] = []): Promise<void> {
  const { id, user, enrolledAt } = device;
  const identity = identityOf(device);
  const value: IdentityRow = { id, user, enrolledAt, identity };
  const changes: Change[] = [
    { kind: 'upsert', rowKey: id, value: listEntry(device, undefined) },
    ...prefixesOf(identity).map((prefix): Change => ({ kind: 'upsert', rowKey: prefix + id, value })),
    ...more,
  ];
  await storage.table('devicelist').write(LIST_PARTITION, changes);
}

/** The other enrollments with one of these identities, each once with all its rows. Up to three calls. */
export async function findByIdentity(storage: Storage, device: Device): Promise<Row<IdentityRow>[][]> {
  const pages = await Promise.all(
    prefixesOf(identityOf(device)).map((from) =>
      storage.table('devicelist').page<IdentityRow>(LIST_PARTITION, { from, before: `${from}~`, limit: MAX_FOUND }),
    ),
  );
  const found = new Map<string, Row<IdentityRow>[]>();
  for (const row of pages.flatMap(({ rows }) => rows)) {
    if (row.value.id !== device.id) found.set(row.value.id, [...(found.get(row.value.id) ?? []), row]);
  }
  return [...found.values()];
}

/** @returns the changes that take an enrollment out of the index again. */
export function withoutIdentity(rows: readonly Row<IdentityRow>[]): Change[] {
  return rows.map(({ rowKey, etag }) => ({ kind: 'delete', rowKey, etag }));
}

/**
 * Writes the index anew for a device of which more is known than when it was written. Two calls.
 * @param before what the index says
 */
export async function reindex(storage: Storage, device: Device, before: IdentityRow): Promise<void> {
  const table = storage.table('devicelist');
  const { id, user, enrolledAt } = device;
  const identity = identityOf(device);
  const value: IdentityRow = { id, user, enrolledAt, identity };
  const kept = prefixesOf(identity);
  const stale = prefixesOf(before.identity).filter((prefix) => !kept.includes(prefix));
  const rows = await table.getMany<IdentityRow>(
    LIST_PARTITION,
    stale.map((prefix) => prefix + id),
  );
  const changes = kept.map((prefix): Change => ({ kind: 'upsert', rowKey: prefix + id, value }));
  await table.write(LIST_PARTITION, [...changes, ...withoutIdentity(rows)]);
}

/** Every enrollment by its DeviceID, which each has. A call for each thousand. */
export async function* eachIndexed(storage: Storage): AsyncGenerator<IdentityRow> {
  let from: string | undefined = `${PREFIX}deviceId|`;
  do {
    const page: { rows: Row<IdentityRow>[]; next?: string } = await storage
      .table('devicelist')
      .page<IdentityRow>(LIST_PARTITION, { from, before: `${PREFIX}deviceId}` });
    for (const { value } of page.rows) yield value;
    from = page.next;
  } while (from);
}

/** Every DeviceID that more than one enrollment has, with these. A call for each thousand enrollments. */
export async function* eachSharedDeviceId(storage: Storage): AsyncGenerator<IdentityRow[]> {
  let group: IdentityRow[] = [];
  for await (const value of eachIndexed(storage)) {
    if (group[0]?.identity.deviceId !== value.identity.deviceId) {
      if (group.length > 1) yield group;
      group = [];
    }
    group.push(value);
  }
  if (group.length > 1) yield group;
}
