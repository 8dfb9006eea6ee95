import { isDeepStrictEqual } from 'node:util';
import { type Command, isFinal } from '../commands/command.ts';
import { moveToFinished } from '../commands/finished-rows.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../devices/device.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW } from '../profiles/setting-state.ts';
import type { Row } from '../storage/rows.ts';
import type { Change } from '../storage/tables.ts';
import { MAX_COMMANDS } from './reply-builder.ts';
import type { Session } from './session.ts';

/** What one query read of a device's partition. */
export interface Snapshot {
  device: Row<Device>;
  session?: Row<Session>;
  /** What is known of the settings of its profiles. */
  profiles?: Row<DeviceProfiles>;
  /** Unfinished commands in the order of their sequence. */
  commands: Row<Command>[];
  /** Where the next page of commands begins, when there are more. */
  next?: string;
}

/** A table transaction takes 100 operations; three are the device, the session and the settings of its profiles. */
const MAX_OPERATIONS = 97;
/**
 * And 4 MiB. What a message must write (answers to what was asked, commands that go out, session and device) stays below
 * three; the rest is for changes that may as well be made in a later message.
 */
export const MAX_COMMAND_BYTES = 1024 * 1024;

/**
 * The snapshot as the turn changes it. Which rows changed is found by comparison at the end, so no rule of the session
 * has to remember to say so, and each changed row goes back under the ETag it was read with.
 */
export class WorkingCopy {
  device: Device;
  profiles: DeviceProfiles;
  readonly commands: Command[];
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.device = snapshot.device.value;
    this.profiles = snapshot.profiles?.value ?? { settings: {} };
    this.commands = snapshot.commands.map((row) => row.value);
  }

  command(id: string): Command | undefined {
    return this.commands.find((command) => command.id === id);
  }

  update(command: Command): void {
    const index = this.commands.findIndex((entry) => entry.id === command.id);
    if (index >= 0) this.commands[index] = command;
  }

  /** @returns whether commands wait beyond those that were read. */
  get hasMore(): boolean {
    return this.#snapshot.next !== undefined;
  }

  /**
   * @returns whether a change of `command` that may wait for a later message fits into this one's transaction, and leaves
   *   room for the commands that go out
   */
  hasRoomFor(command: Command): boolean {
    const changes = this.#commandChanges();
    const bytes = changes.reduce(
      (sum, change) => sum + (change.kind === 'delete' ? 0 : commandBytes(change.value as Command)),
      commandBytes(command),
    );
    return changes.length + 2 + MAX_COMMANDS <= MAX_OPERATIONS && bytes <= MAX_COMMAND_BYTES;
  }

  deviceChanged(): boolean {
    return !isDeepStrictEqual(this.device, this.#snapshot.device.value);
  }

  /** @returns the transaction that turns what was read into what is now; the session row is always part of it. */
  changes(session: Session): Change[] {
    const { device, session: before } = this.#snapshot;
    const changes: Change[] = [
      before
        ? { kind: 'replace', rowKey: SESSION_ROW, value: session, etag: before.etag }
        : { kind: 'insert', rowKey: SESSION_ROW, value: session },
    ];
    if (this.deviceChanged()) {
      this.device = { ...this.device, revision: device.value.revision + 1 };
      changes.push({ kind: 'replace', rowKey: DEVICE_ROW, value: this.device, etag: device.etag });
    }
    return [...changes, ...this.#profileChanges(), ...this.#commandChanges()];
  }

  #profileChanges(): Change[] {
    const before = this.#snapshot.profiles;
    if (isDeepStrictEqual(this.profiles, before?.value ?? { settings: {} })) return [];
    const rowKey = PROFILES_OF_DEVICE_ROW;
    const value = this.profiles;
    return [before ? { kind: 'replace', rowKey, value, etag: before.etag } : { kind: 'insert', rowKey, value }];
  }

  #commandChanges(): Change[] {
    return this.#snapshot.commands.flatMap((row, index): Change[] => {
      const command = this.commands[index];
      if (!command || isDeepStrictEqual(command, row.value)) return [];
      if (!isFinal(command.state)) return [{ kind: 'replace', rowKey: row.rowKey, value: command, etag: row.etag }];
      return moveToFinished(row, command);
    });
  }
}

const itemBytes = new WeakMap<object, number>();

/** @returns about how many bytes a command takes in a transaction, where its items are JSON inside JSON. */
export function commandBytes({ items, results }: Command): number {
  const known = itemBytes.get(items) ?? nestedBytes(items);
  itemBytes.set(items, known);
  return known + nestedBytes(results);
}

function nestedBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value)));
}
