import type { BlobPage, Blobs } from '../../shared/storage/blobs.ts';
import { type Entity, fromEntity, type Row, toEntity } from '../../shared/storage/rows.ts';
import type { Storage, TableName } from '../../shared/storage/storage.ts';
import { type Change, Conflict, type Page, type PageOptions, type Table } from '../../shared/storage/tables.ts';
import { type Operation, transactionBody } from '../../shared/storage/transaction.ts';

/** One call of the storage, as a test counts, delays or fails it. */
export interface StorageCall {
  table: string;
  operation: 'get' | 'getMany' | 'page' | 'write';
  partitionKey: string;
  changes?: Change[];
}

/**
 * Tables and blobs in memory, with the rows, ETags, order and limits of the real ones: what comes back went through the
 * same writing of rows, and what would be refused as too large is refused here.
 */
export class MemoryStorage implements Storage {
  readonly calls: StorageCall[] = [];
  /** Runs before each call is carried out; what it throws is the answer. */
  onCall: ((call: StorageCall) => void | Promise<void>) | undefined;
  readonly #tables = new Map<string, MemoryTable>();
  readonly #blobs = new Map<string, MemoryBlobs>();

  table(name: TableName): MemoryTable {
    const table = this.#tables.get(name) ?? new MemoryTable((call) => this.#note({ ...call, table: name }));
    this.#tables.set(name, table);
    return table;
  }

  blobs(container: string): MemoryBlobs {
    const blobs = this.#blobs.get(container) ?? new MemoryBlobs();
    this.#blobs.set(container, blobs);
    return blobs;
  }

  async #note(call: StorageCall): Promise<void> {
    this.calls.push(call);
    await this.onCall?.(call);
  }
}

export class MemoryTable implements Table {
  readonly #note: (call: Omit<StorageCall, 'table'>) => Promise<void>;
  readonly #partitions = new Map<string, Map<string, { etag: string; entity: Entity }>>();
  #writes = 0;

  constructor(note: (call: Omit<StorageCall, 'table'>) => Promise<void> = async () => {}) {
    this.#note = note;
  }

  async get<T>(partitionKey: string, rowKey: string): Promise<Row<T> | undefined> {
    await this.#note({ operation: 'get', partitionKey });
    const row = this.#partition(partitionKey).get(rowKey);
    return row && readBack<T>(row.entity, row.etag);
  }

  async page<T>(partitionKey: string, { from, before, limit = 1_000 }: PageOptions = {}): Promise<Page<T>> {
    await this.#note({ operation: 'page', partitionKey });
    const keys = [...this.#partition(partitionKey).keys()]
      .filter((key) => (from === undefined || key >= from) && (before === undefined || key < before))
      .sort();
    const rows = keys.slice(0, limit).map((key) => {
      const { entity, etag } = this.#partition(partitionKey).get(key)!;
      return readBack<T>(entity, etag);
    });
    return keys.length > limit ? { rows, next: `${keys[limit - 1]} ` } : { rows };
  }

  async getMany<T>(partitionKey: string, rowKeys: readonly string[]): Promise<Row<T>[]> {
    if (rowKeys.length > 14) throw new RangeError(`${rowKeys.length} rows cannot be asked for in one call`);
    await this.#note({ operation: 'getMany', partitionKey });
    const rows = this.#partition(partitionKey);
    return [...new Set(rowKeys)].flatMap((key) => {
      const row = rows.get(key);
      return row ? [readBack<T>(row.entity, row.etag)] : [];
    });
  }

  async write(partitionKey: string, changes: Change[]): Promise<void> {
    const entities = checkTransaction(partitionKey, changes);
    await this.#note({ operation: 'write', partitionKey, changes });
    const partition = this.#partition(partitionKey);
    for (const change of changes) {
      if (!fits(change, partition.get(change.rowKey)?.etag)) throw new Conflict(`row ${change.rowKey}`);
    }
    changes.forEach((change, index) => {
      this.#writes += 1;
      const entity = entities[index];
      if (entity) partition.set(change.rowKey, { etag: `W/"${this.#writes}"`, entity });
      else partition.delete(change.rowKey);
    });
  }

  /** All rows of a partition, for looking at what no call shows. */
  rows(partitionKey: string): Row<Record<string, unknown>>[] {
    return [...this.#partition(partitionKey).values()].map(({ entity, etag }) => readBack(entity, etag));
  }

  #partition(key: string): Map<string, { etag: string; entity: Entity }> {
    const partition = this.#partitions.get(key) ?? new Map();
    this.#partitions.set(key, partition);
    return partition;
  }
}

class MemoryBlobs implements Blobs {
  readonly #blobs = new Map<string, Buffer>();
  readonly #notes = new Map<string, string>();

  async read(name: string): Promise<Buffer | undefined> {
    return this.#blobs.get(name);
  }

  async write(name: string, data: Buffer, note?: string): Promise<void> {
    this.#blobs.set(name, data);
    if (note === undefined) this.#notes.delete(name);
    else this.#notes.set(name, note);
  }

  async list(
    prefix: string,
    { limit, marker = '' }: { limit: number; marker?: string | undefined },
  ): Promise<BlobPage> {
    const names = [...this.#blobs.keys()].filter((name) => name.startsWith(prefix) && name > marker).sort();
    const items = names.slice(0, limit).map((name) => {
      const note = this.#notes.get(name);
      return note === undefined ? { name } : { name, note };
    });
    return { items, ...(names.length > limit ? { next: names[limit - 1] } : {}) };
  }

  async createOnce(name: string, data: Buffer): Promise<boolean> {
    if (this.#blobs.has(name)) return false;
    this.#blobs.set(name, data);
    return true;
  }

  async delete(name: string): Promise<void> {
    this.#blobs.delete(name);
  }
}

/** @returns whether a change may be carried out where the row has this ETag now. */
export function fits(change: Change, etag: string | undefined): boolean {
  if (change.kind === 'upsert') return true;
  return change.kind === 'insert' ? etag === undefined : etag === change.etag;
}

/**
 * Refuses what the real table refuses before it looks at any row: over 100 changes, a row twice, a change without the
 * ETag that was read, a row over 1 MiB, a transaction over 4 MiB.
 * @returns the entity of each change; undefined for a delete
 */
export function checkTransaction(partitionKey: string, changes: readonly Change[]): (Entity | undefined)[] {
  if (changes.length > 100) throw new RangeError(`${changes.length} changes are over the 100 of one transaction`);
  if (new Set(changes.map(({ rowKey }) => rowKey)).size < changes.length) throw new TypeError('A row changes twice');
  const operations = changes.map((change): Operation => {
    const { kind, rowKey } = change;
    if ((kind === 'replace' || kind === 'delete') && (!change.etag || change.etag === '*')) {
      throw new TypeError(`To ${kind} row ${rowKey} takes the ETag that was read`);
    }
    if (kind === 'delete') return { kind, partitionKey, rowKey, etag: change.etag };
    const entity = toEntity(partitionKey, rowKey, change.value);
    return kind === 'replace' ? { kind, entity, etag: change.etag } : { kind, entity };
  });
  transactionBody('https://account.table.core.windows.net/devices', operations);
  return operations.map((operation) => (operation.kind === 'delete' ? undefined : operation.entity));
}

/** As the SDK gives an entity: numbers with a type are numbers again. */
function readBack<T>(entity: Entity, etag: string): Row<T> {
  const properties = Object.entries(entity).map(([name, value]) => {
    const typed = typeof value === 'object' && 'type' in value ? Number(value.value) : value;
    return [name, typed];
  });
  return fromEntity<T>({ ...Object.fromEntries(properties), etag });
}
