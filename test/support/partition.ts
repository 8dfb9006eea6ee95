import {
  COMMAND_PREFIX,
  type Command,
  type CommandItem,
  commandId,
  FINISHED_PREFIX,
  mayRepeat,
  type Verb,
} from '../../shared/commands/command.ts';
import { KEY_CONTAINER } from '../../shared/commands/data-key.ts';
import { sealItems } from '../../shared/commands/secrets.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../../shared/devices/device.ts';
import type { Session } from '../../shared/management/session.ts';
import type { Snapshot } from '../../shared/management/working-copy.ts';
import { type DeviceProfiles, PROFILES_OF_DEVICE_ROW } from '../../shared/profiles/setting-state.ts';
import type { Row } from '../../shared/storage/rows.ts';
import { type Change, Conflict, type PageOptions, type Table } from '../../shared/storage/tables.ts';
import { checkTransaction, fits, MemoryStorage } from './memory-storage.ts';

/** Under this key the secret data of these tests lies. */
export const DATA_KEY = Buffer.alloc(32, 7);

/** A device's partition in memory, with ETags and all-or-nothing writes, for tests of the pure parts. */
export class Partition {
  readonly rows = new Map<string, { etag: string; value: object }>();
  #writes = 0;

  constructor(device: Device) {
    this.apply([{ kind: 'insert', rowKey: DEVICE_ROW, value: device }]);
  }

  snapshot(limit = 60): Snapshot {
    const keys = [...this.rows.keys()].filter((key) => key < '~').sort();
    const page = keys.slice(0, limit);
    const row = (key: string): Row<never> => {
      const { etag, value } = this.rows.get(key)!;
      return { partitionKey: 'p', rowKey: key, etag, value: structuredClone(value) as never };
    };
    return {
      device: row(DEVICE_ROW) as Row<Device>,
      session: page.includes(SESSION_ROW) ? (row(SESSION_ROW) as Row<Session>) : undefined,
      profiles: page.includes(PROFILES_OF_DEVICE_ROW)
        ? (row(PROFILES_OF_DEVICE_ROW) as Row<DeviceProfiles>)
        : undefined,
      commands: page.filter((key) => key.startsWith(COMMAND_PREFIX)).map((key) => row(key) as Row<Command>),
      next: keys.length > limit ? keys[limit] : undefined,
    };
  }

  apply(changes: readonly Change[]): void {
    checkTransaction('p', changes);
    for (const change of changes) {
      if (!fits(change, this.rows.get(change.rowKey)?.etag)) throw new Conflict(`row ${change.rowKey}`);
    }
    for (const change of changes) {
      this.#writes += 1;
      if (change.kind === 'delete') this.rows.delete(change.rowKey);
      // As storage does it: what is undefined is not kept, and the caller's object is not shared.
      else this.rows.set(change.rowKey, { etag: `e${this.#writes}`, value: withoutUndefined(change.value) });
    }
  }

  /**
   * The partition as the device table of a storage, so that administrators' acts work on the same rows. Other devices have
   * partitions of their own in it.
   */
  storage(): MemoryStorage {
    const storage = new MemoryStorage();
    const others = storage.table('devices');
    const isOurs = (partitionKey: string) => partitionKey === this.device.id;
    const read = <T>(rowKey: string): Row<T> => {
      const { etag, value } = this.rows.get(rowKey)!;
      return { partitionKey: this.device.id, rowKey, etag, value: structuredClone(value) as T };
    };
    const devices: Table = {
      get: async <T>(partitionKey: string, rowKey: string) => {
        if (!isOurs(partitionKey)) return others.get<T>(partitionKey, rowKey);
        return this.rows.has(rowKey) ? read<T>(rowKey) : undefined;
      },
      getMany: async <T>(partitionKey: string, rowKeys: readonly string[]) =>
        isOurs(partitionKey)
          ? rowKeys.filter((key) => this.rows.has(key)).map((key) => read<T>(key))
          : others.getMany<T>(partitionKey, rowKeys),
      page: async <T>(partitionKey: string, options: PageOptions = {}) => {
        if (!isOurs(partitionKey)) return others.page<T>(partitionKey, options);
        const { from = '', before = '\uffff', limit = 1_000 } = options;
        const keys = [...this.rows.keys()].filter((key) => key >= from && key < before).sort();
        return { rows: keys.slice(0, limit).map((key) => read<T>(key)), next: keys[limit] };
      },
      write: async (partitionKey: string, changes: Change[]) =>
        isOurs(partitionKey) ? this.apply(changes) : others.write(partitionKey, changes),
    };
    void storage.blobs(KEY_CONTAINER).createOnce('commands', DATA_KEY);
    const table = storage.table.bind(storage);
    storage.table = ((name) => (name === 'devices' ? devices : table(name))) as typeof storage.table;
    return storage;
  }

  get device(): Device {
    return this.rows.get(DEVICE_ROW)!.value as Device;
  }

  setDevice(change: Partial<Device>): void {
    const { etag, value } = this.rows.get(DEVICE_ROW)!;
    this.apply([{ kind: 'replace', rowKey: DEVICE_ROW, value: { ...value, ...change }, etag }]);
  }

  queue(
    verb: Verb,
    target: string,
    more: Partial<Command['items'][number]> & Partial<Pick<Command, 'once' | 'expiresAt'>> = {},
  ): string {
    const { once, expiresAt, ...item } = more;
    return this.queueItems(verb, [{ target, ...item }], { once, expiresAt });
  }

  /** Secret data is sealed, as it is where commands are queued. */
  queueItems(
    verb: Command['verb'],
    given: CommandItem[],
    { once, expiresAt }: Partial<Pick<Command, 'once' | 'expiresAt'>> = {},
  ): string {
    const sequence = this.device.nextSequence;
    const items = sealItems(DATA_KEY, this.device.id, commandId(sequence), given);
    const command: Command = {
      id: commandId(sequence),
      verb,
      items,
      state: 'waiting',
      once: once ?? !mayRepeat(verb, items),
      ...(expiresAt ? { expiresAt } : {}),
      queuedAt: '2026-01-01T00:00:00.000Z',
      queuedBy: 'test',
      deliveries: 0,
      results: [],
    };
    this.setDevice({ nextSequence: sequence + 1 });
    this.apply([{ kind: 'insert', rowKey: COMMAND_PREFIX + command.id, value: command }]);
    return command.id;
  }

  command(id: string): Command {
    const row = this.rows.get(COMMAND_PREFIX + id) ?? this.rows.get(FINISHED_PREFIX + id);
    return row!.value as Command;
  }

  commands(): Command[] {
    return [...this.rows.entries()]
      .filter(([key]) => key.includes('command|'))
      .map(([, { value }]) => value as Command);
  }
}

function withoutUndefined(value: object): object {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return structuredClone(Object.fromEntries(entries));
}

/** A device that was enrolled and whose facts are fresh, unless the test says otherwise. */
export function enrolledDevice(change: Partial<Device> = {}): Device {
  return {
    id: '6f7a3c1e-0d2b-4a59-8c64-2f1f5a9b7d30',
    revision: 1,
    user: 'kim@example.org',
    name: 'PC-1',
    state: 'enrolled',
    enrollmentType: 'Full',
    providerId: 'Lanyard',
    enrolledAt: '2026-01-01T00:00:00.000Z',
    admission: { way: 'invitation', kind: 'deviceOnly', invitationId: 'i1' },
    context: {},
    devInfo: {},
    facts: {},
    factsReadAt: '2026-01-01T00:00:00.000Z',
    certificates: [
      {
        thumbprint: 'a'.repeat(64),
        serialNumber: '01',
        notBefore: '2026-01-01T00:00:00.000Z',
        notAfter: '2027-01-01T00:00:00.000Z',
        der: '',
        publicKeyHash: 'b'.repeat(64),
        issuedAt: '2026-01-01T00:00:00.000Z',
      },
    ],
    nextSequence: 1,
    ...change,
  };
}
