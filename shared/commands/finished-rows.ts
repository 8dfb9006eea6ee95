import type { Row } from '../storage/rows.ts';
import type { Change } from '../storage/tables.ts';
import { COMMAND_PREFIX, type Command, FINISHED_PREFIX } from './command.ts';

/** @returns the two changes that take a command out of the queue, where messages read, and keep it as `finished`. */
export function moveToFinished(row: Row<Command>, finished: Command): Change[] {
  return [
    { kind: 'delete', rowKey: row.rowKey, etag: row.etag },
    { kind: 'insert', rowKey: row.rowKey.replace(COMMAND_PREFIX, FINISHED_PREFIX), value: finished },
  ];
}
