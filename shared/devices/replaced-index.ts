import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import type { Change } from '../storage/tables.ts';
import { LIST_PARTITION } from './device-list.ts';
import type { Identity } from './identity.ts';

/**
 * What an enrollment that was ended for a newer one of its PC was known by. The newer one says its serial number and its
 * Entra device id in its first session only; until it has, the two wait here to be compared.
 */
export interface Replaced {
  /** The enrollment that was ended. */
  id: string;
  /** The one that it was ended for. */
  by: string;
  identity: Identity;
  at: string;
}

const PREFIX = '~replaced|';
/** What a device says only when it is managed. */
const SAID_LATER = ['serial', 'entraDeviceId'] as const;

/** @returns the change of the device list's partition that keeps it; none where the newer one can say nothing new */
export function keepReplaced(
  old: { id: string; identity: Identity },
  by: { id: string; identity: Identity },
  now: Date,
): Change[] {
  const waits = SAID_LATER.some((kind) => old.identity[kind] !== undefined && by.identity[kind] === undefined);
  if (!waits) return [];
  const value: Replaced = { id: old.id, by: by.id, identity: old.identity, at: now.toISOString() };
  return [{ kind: 'upsert', rowKey: `${PREFIX}${by.id}|${old.id}`, value }];
}

/** All that wait. A call for each thousand. */
export async function* eachReplaced(storage: Storage): AsyncGenerator<Row<Replaced>> {
  let from: string | undefined = PREFIX;
  do {
    const page: { rows: Row<Replaced>[]; next?: string } = await storage
      .table('devicelist')
      .page<Replaced>(LIST_PARTITION, { from, before: `${PREFIX}~` });
    yield* page.rows;
    from = page.next;
  } while (from);
}
