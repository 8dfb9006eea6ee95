import { randomBytes } from 'node:crypto';
import { odata, type TableClient } from '@azure/data-tables';
import { answerOf, type Call, type Caller, call, refused } from './calls.ts';
import { Conflict } from './errors.ts';
import { fromEntity, isKey, type Row, toEntity, WRITE_ID } from './rows.ts';
import { type Operation, sendTransaction, transactionBody } from './transaction.ts';

export { Conflict, RowTooLarge, StorageRefused, StorageUnavailable } from './errors.ts';

/** One change of a partition. Every change of a row that exists carries the ETag that was read; `*` is no ETag. */
export type Change =
  | { kind: 'insert'; rowKey: string; value: object }
  | { kind: 'replace'; rowKey: string; value: object; etag: string }
  | { kind: 'upsert'; rowKey: string; value: object } // only for rows that nobody races for
  | { kind: 'delete'; rowKey: string; etag: string };

/** Which rows of a partition: `from` <= RowKey < `before` in ordinal order (UTF-16), at most `limit` (1,000). */
export interface PageOptions {
  from?: string;
  before?: string;
  limit?: number;
}

/** Rows in the order of their keys; `next`, where there are more, is the `from` of the following page. */
export interface Page<T> {
  rows: Row<T>[];
  next?: string;
}

export interface Table {
  /**
   * One row; undefined where there is none. One call.
   *
   * @throws StorageUnavailable, StorageRefused
   */
  get<T>(partitionKey: string, rowKey: string): Promise<Row<T> | undefined>;
  /**
   * One page of a partition. One call; one more for each empty page that the service puts before the rows, which it may.
   *
   * @throws StorageUnavailable, StorageRefused
   */
  page<T>(partitionKey: string, options?: PageOptions): Promise<Page<T>>;
  /**
   * The rows of a partition that have one of these keys, in no order; keys without a row are left out. One call. The service
   * looks through the partition for them, so it is for small ones (Microsoft Learn, "Design for querying").
   *
   * @param rowKeys at most 14: a filter takes 15 comparisons, and the partition is one ("Querying tables and entities")
   * @throws StorageUnavailable, StorageRefused; RangeError for more keys
   */
  getMany<T>(partitionKey: string, rowKeys: readonly string[]): Promise<Row<T>[]>;
  /**
   * Carries out all changes or none, in one call. A try whose answer was lost is sent again; where that one then meets its own work,
   * it is recognised by reading back (one to three more calls), and the write counts as done.
   *
   * @throws Conflict when somebody else wrote first; StorageUnavailable, after which the write may have been carried out or not;
   *   RowTooLarge before anything is sent; StorageRefused; RangeError and TypeError for changes that no caller should make:
   *   over 100, two of one row, a replace or delete without its ETag
   */
  write(partitionKey: string, changes: Change[]): Promise<void>;
}

const MAX_CHANGES = 100;
const MAX_PAGE = 1000;
/** A filter has at most 15 comparisons; one is that of the partition. */
const MAX_KEYS = 14;
const GONE = new Set(['ResourceNotFound', 'EntityNotFound', '']);

/** A table of Table Storage. */
export class AzureTable implements Table {
  readonly #name: string;
  readonly #client: TableClient;
  readonly #caller: Caller;

  constructor(name: string, client: TableClient, caller: Caller) {
    this.#name = name;
    this.#client = client;
    this.#caller = caller;
  }

  async get<T>(partitionKey: string, rowKey: string): Promise<Row<T> | undefined> {
    // A key that no row can have names no row; the service would call it a bad request.
    if (!isKey(partitionKey) || !isKey(rowKey)) return undefined;
    try {
      return await this.#call('get', async (abortSignal) =>
        fromEntity<T>(await this.#client.getEntity(partitionKey, rowKey, { abortSignal })),
      );
    } catch (error) {
      const answer = answerOf(error);
      if (answer?.status === 404 && answer.code !== 'TableNotFound') return undefined;
      throw this.#failure('get', error);
    }
  }

  async page<T>(partitionKey: string, options: PageOptions = {}): Promise<Page<T>> {
    const { from, before, limit = MAX_PAGE } = options;
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`A page of ${limit} rows cannot be asked for`);
    if (!isKey(partitionKey) || (from !== undefined && before !== undefined && from >= before)) return { rows: [] };
    const filter = [odata`PartitionKey eq ${partitionKey}`];
    if (from !== undefined) filter.push(odata`RowKey ge ${from}`);
    if (before !== undefined) filter.push(odata`RowKey lt ${before}`);
    const size = Math.min(limit, MAX_PAGE);
    let continuationToken: string | undefined;
    do {
      const page = await this.#query(filter.join(' and '), size, continuationToken);
      continuationToken = page.continuationToken;
      const rows = page.entities.map((entity) => fromEntity<T>(entity));
      if (rows.length > 0)
        return continuationToken === undefined ? { rows } : { rows, next: keyAfter(rows.at(-1)!.rowKey) };
    } while (continuationToken !== undefined);
    return { rows: [] };
  }

  async getMany<T>(partitionKey: string, rowKeys: readonly string[]): Promise<Row<T>[]> {
    if (rowKeys.length > MAX_KEYS) throw new RangeError(`${rowKeys.length} rows cannot be asked for in one call`);
    const keys = rowKeys.filter(isKey);
    if (!isKey(partitionKey) || keys.length === 0) return [];
    const filter = `${odata`PartitionKey eq ${partitionKey}`} and (${keys.map((key) => odata`RowKey eq ${key}`).join(' or ')})`;
    const rows: Row<T>[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await this.#query(filter, MAX_PAGE, continuationToken);
      rows.push(...page.entities.map((entity) => fromEntity<T>(entity)));
      continuationToken = page.continuationToken;
    } while (continuationToken !== undefined);
    return rows;
  }

  async write(partitionKey: string, changes: Change[]): Promise<void> {
    checkChanges(changes);
    if (changes.length === 0) return;
    const writeId = randomBytes(9).toString('base64url');
    const operations = changes.map((change) => toOperation(partitionKey, change, writeId));
    const [single] = operations;
    const body = operations.length > 1 ? transactionBody(this.#tableUrl(), operations) : undefined;
    const operation = body ? 'transaction' : single!.kind;
    let unanswered = false;
    try {
      await this.#call(operation, (signal, tries) => {
        unanswered = tries.unanswered;
        return body ? sendTransaction(this.#client, body, signal) : this.#single(single!, signal);
      });
    } catch (error) {
      const lost = this.#conflict(operation, changes, error, unanswered);
      if (unanswered && (await this.#hasWritten(partitionKey, changes, writeId))) return;
      throw lost;
    }
  }

  /** Creates the table unless it exists. */
  async create(): Promise<void> {
    try {
      await this.#call('createTable', (abortSignal) => this.#client.createTable({ abortSignal }));
    } catch (error) {
      throw this.#failure('createTable', error);
    }
  }

  async #query(filter: string, maxPageSize: number, continuationToken: string | undefined) {
    try {
      return await this.#call('query', async (abortSignal) => {
        const settings = continuationToken === undefined ? { maxPageSize } : { maxPageSize, continuationToken };
        const pages = this.#client.listEntities({ queryOptions: { filter }, abortSignal }).byPage(settings);
        const { value } = await pages.next();
        return {
          entities: value as Record<string, unknown>[],
          continuationToken: value?.continuationToken as string | undefined,
        };
      });
    } catch (error) {
      throw this.#failure('query', error);
    }
  }

  async #single(operation: Operation, abortSignal: AbortSignal): Promise<void> {
    switch (operation.kind) {
      case 'insert':
        await this.#client.createEntity(operation.entity, { abortSignal });
        return;
      case 'replace':
        await this.#client.updateEntity(operation.entity, 'Replace', { etag: operation.etag, abortSignal });
        return;
      case 'upsert':
        await this.#client.upsertEntity(operation.entity, 'Replace', { abortSignal });
        return;
      case 'delete':
        await this.#client.deleteEntity(operation.partitionKey, operation.rowKey, {
          etag: operation.etag,
          abortSignal,
        });
    }
  }

  /** The Conflict that an answer means; any other failure is thrown. */
  #conflict(operation: string, changes: Change[], error: unknown, unanswered: boolean): Conflict {
    const answer = answerOf(error);
    const isConflict =
      answer && (answer.status === 409 || answer.status === 412 || (answer.status === 404 && GONE.has(answer.code)));
    if (!isConflict) throw this.#failure(operation, error);
    const index = Number(/^(\d+):/.exec(answer.message)?.[1] ?? (changes.length === 1 ? 0 : Number.NaN));
    const rowKey = changes[index]?.rowKey;
    const where = rowKey === undefined ? '' : ` at row ${rowKey}`;
    const message = `Somebody else wrote first in ${this.#name}${where}: ${answer.status} ${answer.code}`;
    return new Conflict(message, { ...(rowKey !== undefined && { rowKey }), certain: !unanswered });
  }

  /**
   * Whether a write whose answer was lost was carried out: then its rows, written together, bear its id,
   * unless somebody has changed them since. Three of them are looked at.
   */
  async #hasWritten(partitionKey: string, changes: Change[], writeId: string): Promise<boolean> {
    const written = changes.filter((change) => change.kind !== 'delete').slice(0, 3);
    for (const { rowKey } of written) {
      const read = await this.#writeIdOf(partitionKey, rowKey);
      if (read === writeId) return true;
    }
    return false;
  }

  async #writeIdOf(partitionKey: string, rowKey: string): Promise<unknown> {
    try {
      const queryOptions = { select: [WRITE_ID] };
      const entity = await this.#call('get', (abortSignal) =>
        this.#client.getEntity(partitionKey, rowKey, { abortSignal, queryOptions }),
      );
      return entity[WRITE_ID];
    } catch (error) {
      if (answerOf(error)?.status === 404) return undefined;
      throw this.#failure('get', error);
    }
  }

  #tableUrl(): string {
    return `${this.#client.url.split('?')[0]}/${this.#name}`;
  }

  #what(operation: string): Call {
    return { service: 'table', operation, name: this.#name };
  }

  #call<T>(operation: string, send: Parameters<typeof call<T>>[2]): Promise<T> {
    return call(this.#caller, this.#what(operation), send);
  }

  #failure(operation: string, error: unknown): unknown {
    const answer = answerOf(error);
    return answer ? refused(this.#what(operation), answer) : error;
  }
}

/**
 * Writes, and says whether it came first. For callers who read again when somebody else did.
 *
 * @returns false where `write` throws Conflict: nothing was written
 * @throws what else `write` throws
 */
export async function tryWrite(table: Table, partitionKey: string, changes: Change[]): Promise<boolean> {
  try {
    await table.write(partitionKey, changes);
    return true;
  } catch (error) {
    if (error instanceof Conflict) return false;
    throw error;
  }
}

/** The smallest key after this one: a space is the smallest character that a key can have. */
function keyAfter(rowKey: string): string {
  return `${rowKey} `;
}

function checkChanges(changes: Change[]): void {
  if (changes.length > MAX_CHANGES)
    throw new RangeError(`${changes.length} changes are over the ${MAX_CHANGES} of one transaction`);
  const keys = new Set(changes.map((change) => change.rowKey));
  if (keys.size < changes.length) throw new TypeError('A transaction changes a row once');
  for (const change of changes) {
    const needsEtag = change.kind === 'replace' || change.kind === 'delete';
    // Line breaks would end the header that carries it inside a transaction.
    if (needsEtag && (!change.etag || change.etag === '*' || /[\r\n]/.test(change.etag))) {
      throw new TypeError(`To ${change.kind} row ${change.rowKey} takes the ETag that was read`);
    }
  }
}

function toOperation(partitionKey: string, change: Change, writeId: string): Operation {
  const { kind, rowKey } = change;
  if (kind === 'delete') return { kind, partitionKey, rowKey, etag: change.etag };
  const entity = toEntity(partitionKey, rowKey, change.value, writeId);
  return kind === 'replace' ? { kind, entity, etag: change.etag } : { kind, entity };
}

export type { Row };
