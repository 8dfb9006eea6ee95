import { TableClient } from '@azure/data-tables';
import { AzureBlobs, type Blobs } from './blobs.ts';
import { type Caller, type OnCall, PATIENCE, type Patience } from './calls.ts';
import { appIdentity } from './credential.ts';
import { AzureTable, type Table } from './tables.ts';

/** The tables of the data account. */
export const TABLE_NAMES = [
  'devices',
  'devicelist',
  'invitations',
  'journal',
  'reports',
  'catalogue',
  'audit',
  'decommissions',
] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** The containers that are made with the tables; others come into being when they are first written to. */
export const CONTAINERS = ['results', 'keys', 'traces'] as const;

export interface Storage {
  table(name: TableName): Table;
  blobs(container: string): Blobs;
}

export interface StorageOptions {
  /** Table service URL (`https://…`, managed identity) or a connection string */
  tables: string;
  /** Blob service URL or a connection string */
  blobs: string;
  /** client id of a user-assigned identity; AZURE_CLIENT_ID where it is left out */
  clientId?: string;
  /** runs before each HTTP request that leaves */
  onCall?: OnCall;
  /** how long storage is given to answer; PATIENCE where it is left out */
  patience?: Partial<Patience>;
}

/** Tables and blobs of one deployment. */
class AzureStorage implements Storage {
  readonly #options: StorageOptions;
  readonly #caller: Caller;
  readonly #tables = new Map<string, AzureTable>();
  readonly #containers = new Map<string, AzureBlobs>();

  constructor(options: StorageOptions) {
    this.#options = options;
    this.#caller = { onCall: options.onCall, patience: { ...PATIENCE, ...options.patience } };
  }

  table(name: TableName): AzureTable {
    return entry(this.#tables, name, () => new AzureTable(name, tableClient(this.#options, name), this.#caller));
  }

  blobs(container: string): AzureBlobs {
    return entry(this.#containers, container, () => new AzureBlobs(this.#options, container, this.#caller));
  }
}

/** Opens the storage of a deployment. Nothing is sent, and neither identity nor blobs are loaded, before they are needed. */
export function openStorage(options: StorageOptions): Storage {
  return new AzureStorage(options);
}

/**
 * Creates the tables and containers that do not exist yet. In Azure the template does that; the apps have no right to.
 *
 * @param storage what `openStorage` returned
 * @throws StorageUnavailable, StorageRefused
 */
export async function createTables(storage: Storage): Promise<void> {
  if (!(storage instanceof AzureStorage)) throw new TypeError('This storage was not opened by openStorage');
  const made = [...TABLE_NAMES.map((name) => storage.table(name)), ...CONTAINERS.map((name) => storage.blobs(name))];
  await Promise.all(made.map((one) => one.create()));
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** The SDK's own retries are off: `call` makes them, and counts each. */
function tableClient({ tables, clientId }: StorageOptions, name: string): TableClient {
  const secure = tables.startsWith('https:');
  const options = { retryOptions: { maxRetries: 0 }, allowInsecureConnection: !secure };
  const client = secure
    ? new TableClient(tables.replace(/\/+$/, ''), name, appIdentity(clientId), options)
    : TableClient.fromConnectionString(tables, name, options);
  client.pipeline.addPolicy(asciiJson, { afterPhase: 'Serialize' });
  return client;
}

/**
 * Escapes what is not ASCII in the JSON of a single operation. Azurite decodes a request in the pieces in which it arrives and
 * spoils a character that lies across two of them; the JSON means the same either way.
 */
const asciiJson: Parameters<TableClient['pipeline']['addPolicy']>[0] = {
  name: 'asciiJson',
  sendRequest(request, next) {
    if (typeof request.body === 'string' && request.headers.get('content-type')?.startsWith('application/json')) {
      request.body = request.body.replace(
        /[\u0080-\uffff]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
      // The policy that signs may have counted already.
      if (request.headers.has('content-length')) request.headers.set('content-length', request.body.length);
    }
    return next(request);
  },
};
