import { isDeepStrictEqual } from 'node:util';
import { COMMAND_PREFIX, type Command, FINISHED_PREFIX, isFinal } from '../commands/command.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../devices/device.ts';
import type { Row } from '../storage/rows.ts';
import type { Change } from '../storage/tables.ts';
import type { Session } from './session.ts';

/** What one query read of a device's partition. */
export interface Snapshot {
  device: Row<Device>;
  session?: Row<Session>;
  /** Unfinished commands in the order of their sequence. */
  commands: Row<Command>[];
  /** Where the next page of commands begins, when there are more. */
  next?: string;
}

/** A table transaction takes 100 operations; two are the device and the session. */
const MAX_OPERATIONS = 98;

/**
 * The snapshot as the turn changes it. Which rows changed is found by comparison at the end, so no rule of the session
 * has to remember to say so, and each changed row goes back under the ETag it was read with.
 */
export class WorkingCopy {
  device: Device;
  readonly commands: Command[];
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.device = snapshot.device.value;
    this.commands = snapshot.commands.map((row) => row.value);
  }

  command(id: string): Command | undefined {
    return this.commands.find((command) => command.id === id);
  }

  update(command: Command): void {
    const index = this.commands.findIndex((entry) => entry.id === command.id);
    if (index >= 0) this.commands[index] = command;
  }

  /** @returns whether `more` further table operations fit into this message's one transaction. */
  canAfford(more: number): boolean {
    return this.#commandChanges().length + more <= MAX_OPERATIONS;
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
    return [...changes, ...this.#commandChanges()];
  }

  #commandChanges(): Change[] {
    return this.#snapshot.commands.flatMap((row, index): Change[] => {
      const command = this.commands[index];
      if (!command || isDeepStrictEqual(command, row.value)) return [];
      if (!isFinal(command.state)) return [{ kind: 'replace', rowKey: row.rowKey, value: command, etag: row.etag }];
      const finished = row.rowKey.replace(COMMAND_PREFIX, FINISHED_PREFIX);
      return [
        { kind: 'delete', rowKey: row.rowKey, etag: row.etag },
        { kind: 'insert', rowKey: finished, value: command },
      ];
    });
  }
}
