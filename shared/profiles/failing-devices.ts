import { DEVICE_ROW, type Device, type ProfileProblem } from '../devices/device.ts';
import { type DeviceListEntry, LIST_END, LIST_PARTITION } from '../devices/device-list.ts';
import { isManaged } from '../devices/unenroll.ts';
import { badRequest } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { momentBetweenSessions } from './decision.ts';
import { problemOf } from './problems.ts';
import { nodeOf, type Profile } from './profile.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW } from './setting-state.ts';
import { desiredState } from './wanted.ts';

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
/** Devices that one call opens, where one setting is asked for. */
const MAX_OPENED = 100;
const DAY_MS = 86_400_000;

export interface FailingOptions {
  cursor?: string;
  limit: number;
  /** Those alone that have said no for so many days. */
  failedForDays?: number;
  /** Those alone on which a setting has been undone again and again for so many days. */
  undoneForDays?: number;
  /** One setting of the profile, by its LocURI, in place of all. */
  target?: string;
  /** All profiles: what a device makes of one may depend on the others. */
  profiles: readonly Profile[];
  now: Date;
}

/**
 * The devices on which a profile does not hold, from the list of devices: at most five calls, whatever its size, and a call more
 * for each device that is looked into for one setting. `next` goes on where this page ended; a page may be short, and still have one.
 * @throws {Problem} 400 for a setting that the profile does not have
 */
export async function listFailing(
  storage: Storage,
  profile: Profile,
  options: FailingOptions,
): Promise<{ items: FailingDevice[]; next?: string }> {
  const node = options.target === undefined ? undefined : nodeOf(options.target);
  if (node !== undefined && !profile.settings.some((each) => each.node === node)) {
    throw badRequest([{ field: 'target', message: `is no setting of the profile ${profile.name}` }]);
  }
  const items: FailingDevice[] = [];
  let from = options.cursor;
  let opened = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { rows, next } = await storage
      .table('devicelist')
      .page<DeviceListEntry>(LIST_PARTITION, { from, before: LIST_END, limit: PAGE });
    for (const { value, rowKey } of rows) {
      const known = value.profileProblems?.[profile.name];
      if (!known || !isInList(value)) continue;
      if (items.length === options.limit || opened === MAX_OPENED) return { items, next: rowKey };
      if (node !== undefined) opened += 1;
      const problem =
        node === undefined ? known : await problemWith(storage, value.id, { node, known, profile }, options);
      if (!problem || !isMeant(problem, options)) continue;
      const { id, name, user, lastContactDay } = value;
      items.push({ id, name, user, ...(lastContactDay && { lastContactDay }), problem });
    }
    if (next === undefined) return { items };
    from = next;
  }
  return { items, ...(from !== undefined && { next: from }) };
}

function isInList({ state, unenrollState }: DeviceListEntry): boolean {
  return isManaged({ state, ...(unenrollState && { unenroll: { state: unenrollState } }) });
}

function isMeant(
  { state, since, drifts }: ProfileProblem,
  { failedForDays, undoneForDays, now }: FailingOptions,
): boolean {
  const before = (days: number) => new Date(now.getTime() - days * DAY_MS).toISOString();
  const failed = failedForDays === undefined || (state === 'failed' && since <= before(failedForDays));
  const undone = undoneForDays === undefined || (drifts !== undefined && drifts.since <= before(undoneForDays));
  return failed && undone;
}

/** The problem with one setting of a device; one call. */
async function problemWith(
  storage: Storage,
  deviceId: string,
  { node, known, profile }: { node: string; known: ProfileProblem; profile: Profile },
  { profiles, now }: FailingOptions,
): Promise<ProfileProblem | undefined> {
  const rows: Row<unknown>[] = await storage.table('devices').getMany(deviceId, [DEVICE_ROW, PROFILES_OF_DEVICE_ROW]);
  const device = rows.find(({ rowKey }) => rowKey === DEVICE_ROW)?.value as Device | undefined;
  const states = rows.find(({ rowKey }) => rowKey === PROFILES_OF_DEVICE_ROW)?.value as DeviceProfiles | undefined;
  const wanted = device && desiredState(device, profiles).settings.get(node);
  if (!wanted?.profiles.includes(profile.name)) return undefined;
  return problemOf(wanted, states?.settings[node], momentBetweenSessions(device as Device, now), known);
}
