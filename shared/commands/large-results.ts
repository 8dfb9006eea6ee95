import type { Blobs } from '../storage/blobs.ts';
import type { ItemResult } from './command.ts';

/** Values that are too large for a row lie in blobs: one, or the parts in which they came. */

/** The longest value that is kept, in bytes of UTF-8. */
export const MAX_RESULT_BYTES = 5 * 1024 * 1024;

/** A value is put together to this size before it is written as a part, so that a device cannot make thousands of blobs. */
export const PART_CHARACTERS = 128 * 1024;

/** How much of a value in blobs is shown with its command. */
export const HEAD_CHARACTERS = 200;

export function partName(blob: string, part: number): string {
  return `${blob}.${part}`;
}

/** @returns the blobs that hold a result; none where the row holds it */
export function blobsOf({ blob, parts }: Pick<ItemResult, 'blob' | 'parts'>): string[] {
  if (!blob) return [];
  return parts === undefined ? [blob] : Array.from({ length: parts }, (_, part) => partName(blob, part));
}

/** @returns the value, one call a part; undefined when a part of it is gone */
export async function readResult(blobs: Blobs, result: ItemResult): Promise<string | undefined> {
  if (!result.blob) return result.data;
  const parts: Buffer[] = [];
  for (const name of blobsOf(result)) {
    const part = await blobs.read(name);
    if (!part) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** @returns the beginning of a text that is short enough to be shown with its command, whole characters only */
export function headOf(text: string): string {
  const head = text.slice(0, HEAD_CHARACTERS);
  return /[\uD800-\uDBFF]$/.test(head) ? head.slice(0, -1) : head;
}
