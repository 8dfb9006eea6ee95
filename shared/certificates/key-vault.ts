import { createPublicKey, randomBytes } from 'node:crypto';
import { CertificateClient, type CertificateOperation } from '@azure/keyvault-certificates';
import { KeyClient } from '@azure/keyvault-keys';
import { CA_NAMES } from './ca-certificates.ts';
import { CertificateAuthorityError } from './certificate-authority-error.ts';
import { type CaCertificate, type CaKind, type KeyPlace, KeyPlaceMoved, type PendingKey } from './key-place.ts';
import { type VaultAccess, vaultSigner } from './key-vault-signer.ts';
import { readSigningRequest } from './signing-request.ts';
import { ADMIN_PATIENCE, callVault, VaultRefused } from './vault-call.ts';

/**
 * The names under which the certificate authority lies in the vault, one for each kind and a version for each generation:
 * a role assignment for the issuing key stays right when it is followed by another.
 */
export const VAULT_NAMES: Record<CaKind, string> = { root: 'lanyard-device-root', issuing: 'lanyard-issuing-ca' };

const KEY_BITS = 3072;

/**
 * The keys of the certificate authority in Azure Key Vault, as certificates with the issuer `Unknown`: the vault makes the
 * key, which cannot be exported, and a signing request; we have that signed and merge the certificate. So the CA shows in the
 * portal with its end, and an outside root can sign it as well as our own.
 *
 * Needs the rights to create, read, list and update certificates, to read keys and to sign: those of the admin app.
 *
 * @see https://learn.microsoft.com/azure/key-vault/certificates/create-certificate-scenarios
 */
export function openKeyVault(access: VaultAccess): KeyPlace {
  const options = { retryOptions: { maxRetries: 0 } };
  const vault: Vault = {
    patience: access.patience ?? ADMIN_PATIENCE,
    certificates: new CertificateClient(access.url, access.credential, options),
    keys: new KeyClient(access.url, access.credential, options),
  };
  const sign = vaultSigner({ ...access, patience: vault.patience });
  return {
    certificates: (kind) => finished(vault, VAULT_NAMES[kind]),
    pending: (kind) => pendingKey(vault, VAULT_NAMES[kind]),
    begin: (kind) => begin(vault, kind),
    complete: (kind, _pending, chain) => merge(vault, VAULT_NAMES[kind], chain),
    cancel: (kind) => cancel(vault, VAULT_NAMES[kind]),
    sign,
  };
}

interface Vault {
  certificates: CertificateClient;
  keys: KeyClient;
  patience: NonNullable<VaultAccess['patience']>;
}

async function finished({ certificates, patience }: Vault, name: string): Promise<CaCertificate[]> {
  const versions = await missingAs([], () =>
    callVault(`list ${name}`, patience, async (abortSignal) => {
      const found = [];
      for await (const each of certificates.listPropertiesOfCertificateVersions(name, { abortSignal }))
        found.push(each);
      return found;
    }),
  );
  // A version without thumbprint waits for its certificate; a disabled one was retired by an administrator.
  const good = versions.filter(({ enabled, x509Thumbprint }) => enabled !== false && x509Thumbprint !== undefined);
  const time = (date: Date | undefined) => date?.getTime() ?? 0;
  good.sort((a, b) => time(a.createdOn) - time(b.createdOn) || (a.version ?? '').localeCompare(b.version ?? ''));
  const read = [];
  for (const { version } of good) {
    const { cer, keyId } = await callVault(`read ${name}`, patience, (abortSignal) =>
      certificates.getCertificateVersion(name, version!, { abortSignal }),
    );
    if (cer && keyId) read.push({ certificate: Buffer.from(cer), key: keyId });
  }
  return read;
}

async function pendingKey(vault: Vault, name: string): Promise<PendingKey | undefined> {
  const operation = await missingAs(undefined, () =>
    callVault(`read the request of ${name}`, vault.patience, async (abortSignal) => {
      const poller = await vault.certificates.getCertificateOperation(name, { abortSignal });
      return poller.getOperationState().certificateOperation;
    }),
  );
  if (operation?.status === 'inProgress') return readPending(vault, name, operation);
  // One that failed or was cancelled is overwritten by the next.
  return undefined;
}

async function begin(vault: Vault, kind: CaKind): Promise<PendingKey> {
  const name = VAULT_NAMES[kind];
  try {
    await callVault(`create ${name}`, vault.patience, (abortSignal) =>
      vault.certificates.beginCreateCertificate(name, policyOf(kind), { abortSignal }),
    );
  } catch (error) {
    if (!isStatus(error, 409) || error.code === 'ObjectIsDeletedButRecoverable') throw error;
    // Somebody else's request is waiting, or ours whose answer was lost: it does for both.
  }
  const pending = await pendingKey(vault, name);
  if (pending) return pending;
  throw new KeyPlaceMoved(`the request of ${name} was finished by somebody else`);
}

/** The random part tells the CAs of two deployments apart in a certificate store. No renewal by the vault: it would be a CA that no device knows. */
function policyOf(kind: CaKind) {
  return {
    issuerName: 'Unknown',
    subject: `CN=${CA_NAMES[kind]} ${randomBytes(4).toString('hex').toUpperCase()}`,
    keyType: 'RSA' as const,
    keySize: KEY_BITS,
    exportable: false,
    reuseKey: false,
    keyUsage: ['keyCertSign' as const, 'cRLSign' as const],
    enhancedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    lifetimeActions: [],
  };
}

/** The operation does not say which version of the key it is for: the newest, which is compared. */
async function readPending(
  { keys, patience }: Vault,
  name: string,
  { csr }: CertificateOperation,
): Promise<PendingKey> {
  if (!csr) throw new CertificateAuthorityError(`Key Vault has a request of ${name} without a signing request.`);
  const signingRequest = Buffer.from(csr);
  const { subjectPublicKeyInfo } = readSigningRequest(signingRequest);
  const { id, key } = await callVault(`read the key of ${name}`, patience, (abortSignal) =>
    keys.getKey(name, { abortSignal }),
  );
  const base64url = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64url');
  const jwk = { kty: 'RSA', n: base64url(key?.n), e: base64url(key?.e) };
  const found = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
  if (!id || !found.equals(subjectPublicKeyInfo)) {
    throw new KeyPlaceMoved(`the newest key of ${name} is not the one of its signing request`);
  }
  return { signingRequest, key: id };
}

async function merge({ certificates, patience }: Vault, name: string, chain: Buffer[]): Promise<void> {
  try {
    await callVault(`merge ${name}`, patience, (abortSignal) =>
      certificates.mergeCertificate(name, chain, { abortSignal }),
    );
  } catch (error) {
    // The request is gone or done, or is about another key: somebody else was faster, or an answer of ours was lost.
    if (isStatus(error, 400, 404, 409)) throw new KeyPlaceMoved(error.message, { cause: error });
    throw error;
  }
}

async function cancel({ certificates, patience }: Vault, name: string): Promise<void> {
  await missingAs(undefined, async () => {
    await callVault(`give up the request of ${name}`, patience, (abortSignal) =>
      certificates.deleteCertificateOperation(name, { abortSignal }),
    );
  });
}

async function missingAs<T>(value: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isStatus(error, 404)) return value;
    throw error;
  }
}

function isStatus(error: unknown, ...statuses: number[]): error is VaultRefused {
  return error instanceof VaultRefused && statuses.includes(error.status);
}
