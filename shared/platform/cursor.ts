import { createHmac, timingSafeEqual } from 'node:crypto';
import { badRequest } from './problem.ts';

const MAC_BYTES = 12;

/** @returns `position` as an opaque cursor that only this deployment can have made. */
export function sealCursor(key: Buffer, position: string): string {
  const text = Buffer.from(position);
  return Buffer.concat([mac(key, text), text]).toString('base64url');
}

/** @returns the position in the cursor. @throws Problem 400 for a cursor that this deployment did not make. */
export function openCursor(key: Buffer, cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const text = bytes.subarray(MAC_BYTES);
  const given = bytes.subarray(0, MAC_BYTES);
  if (given.length !== MAC_BYTES || !timingSafeEqual(given, mac(key, text))) {
    throw badRequest([{ field: 'cursor', message: 'is not one that a list here gave as `next`' }]);
  }
  return text.toString();
}

function mac(key: Buffer, text: Buffer): Buffer {
  return createHmac('sha256', key).update('cursor\0').update(text).digest().subarray(0, MAC_BYTES);
}
