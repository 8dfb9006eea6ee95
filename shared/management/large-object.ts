import { headOf, MAX_RESULT_BYTES, PART_CHARACTERS, partName } from '../commands/large-results.ts';
import type { Item } from '../wire/syncml.ts';
import type { Asked, Received } from './session.ts';
import type { LargeResult } from './turn-state.ts';

/** What the pieces of a value have come to with one more of them. */
export interface Joined {
  /** The item with all of its data, where it is small enough to be held. */
  whole?: Item;
  /** What there is so far; more of it follows. */
  received?: Received;
  /** The whole value lies in blobs. */
  stored?: NonNullable<Received['stored']> & { format?: string };
  /** What has to be written of it now. */
  blobs: LargeResult[];
  /** It is longer than is kept. */
  tooLarge?: true;
}

/**
 * Puts an item that may be a piece of a larger value behind the pieces that came before (OMA-DM Protocol, large objects:
 * each piece but the last has MoreData and comes in a message of its own, which is answered with alert 1222). What has
 * come to 128 KiB goes to a blob, so that neither the session row nor a message has to hold the whole.
 *
 * @param blob the name for the blobs of this value
 * @returns nothing but `blobs` where nothing came
 */
export function joinPieces(asked: Asked, item: Item | undefined, blob: string): Joined {
  if (!item) return { blobs: [] };
  const before = 'received' in asked ? asked.received : undefined;
  const format = before?.format ?? item.meta.format;
  if (!item.moreData && !before?.stored) return wholeOf(item, before, format);
  const data = (before?.data ?? '') + (item.data ?? '');
  const size = (before?.stored?.size ?? 0) + Buffer.byteLength(data);
  if (size > MAX_RESULT_BYTES) return { blobs: [], tooLarge: true };
  if (item.moreData && JSON.stringify(data).length <= PART_CHARACTERS) {
    return { blobs: [], received: { ...before, data, ...(format ? { format } : {}) } };
  }
  const parts = before?.stored?.parts ?? 0;
  const head = before?.stored?.head ?? headOf(data);
  const blobs = data === '' ? [] : [{ name: partName(blob, parts), data: Buffer.from(data) }];
  const stored = { blob, parts: parts + blobs.length, size, head };
  if (!item.moreData) return { blobs, stored: { ...stored, ...(format ? { format } : {}) } };
  return { blobs, received: { data: '', stored, ...(format ? { format } : {}) } };
}

function wholeOf(item: Item, before: Received | undefined, format: string | undefined): Joined {
  if (!before) return { blobs: [], whole: item };
  const data = before.data + (item.data ?? '');
  return { blobs: [], whole: { ...item, data, meta: { ...item.meta, ...(format ? { format } : {}) } } };
}

/** Pieces of one value follow each other and nothing comes between, so only the last value that was begun can go on. */
export function keepLastBegun(unanswered: readonly Asked[]): Asked[] {
  const last = unanswered.findLast((asked) => 'received' in asked && asked.received);
  return unanswered.map((asked) => (asked === last || !('received' in asked) ? asked : withoutPieces(asked)));
}

function withoutPieces<T extends Asked & { received?: Received }>(asked: T): T {
  const { received: _, ...rest } = asked;
  return rest as T;
}

/** @returns the blobs that hold the pieces of values of which more was to come */
export function partsOf(asked: readonly Asked[]): string[] {
  return asked.flatMap((each) => {
    const stored = 'received' in each ? each.received?.stored : undefined;
    return stored ? Array.from({ length: stored.parts }, (_, part) => partName(stored.blob, part)) : [];
  });
}
