import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { answerOf, type Call, type Caller, call, refused } from './calls.ts';
import { appIdentity } from './credential.ts';

/** A container of Blob Storage. Names may hold `/`. */
export interface Blobs {
  /** The content; undefined where there is no such blob. One call. */
  read(name: string): Promise<Buffer | undefined>;
  /**
   * Writes the content, over what is there. One call; more where the container does not exist yet.
   *
   * @param note a short ASCII text that `list` gives with the name
   */
  write(name: string, data: Buffer, note?: string): Promise<void>;
  /**
   * Writes the content unless there is a blob of that name (If-None-Match: *).
   *
   * @returns whether this call wrote it. When a try went unanswered, false may also mean that this very try had written it:
   *   whoever must know reads the blob, and finds the content that counts.
   */
  createOnce(name: string, data: Buffer): Promise<boolean>;
  /** Deletes the blob if there is one. One call. */
  delete(name: string): Promise<void>;
  /**
   * The blobs whose names begin with `prefix`, in the order of their names; none where there is no such container. One call.
   *
   * @param marker `next` of the page before
   */
  list(prefix: string, options: { limit: number; marker?: string | undefined }): Promise<BlobPage>;
}

export interface BlobPage {
  items: { name: string; note?: string }[];
  /** Opaque; absent on the last page. */
  next?: string;
}

/** How to reach a blob service: its https URL (managed identity) or a connection string. */
export interface BlobService {
  blobs: string;
  clientId?: string | undefined;
}

/** A container of Blob Storage; @azure/storage-blob is loaded when a blob is first touched. */
export class AzureBlobs implements Blobs {
  readonly #service: BlobService;
  readonly #container: string;
  readonly #caller: Caller;
  #opened: Promise<ContainerClient> | undefined;

  constructor(service: BlobService, container: string, caller: Caller) {
    this.#service = service;
    this.#container = container;
    this.#caller = caller;
  }

  async read(name: string): Promise<Buffer | undefined> {
    return await this.#orMissing(undefined, () => this.#call('read', name, download));
  }

  async write(name: string, data: Buffer, note?: string): Promise<void> {
    await this.#creating(() => this.#call('write', name, (blob, signal) => upload(blob, data, signal, { note })));
  }

  async createOnce(name: string, data: Buffer): Promise<boolean> {
    try {
      await this.#creating(() =>
        this.#call('createOnce', name, (blob, signal) => upload(blob, data, signal, { once: true })),
      );
      return true;
    } catch (error) {
      const { status } = error as { status?: number };
      if (status === 409 || status === 412) return false;
      throw error;
    }
  }

  async delete(name: string): Promise<void> {
    await this.#orMissing(undefined, () =>
      this.#call('delete', name, async (blob, abortSignal) => void (await blob.delete({ abortSignal }))),
    );
  }

  async list(prefix: string, { limit, marker }: { limit: number; marker?: string | undefined }): Promise<BlobPage> {
    const client = await this.#open();
    const what: Call = { service: 'blob', operation: 'list', name: this.#container };
    const read = (signal: AbortSignal) => listPage(client, { prefix, limit, marker, signal });
    return await this.#orMissing<BlobPage>({ items: [] }, async () => {
      try {
        return await call(this.#caller, what, read);
      } catch (error) {
        const answer = answerOf(error);
        throw answer ? refused(what, answer) : error;
      }
    });
  }

  /** Creates the container unless it exists. */
  async create(): Promise<void> {
    const client = await this.#open();
    const what: Call = { service: 'blob', operation: 'createContainer', name: this.#container };
    try {
      await call(this.#caller, what, (abortSignal) => client.create({ abortSignal }));
    } catch (error) {
      const answer = answerOf(error);
      if (answer?.code === 'ContainerAlreadyExists') return;
      throw answer ? refused(what, answer) : error;
    }
  }

  async #call<T>(
    operation: string,
    name: string,
    send: (blob: BlockBlobClient, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const blob = (await this.#open()).getBlockBlobClient(name);
    const what: Call = { service: 'blob', operation, name: this.#container };
    try {
      return await call(this.#caller, what, (signal) => send(blob, signal));
    } catch (error) {
      const answer = answerOf(error);
      throw answer ? refused(what, answer) : error;
    }
  }

  /** Does what needs the container, and creates it once where it does not exist yet. */
  async #creating<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ContainerNotFound') throw error;
      await this.create();
      return await act();
    }
  }

  async #orMissing<T>(missing: T, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if ((error as { status?: number }).status === 404) return missing;
      throw error;
    }
  }

  #open(): Promise<ContainerClient> {
    this.#opened ??= openContainer(this.#service, this.#container).catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }
}

/** The SDK's own retries are off: `call` makes them, and counts each. */
async function openContainer({ blobs, clientId }: BlobService, container: string): Promise<ContainerClient> {
  const sdk = await import('@azure/storage-blob');
  const options = { retryOptions: { maxTries: 1 } };
  const service = blobs.startsWith('https:')
    ? new sdk.BlobServiceClient(blobs, appIdentity(clientId), options)
    : sdk.BlobServiceClient.fromConnectionString(blobs, options);
  return service.getContainerClient(container);
}

async function download(blob: BlockBlobClient, abortSignal: AbortSignal): Promise<Buffer> {
  const { readableStreamBody } = await blob.download(0, undefined, { abortSignal, maxRetryRequests: 0 });
  const chunks: Buffer[] = [];
  for await (const chunk of readableStreamBody!) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function listPage(
  client: ContainerClient,
  v: { prefix: string; limit: number; marker?: string | undefined; signal: AbortSignal },
): Promise<BlobPage> {
  const pages = client
    .listBlobsFlat({ prefix: v.prefix, includeMetadata: true, abortSignal: v.signal })
    .byPage({ maxPageSize: v.limit, ...(v.marker ? { continuationToken: v.marker } : {}) });
  const { value } = await pages.next();
  const items = (value?.segment.blobItems ?? []).map(({ name, metadata }: { name: string; metadata?: object }) => {
    const note = (metadata as Record<string, string> | undefined)?.['note'];
    return note === undefined ? { name } : { name, note };
  });
  return { items, ...(value?.continuationToken ? { next: value.continuationToken } : {}) };
}

async function upload(
  blob: BlockBlobClient,
  data: Buffer,
  abortSignal: AbortSignal,
  { note, once }: { note?: string | undefined; once?: boolean } = {},
): Promise<void> {
  const conditions = once ? { ifNoneMatch: '*' } : {};
  const metadata: Record<string, string> = note === undefined ? {} : { note };
  const blobHTTPHeaders = { blobContentType: 'application/octet-stream' };
  await blob.upload(data, data.length, { abortSignal, conditions, metadata, blobHTTPHeaders });
}
