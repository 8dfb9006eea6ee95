import type { BlobServiceClient, UserDelegationKey } from '@azure/storage-blob';
import type { BlobService } from './blobs.ts';
import { answerOf, type Call, type Caller, call, PATIENCE, refused } from './calls.ts';
import { appIdentity } from './credential.ts';

/** How long a signature is good before now, for clocks that are slow. */
const BEFORE_MS = 15 * 60_000;
/** From its start to its end, a user delegation key is good for 7 days at most. */
const UPLOAD_MS = 7 * 24 * 3_600_000;
const READ_MS = 15 * 60_000;

/** A blob that somebody put into a container which was opened to him. */
export interface UploadedBlob {
  container: string;
  name: string;
  /** bytes */
  size: number;
  /** ISO 8601 */
  uploadedAt: string;
}

/** An address that is good for who has it, and a secret for that. */
export interface SignedUrl {
  url: string;
  /** ISO 8601 */
  expiresAt: string;
}

interface Terms {
  startsOn: Date;
  expiresOn: Date;
}

/** A client of the SDK for a container or a blob. */
interface Signs<O> {
  generateSasUrl(options: O): Promise<string>;
  generateUserDelegationSasUrl(options: O, key: UserDelegationKey): Promise<string>;
}

/**
 * Containers into which somebody without an account may write: each is opened by a shared access signature of its own, made
 * with a user delegation key where the app has an identity, and with the account's key where it has a connection string (the
 * emulator). @azure/storage-blob is loaded when it is first needed.
 */
export class UploadContainers {
  readonly #service: BlobService;
  readonly #caller: Caller;
  #opened: Promise<BlobServiceClient> | undefined;

  constructor(service: BlobService, caller: Caller = { patience: PATIENCE }) {
    this.#service = service;
    this.#caller = caller;
  }

  /**
   * Makes the container unless it is there, and signs an address with which blobs may be put into it for nearly 7 days: add and
   * write, no read, no list, no delete.
   *
   * @throws StorageUnavailable, StorageRefused
   */
  async openForUpload(container: string, now: Date): Promise<SignedUrl> {
    const service = await this.#open();
    const client = service.getContainerClient(container);
    await this.#call({ operation: 'createContainer', name: container }, async (abortSignal) => {
      await client.createIfNotExists({ abortSignal });
    });
    const { ContainerSASPermissions } = await import('@azure/storage-blob');
    const startsOn = new Date(now.getTime() - BEFORE_MS);
    const expiresOn = new Date(startsOn.getTime() + UPLOAD_MS);
    const wanted = { permissions: ContainerSASPermissions.parse('aw'), ...(await this.#terms(startsOn, expiresOn)) };
    return { url: await this.#sign(client, wanted), expiresAt: expiresOn.toISOString() };
  }

  /**
   * Signs an address with which one blob may be read for 15 minutes. Browsers save it and show nothing of it, whatever type who
   * wrote it gave it.
   *
   * @throws StorageUnavailable, StorageRefused
   */
  async signForReading({ container, name }: { container: string; name: string }, now: Date): Promise<SignedUrl> {
    const service = await this.#open();
    const { BlobSASPermissions } = await import('@azure/storage-blob');
    const expiresOn = new Date(now.getTime() + READ_MS);
    const wanted = {
      permissions: BlobSASPermissions.parse('r'),
      contentDisposition: 'attachment',
      contentType: 'application/octet-stream',
      ...(await this.#terms(new Date(now.getTime() - BEFORE_MS), expiresOn)),
    };
    const blob = service.getContainerClient(container).getBlobClient(name);
    return { url: await this.#sign(blob, wanted), expiresAt: expiresOn.toISOString() };
  }

  /**
   * What lies in the containers whose names begin with `prefix` and that were made after `since`. One call, and one for each such
   * container; the first 100 blobs of each.
   *
   * @throws StorageUnavailable, StorageRefused
   */
  async list(prefix: string, since: Date): Promise<UploadedBlob[]> {
    const service = await this.#open();
    const containers = await this.#call({ operation: 'listContainers', name: prefix }, async (abortSignal) => {
      const found: string[] = [];
      for await (const { name, properties } of service.listContainers({ prefix, abortSignal })) {
        if (properties.lastModified >= since) found.push(name);
      }
      return found;
    });
    const blobs: UploadedBlob[] = [];
    for (const container of containers) blobs.push(...(await this.#blobsOf(service, container)));
    return blobs;
  }

  async #blobsOf(service: BlobServiceClient, container: string): Promise<UploadedBlob[]> {
    return this.#call({ operation: 'list', name: container }, async (abortSignal) => {
      const pages = service.getContainerClient(container).listBlobsFlat({ abortSignal }).byPage({ maxPageSize: 100 });
      const { value } = await pages.next();
      return (value?.segment.blobItems ?? []).map(
        (blob: { name: string; properties: { contentLength?: number; lastModified: Date } }): UploadedBlob => ({
          container,
          name: blob.name,
          size: blob.properties.contentLength ?? 0,
          uploadedAt: blob.properties.lastModified.toISOString(),
        }),
      );
    });
  }

  /** https alone, but for the emulator on this machine, which speaks http. */
  async #terms(startsOn: Date, expiresOn: Date) {
    const { SASProtocol } = await import('@azure/storage-blob');
    const secure = (await this.#open()).url.startsWith('https:');
    return { startsOn, expiresOn, protocol: secure ? SASProtocol.Https : SASProtocol.HttpsAndHttp };
  }

  async #sign<O extends Terms>(client: Signs<O>, wanted: O): Promise<string> {
    if (!this.#hasIdentity()) return client.generateSasUrl(wanted);
    const service = await this.#open();
    const key = await this.#call({ operation: 'delegationKey', name: '' }, (abortSignal) =>
      service.getUserDelegationKey(wanted.startsOn, wanted.expiresOn, { abortSignal }),
    );
    return client.generateUserDelegationSasUrl(wanted, key);
  }

  #hasIdentity(): boolean {
    return this.#service.blobs.startsWith('https:');
  }

  async #call<T>(what: Omit<Call, 'service'>, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const whole: Call = { service: 'blob', ...what };
    try {
      return await call(this.#caller, whole, send);
    } catch (error) {
      const answer = answerOf(error);
      throw answer ? refused(whole, answer) : error;
    }
  }

  #open(): Promise<BlobServiceClient> {
    this.#opened ??= openService(this.#service).catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }
}

/** The SDK's own retries are off: `call` makes them, and counts each. */
async function openService({ blobs, clientId }: BlobService): Promise<BlobServiceClient> {
  const { BlobServiceClient: Client } = await import('@azure/storage-blob');
  const options = { retryOptions: { maxTries: 1 } };
  return blobs.startsWith('https:')
    ? new Client(blobs, appIdentity(clientId), options)
    : Client.fromConnectionString(blobs, options);
}
