import { COMMAND_PREFIX, type Command } from '../commands/command.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../devices/device.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW } from '../profiles/setting-state.ts';
import type { Row } from '../storage/rows.ts';
import type { Table } from '../storage/tables.ts';
import type { Session } from './session.ts';
import type { Snapshot } from './working-copy.ts';

/** The first page of a device's partition: record, session, settings and the commands next in line. */
const PAGE_ROWS = 60;
/** Everything that a message reads sorts below this; what is finished sorts behind it. */
const FINISHED = '~';

/** One call. @returns undefined when there is no such enrollment. */
export async function readPartition(table: Table, enrollmentId: string): Promise<Snapshot | undefined> {
  const { rows, next } = await table.page<unknown>(enrollmentId, { before: FINISHED, limit: PAGE_ROWS });
  const device = rows.find((row) => row.rowKey === DEVICE_ROW) as Row<Device> | undefined;
  if (!device) return undefined;
  return {
    device,
    session: rows.find((row) => row.rowKey === SESSION_ROW) as Row<Session> | undefined,
    profiles: rows.find((row) => row.rowKey === PROFILES_OF_DEVICE_ROW) as Row<DeviceProfiles> | undefined,
    commands: rows.filter(isCommand),
    next,
  };
}

/**
 * Adds the commands of the following page: needed only when none of the first could be sent, e.g. because all of them
 * wait for a user to sign in.
 */
export async function readFurtherCommands(table: Table, snapshot: Snapshot): Promise<Snapshot> {
  const options = { from: snapshot.next, before: FINISHED, limit: PAGE_ROWS };
  const { rows, next } = await table.page<unknown>(snapshot.device.partitionKey, options);
  return { ...snapshot, commands: [...snapshot.commands, ...rows.filter(isCommand)], next };
}

function isCommand(row: Row<unknown>): row is Row<Command> {
  return row.rowKey.startsWith(COMMAND_PREFIX);
}
