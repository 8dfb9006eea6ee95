import type { Item } from '../wire/syncml.ts';
import type { Asked, Received } from './session.ts';

/**
 * The longest value that is put together from pieces, in characters of JSON: it is kept in the session row meanwhile.
 * Windows says LrgObj false and was seen to send 16 KB whole, so this is for what other builds may do.
 */
export const MAX_RECEIVED = 128 * 1024;

/**
 * Puts an item that may be a piece of a larger value behind the pieces that came before (OMA-DM Protocol, large objects:
 * each piece but the last has MoreData and comes in a message of its own, which is answered with alert 1222).
 *
 * @returns `whole`, the item with all of its data; or `received`, what there is so far; or neither where nothing came or
 *   the value is longer than is kept, which leaves the Get without a value
 */
export function joinPieces(asked: Asked, item: Item | undefined): { whole?: Item; received?: Received } {
  if (!item) return {};
  const before = 'received' in asked ? asked.received : undefined;
  const data = (before?.data ?? '') + (item.data ?? '');
  const format = before?.format ?? item.meta.format;
  if (!item.moreData) return { whole: before ? { ...item, data, meta: { ...item.meta, format } } : item };
  if (JSON.stringify(data).length > MAX_RECEIVED) return {};
  return { received: format ? { data, format } : { data } };
}

/** Pieces of one value follow each other and nothing comes between, so only the last value that was begun can go on. */
export function keepLastBegun(unanswered: readonly Asked[]): Asked[] {
  const last = unanswered.findLast((asked) => 'received' in asked && asked.received);
  return unanswered.map((asked) => (asked === last || asked.kind === 'unenroll' ? asked : withoutPieces(asked)));
}

function withoutPieces(asked: Exclude<Asked, { kind: 'unenroll' }>): Asked {
  const { received, ...rest } = asked;
  return rest;
}
