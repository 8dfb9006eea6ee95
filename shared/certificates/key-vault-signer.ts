// What the enroll app loads of Key Vault: signing and nothing else, so that it needs no other right.
import { createHash } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { CryptographyClient } from '@azure/keyvault-keys';
import { CertificateAuthorityError } from './certificate-authority-error.ts';
import type { Sign } from './certificate-builder.ts';
import { callVault, SIGN_PATIENCE, type VaultPatience } from './vault-call.ts';

/** A vault and who opens it. */
export interface VaultAccess {
  /** address of the vault, such as `https://contoso.vault.azure.net` */
  url: string;
  credential: TokenCredential;
  patience?: VaultPatience;
}

/**
 * Gives the signers of a vault's keys. A signature is one call; before the first one the SDK asks once without token to
 * learn where to get one. The key is not read: what has to be known of it is its id.
 *
 * @returns a function from the id of a key's version to its signer, which gives RS256 (RFC 7518 section 3.3: RSASSA-PKCS1-v1_5
 *   with SHA-256) over the bytes it gets, of which the vault sees the digest alone
 * @throws CertificateAuthorityError where the key is not one of this vault; the signer throws it where the vault refuses or
 *   does not answer in time
 */
export function vaultSigner({ url, credential, patience = SIGN_PATIENCE }: VaultAccess): (key: string) => Sign {
  const clients = new Map<string, CryptographyClient>();
  const { origin } = new URL(url);
  return (key) => {
    const name = keyName(origin, key);
    const client = clients.get(key) ?? openKey(key, name, credential);
    clients.set(key, client);
    return async (tbs) => {
      const digest = createHash('sha256').update(tbs).digest();
      const { result } = await callVault(`sign with ${name}`, patience, (abortSignal) =>
        client.sign('RS256', digest, { abortSignal }),
      );
      return Buffer.from(result);
    };
  };
}

/** The id comes from storage: a token for the vault must not go anywhere else. */
function keyName(origin: string, key: string): string {
  const match = URL.canParse(key) ? /^\/keys\/([A-Za-z0-9-]+)\/[A-Za-z0-9]+$/.exec(new URL(key).pathname) : null;
  if (!match || new URL(key).origin !== origin) {
    throw new CertificateAuthorityError(
      `The key '${key}' is not a key of ${origin}. If the vault was changed: POST /api/certificate-authority, then roll over.`,
    );
  }
  return match[1]!;
}

/** With a key object in place of its id the client does not fetch the key first. */
function openKey(id: string, name: string, credential: TokenCredential): CryptographyClient {
  const version = id.slice(id.lastIndexOf('/') + 1);
  const properties = { id, name, version, vaultUrl: new URL(id).origin };
  const key = { id, name, key: { kid: id, kty: 'RSA' as const }, keyType: 'RSA' as const, properties };
  return new CryptographyClient({ ...key, keyOperations: ['sign'] }, credential, { retryOptions: { maxRetries: 0 } });
}
