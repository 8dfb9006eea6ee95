import type { ProfileProblem } from '../devices/device.ts';
import { type DeviceListEntry, LIST_END, LIST_PARTITION } from '../devices/device-list.ts';
import type { Storage } from '../storage/storage.ts';

/** A device on which a profile does not hold. */
export interface FailingDevice {
  id: string;
  name: string;
  user: string;
  lastContactDay?: string;
  problem: ProfileProblem;
}

/** Entries that one call looks at: five pages of a thousand. */
const MAX_PAGES = 5;
const PAGE = 1_000;
const DAY_MS = 86_400_000;

/**
 * The devices on which a profile does not hold, from the list of devices: at most five calls, whatever its size. `next`
 * goes on where this page ended; a page may be short, and still have one.
 * @param failedForDays those alone that have said no for so many days
 */
export async function listFailing(
  storage: Storage,
  profile: string,
  { cursor, limit, failedForDays, now }: { cursor?: string; limit: number; failedForDays?: number; now: Date },
): Promise<{ items: FailingDevice[]; next?: string }> {
  const before =
    failedForDays === undefined ? undefined : new Date(now.getTime() - failedForDays * DAY_MS).toISOString();
  const items: FailingDevice[] = [];
  let from = cursor;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const options = { from, before: LIST_END, limit: PAGE };
    const { rows, next } = await storage.table('devicelist').page<DeviceListEntry>(LIST_PARTITION, options);
    for (const { value, rowKey } of rows) {
      const problem = value.profileProblems?.[profile];
      if (!problem || value.state !== 'enrolled' || !isMeant(problem, before)) continue;
      if (items.length === limit) return { items, next: rowKey };
      const { id, name, user, lastContactDay } = value;
      items.push({ id, name, user, ...(lastContactDay && { lastContactDay }), problem });
    }
    if (next === undefined) return { items };
    from = next;
  }
  return { items, ...(from !== undefined && { next: from }) };
}

function isMeant({ state, since }: ProfileProblem, before: string | undefined): boolean {
  return before === undefined || (state === 'failed' && since <= before);
}
