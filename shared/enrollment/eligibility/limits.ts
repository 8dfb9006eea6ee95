import { DEVICE_ROW, type Device, hasLeft } from '../../devices/device.ts';
import { LIST_PARTITION } from '../../devices/device-list.ts';
import { type Identity, identityOf, sameDevice } from '../../devices/identity.ts';
import { announceDevice } from '../../devices/identity-index.ts';
import type { Row } from '../../storage/rows.ts';
import type { Storage } from '../../storage/storage.ts';
import { type Change, Conflict } from '../../storage/tables.ts';
import type { EnrollmentContext } from '../enrollment-context.ts';
import { type GrantRow, PLACES_ROW, type Place, type Places } from '../grants.ts';
import { EnrollmentRefusal } from '../refusal.ts';

/**
 * How many devices a user, and the organisation, may have. The places of a user lie beside his grants and are written with
 * the use of one, so two requests at one moment cannot both take the last. All devices are counted in one row beside the
 * device list, which those on their way may overrun by their number.
 */

export interface Limits {
  devicesPerUser: number | null;
  devicesInAll: number | null;
}

export interface DeviceCount {
  devices: number;
}

/** Behind the device list, in its partition: one write adds a device and counts it. */
export const COUNT_ROW = '~count';
/** When a user has no place left, so many of his devices are looked at, the oldest first: an enrollment's calls are bounded. */
export const MAX_LOOKED_AT = 4;
/** Twice what a limit can be. Older places are forgotten where there is no limit. */
const MAX_PLACES = 100;
/** A place without a record is that of a request on its way, until a lost reply of it would not be repeated any more. */
const UNWRITTEN_FOR_MS = 30 * 60_000;

export interface PlaceRequest {
  grant: GrantRow;
  admission: { bulk?: boolean; entraDeviceId?: string };
  context: EnrollmentContext;
  limits?: Limits;
  now: Date;
}

export interface ClaimedPlace {
  /** To be written with the use of the grant. */
  changes: Change[];
  /** To be written with the device's entry in the list. */
  count?: Row<DeviceCount>;
  /** How many calls of storage it took. */
  calls: number;
}

/**
 * Finds a place for a new enrollment. Calls: one for the limit of all; where the user has no place left, one for each of
 * up to four devices that are looked at; one for the places where they were not read with the grant.
 * @param use the enrollment, and the one whose place it takes if there is one
 * @throws {EnrollmentRefusal} `organisationDeviceLimit`, `userDeviceLimit`
 */
export async function claimPlace(
  storage: Storage,
  request: PlaceRequest,
  use: { enrollmentId: string; replaces?: string },
): Promise<ClaimedPlace> {
  const { admission, context, limits, now, grant } = request;
  const row = admission.bulk ? undefined : await readPlaces(storage, grant);
  const placesRead = admission.bulk || grant.places ? 0 : 1;
  const taken = row?.value.devices ?? [];
  // As `settleReturn` knows it: what is another device there, and is not ended, must not pass for the same here.
  const identity = identityOf({ context: context.values, facts: {}, admission });
  const others = taken.filter((place) => place.enrollmentId !== use.replaces && !isOf(place, identity));
  // One that comes again takes nobody's place, whatever the limits are by now.
  const comesAgain = use.replaces !== undefined || others.length < taken.length;
  const isCounting = Boolean(limits?.devicesInAll) && !comesAgain;
  const count = isCounting ? await countAgainst(storage, limits!.devicesInAll!) : undefined;
  const countRead = isCounting ? 1 : 0;
  if (admission.bulk) return { changes: [], count, calls: countRead };
  const limit = comesAgain ? null : (limits?.devicesPerUser ?? null);
  const isFull = limit !== null && others.length >= limit;
  const kept = isFull ? await makeRoom(storage, others, limit, now) : others;
  const looked = isFull ? Math.min(others.length, MAX_LOOKED_AT) : 0;
  const place: Place = { enrollmentId: use.enrollmentId, at: now.toISOString(), identity };
  const value: Places = { devices: [...kept, place].slice(-MAX_PLACES) };
  const change: Change = row
    ? { kind: 'replace', rowKey: PLACES_ROW, value, etag: row.etag }
    : { kind: 'insert', rowKey: PLACES_ROW, value };
  return { changes: [change], count, calls: placesRead + countRead + looked };
}

function isOf({ identity }: Place, other: Identity): boolean {
  return sameDevice(identity, other) === 'same';
}

async function readPlaces(storage: Storage, { places, partitionKey }: GrantRow): Promise<Row<Places> | undefined> {
  if (places === 'none') return undefined;
  return places ?? storage.table('invitations').get<Places>(partitionKey, PLACES_ROW);
}

/** @returns the places without those whose device has left. @throws {EnrollmentRefusal} when the limit is met all the same */
async function makeRoom(storage: Storage, places: Place[], limit: number, now: Date): Promise<Place[]> {
  const gone = await placesThatEnded(storage, places.slice(0, MAX_LOOKED_AT), now);
  const kept = places.filter(({ enrollmentId }) => !gone.has(enrollmentId));
  if (kept.length < limit) return kept;
  throw new EnrollmentRefusal('userDeviceLimit', `The user has ${kept.length} device(s) of ${limit}.`);
}

/** Looks at the records: a call for each, all at once. @returns the enrollments that hold no place any more */
export async function placesThatEnded(storage: Storage, places: readonly Place[], now: Date): Promise<Set<string>> {
  const ended = await Promise.all(
    places.map(async ({ enrollmentId, at }) => {
      const row = await storage.table('devices').get<Device>(enrollmentId, DEVICE_ROW);
      const counts = row ? isCounted(row.value) : now.getTime() - Date.parse(at) < UNWRITTEN_FOR_MS;
      return counts ? [] : [enrollmentId];
    }),
  );
  return new Set(ended.flat());
}

/** One that has left frees its place, and so does a stolen one: its user needs another. */
export function isCounted(device: Pick<Device, 'state'>): boolean {
  return !hasLeft(device) && device.state !== 'blocked';
}

async function countAgainst(storage: Storage, limit: number): Promise<Row<DeviceCount> | undefined> {
  const row = await storage.table('devicelist').get<DeviceCount>(LIST_PARTITION, COUNT_ROW);
  if (row && row.value.devices >= limit) {
    const reason = `There are ${row.value.devices} devices of ${limit}. They are counted anew every hour.`;
    throw new EnrollmentRefusal('organisationDeviceLimit', reason);
  }
  return row;
}

/**
 * Makes a new enrollment known and counts it. One call; one more when others were counted at this moment, and then it is
 * not counted before the next hour.
 */
export async function announceCounted(
  storage: Storage,
  device: Device,
  count: Row<DeviceCount> | undefined,
): Promise<void> {
  if (!count) return announceDevice(storage, device);
  const value: DeviceCount = { devices: count.value.devices + 1 };
  try {
    await announceDevice(storage, device, [{ kind: 'replace', rowKey: COUNT_ROW, value, etag: count.etag }]);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    await announceDevice(storage, device);
  }
}
