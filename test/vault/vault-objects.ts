import { constants, generateKeyPair, type KeyObject, privateEncrypt, randomBytes, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import * as der from '../shared/certificates/der.ts';

/** One version of a certificate with the key of the same version, as Key Vault keeps them together. */
export interface Version {
  id: string;
  key: KeyObject;
  publicKey: KeyObject;
  enabled: boolean;
  created: Date;
  /** as it was asked for */
  policy: CertificatePolicy;
  tags: Record<string, string>;
  /** absent until a certificate is merged */
  certificate?: Buffer;
}

export interface Operation {
  requestId: string;
  version: Version;
  status: 'inProgress' | 'completed' | 'cancelled';
  csr: Buffer;
}

/** Everything under one name. */
export interface VaultObject {
  name: string;
  versions: Version[];
  operation?: Operation;
  /** soft-deleted: the name stays taken */
  deleted: boolean;
}

/** An answer of the service that refuses. */
export class VaultRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly inner: string | undefined;

  constructor(status: number, code: string, message: string, inner?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.inner = inner;
  }
}

const notFound = (name: string) =>
  new VaultRefusal(404, 'CertificateNotFound', `A certificate with (name/id) ${name} was not found in this key vault.`);

type Pair = { privateKey: KeyObject; publicKey: KeyObject };
const makePair = promisify(generateKeyPair);

/** Small keys of earlier vaults, since a test waits for each: every vault gets each of them once. */
const pool: Pair[] = [];

/** The state of a vault: what each operation does and refuses, without HTTP. */
export class VaultObjects {
  readonly #objects = new Map<string, VaultObject>();
  readonly #keyBits: number | undefined;
  readonly #purgeProtection: boolean;
  #keysMade = 0;

  constructor(options: { keyBits: number | undefined; purgeProtection: boolean }) {
    this.#keyBits = options.keyBits;
    this.#purgeProtection = options.purgeProtection;
  }

  find(name: string): VaultObject {
    const object = this.#objects.get(name);
    if (!object || object.deleted) throw notFound(name);
    return object;
  }

  version(name: string, id: string): Version {
    const { versions } = this.find(name);
    const found = id === '' ? versions.at(-1) : versions.find((version) => version.id === id);
    if (!found) throw notFound(`${name}/${id}`);
    return found;
  }

  /** A new key with a signing request that waits for its certificate. */
  async create(name: string, policy: CertificatePolicy, tags: Record<string, string>): Promise<Operation> {
    if (policy.issuer?.name !== 'Unknown') {
      throw new VaultRefusal(400, 'BadParameter', 'This vault knows the issuer Unknown only.');
    }
    this.#refuseTaken(name);
    const pair = await this.#makeKey(policy.key_props?.key_size ?? 2048);
    this.#refuseTaken(name); // making a key takes time, and somebody else may have been faster
    const subject = policy.x509_props?.subject ?? '';
    const version: Version = {
      id: randomBytes(16).toString('hex'),
      key: pair.privateKey,
      publicKey: pair.publicKey,
      enabled: true,
      created: new Date(),
      policy,
      tags,
    };
    const object = this.#objects.get(name) ?? { name, versions: [], deleted: false };
    const requestId = randomBytes(16).toString('hex');
    object.versions.push(version);
    object.operation = { requestId, version, status: 'inProgress', csr: signingRequest(subject, version) };
    this.#objects.set(name, object);
    return object.operation;
  }

  async #makeKey(wantedBits: number): Promise<Pair> {
    if (this.#keyBits === undefined) return makePair('rsa', { modulusLength: wantedBits });
    const place = this.#keysMade++;
    pool[place] ??= await makePair('rsa', { modulusLength: this.#keyBits });
    return pool[place];
  }

  #refuseTaken(name: string): void {
    const object = this.#objects.get(name);
    if (object?.deleted) {
      throw new VaultRefusal(
        409,
        'Conflict',
        `Certificate ${name} is currently in a deleted but recoverable state, and its name cannot be reused.`,
        'ObjectIsDeletedButRecoverable',
      );
    }
    if (object?.operation?.status === 'inProgress') {
      throw new VaultRefusal(
        409,
        'Conflict',
        "A new key vault certificate can not be created or imported while a pending key vault certificate's status is inProgress.",
      );
    }
  }

  operation(name: string): Operation {
    const { operation } = this.find(name);
    if (!operation) throw new VaultRefusal(404, 'PendingCertificateNotFound', `Pending certificate not found: ${name}`);
    return operation;
  }

  /** Forgets a request, and the version that never got a certificate with it. */
  deleteOperation(name: string): Operation {
    const operation = this.operation(name);
    const object = this.find(name);
    delete object.operation;
    if (!operation.version.certificate) {
      object.versions = object.versions.filter((version) => version !== operation.version);
    }
    return operation;
  }

  merge(name: string, chain: Buffer[]): Version {
    const operation = this.operation(name);
    if (operation.status !== 'inProgress') {
      throw new VaultRefusal(409, 'Conflict', `The pending certificate is ${operation.status}.`);
    }
    const [leaf] = chain;
    const certificate = leaf && readCertificate(leaf);
    if (!certificate?.publicKey.equals(operation.version.publicKey)) {
      const message =
        'The public key of the end-entity certificate in the specified X.509 certificate content does not match the public key of the specified private key.';
      throw new VaultRefusal(400, 'BadParameter', message);
    }
    operation.version.certificate = leaf!;
    operation.status = 'completed';
    return operation.version;
  }

  /** RS256 over a digest (RFC 7518 section 3.3): the padding of PKCS#1 v1.5 with the name of SHA-256, around the digest as it came. */
  sign(name: string, id: string, algorithm: string, digest: Buffer): Buffer {
    const version = this.version(name, id);
    if (!version.enabled) {
      throw new VaultRefusal(403, 'Forbidden', 'Operation sign is not allowed on a disabled key.', 'KeyDisabled');
    }
    if (algorithm !== 'RS256') throw new VaultRefusal(400, 'BadParameter', `Algorithm ${algorithm} is not served.`);
    if (digest.length !== 32) {
      throw new VaultRefusal(
        400,
        'BadParameter',
        `Invalid length of 'value': ${digest.length} bytes. RS256 requires 32.`,
      );
    }
    const digestInfo = der.sequence(
      der.sequence(der.objectIdentifier('2.16.840.1.101.3.4.2.1'), der.nothing()),
      der.octetString(digest),
    );
    return privateEncrypt({ key: version.key, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
  }

  softDelete(name: string): VaultObject {
    const object = this.find(name);
    object.deleted = true;
    return object;
  }

  recover(name: string): VaultObject {
    const object = this.#deleted(name);
    object.deleted = false;
    return object;
  }

  purge(name: string): void {
    this.#deleted(name);
    if (this.#purgeProtection) {
      throw new VaultRefusal(403, 'Forbidden', 'Operation purge is not enabled for this vault.', 'ForbiddenByPolicy');
    }
    this.#objects.delete(name);
  }

  #deleted(name: string): VaultObject {
    const object = this.#objects.get(name);
    if (!object?.deleted) throw notFound(name);
    return object;
  }
}

export interface CertificatePolicy {
  key_props?: { kty?: string; key_size?: number; exportable?: boolean; reuse_key?: boolean };
  x509_props?: { subject?: string; ekus?: string[]; key_usage?: string[] };
  lifetime_actions?: unknown[];
  issuer?: { name?: string };
}

function readCertificate(bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch {
    throw new VaultRefusal(400, 'BadParameter', 'The specified X.509 certificate content can not be read.');
  }
}

/** PKCS#10 (RFC 2986) for a subject of one common name. */
function signingRequest(subject: string, { key, publicKey }: Version): Buffer {
  const name = /^CN=([^,]+)$/i.exec(subject)?.[1];
  if (!name) throw new VaultRefusal(400, 'BadParameter', `The subject ${subject} is not of the form CN=name.`);
  const info = der.sequence(
    der.integer(0),
    der.sequence(der.commonName(der.utf8String(name))),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.tlv(0xa0),
  );
  return der.signed(info, key);
}
