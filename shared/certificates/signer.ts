import type { TokenCredential } from '@azure/identity';
import { keyFolderOf } from './certificate-authority.ts';
import type { Sign } from './certificate-builder.ts';

/**
 * Opens the keys that the setting LANYARD_CA names, for signing alone. What a vault needs is loaded where there is one.
 *
 * @param setting `files:<folder>` or the address of a vault
 */
export async function openSigner(setting: string, credential: TokenCredential): Promise<(key: string) => Sign> {
  const folder = keyFolderOf(setting);
  if (folder !== undefined) return (await import('./file-key-place.ts')).fileSigner(folder);
  return (await import('./key-vault-signer.ts')).vaultSigner({ url: setting, credential });
}
