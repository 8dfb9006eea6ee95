import { readDataKey } from '../commands/data-key.ts';
import { type Place, seal, unseal } from '../commands/seal.ts';
import { openItems } from '../commands/secrets.ts';
import { SESSION_ROW } from '../devices/device.ts';
import type { Log } from '../platform/log.ts';
import { StorageRefused } from '../storage/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Change } from '../storage/tables.ts';
import type { Session } from './session.ts';
import type { TurnInput } from './turn-state.ts';
import type { Snapshot } from './working-copy.ts';

/** Secret data around the pure turn: decrypted before it, and what it leaves in the session row encrypted behind it. */

/**
 * The data key, if anything in the snapshot or beside it (`alsoNeeded`) needs it; one call in the life of a process.
 *
 * @returns `notNow` when this app may not read it: then nothing else of the device has to suffer
 * @throws StorageUnavailable
 */
export async function keyFor(
  storage: Storage,
  snapshot: Snapshot,
  log: Log,
  alsoNeeded = false,
): Promise<Buffer | 'notNow' | undefined> {
  const isNeeded =
    alsoNeeded ||
    snapshot.session?.value.replySealed ||
    snapshot.commands.some(({ value }) => value.items.some((item) => item.sealed));
  if (!isNeeded) return undefined;
  try {
    return await readDataKey(storage);
  } catch (error) {
    if (!(error instanceof StorageRefused)) throw error;
    log.error('The key of secret data may not be read; commands with secret data wait', { reason: error.message });
    return 'notNow';
  }
}

/** @returns the secret data of the commands in a snapshot, as the turn takes it */
export function openSecrets(key: Buffer | 'notNow' | undefined, snapshot: Snapshot): TurnInput['secrets'] {
  const secrets = new Map<string, ReadonlyMap<number, string | undefined>>();
  if (key === 'notNow') return secrets;
  for (const { value } of snapshot.commands) {
    if (!value.items.some((item) => item.sealed)) continue;
    secrets.set(value.id, openItems(key, snapshot.device.value.id, value));
  }
  return secrets;
}

/** @returns the snapshot with the kept reply readable; without a reply where it cannot be decrypted */
export function openReply(key: Buffer | 'notNow' | undefined, snapshot: Snapshot): Snapshot {
  const { session, device } = snapshot;
  if (!session?.value.replySealed) return snapshot;
  const place = replyPlace(device.value.id, session.value);
  const reply = Buffer.isBuffer(key) ? unseal(key, place, Buffer.from(session.value.lastReply)) : undefined;
  return { ...snapshot, session: { ...session, value: { ...session.value, lastReply: reply ?? Buffer.alloc(0) } } };
}

/**
 * @param key undefined where none could be read: then the reply is not kept, and cannot be given again
 * @returns the changes of a turn whose reply holds secret data, with that reply sealed
 */
export function sealReply(key: Buffer | 'notNow' | undefined, deviceId: string, changes: readonly Change[]): Change[] {
  return changes.map((change) => {
    if (change.rowKey !== SESSION_ROW || change.kind === 'delete') return change;
    const session = change.value as Session;
    const place = replyPlace(deviceId, session);
    const lastReply = Buffer.isBuffer(key) ? seal(key, place, session.lastReply) : Buffer.alloc(0);
    return { ...change, value: { ...session, lastReply, replySealed: true } };
  });
}

function replyPlace(deviceId: string, { sessionId, lastMsgId }: Session): Place {
  return ['reply', deviceId, sessionId, lastMsgId];
}
