import { eachListed } from '../devices/device-list.ts';
import type { Storage } from '../storage/storage.ts';
import { type Page, tryWrite } from '../storage/tables.ts';
import { COMMAND_PREFIX, type Command } from './command.ts';
import { moveToFinished } from './finished-rows.ts';
import { expire, isExpired } from './settle.ts';

const PAGE = 100;

/**
 * Ends the commands that were never sent and whose time is over, for devices that do not call. A message that sends one
 * at the same moment changes the same row, so a command is either sent or expired.
 *
 * @returns how many ended
 */
export async function expireCommands(storage: Storage, now: Date): Promise<number> {
  let expired = 0;
  for await (const { id } of eachListed(storage)) expired += await expireOf(storage, id, now);
  return expired;
}

async function expireOf(storage: Storage, deviceId: string, now: Date): Promise<number> {
  const table = storage.table('devices');
  let expired = 0;
  let page: Page<Command> = { rows: [], next: COMMAND_PREFIX };
  while (page.next !== undefined) {
    page = await table.page<Command>(deviceId, { from: page.next, before: `${COMMAND_PREFIX}~`, limit: PAGE });
    for (const row of page.rows.filter(({ value }) => isExpired(value, now))) {
      if (await tryWrite(table, deviceId, moveToFinished(row, expire(row.value, now)))) expired += 1;
    }
  }
  return expired;
}
