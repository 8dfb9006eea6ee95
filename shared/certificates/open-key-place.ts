import type { TokenCredential } from '@azure/identity';
import { keyFolderOf } from './certificate-authority.ts';
import type { KeyPlace } from './key-place.ts';

/**
 * Opens the place of the CA keys that the setting LANYARD_CA names, for making them: the admin app's part.
 *
 * @param setting `files:<folder>` or the address of a vault
 */
export async function openKeyPlace(setting: string, credential: TokenCredential): Promise<KeyPlace> {
  const folder = keyFolderOf(setting);
  if (folder !== undefined) return (await import('./file-key-place.ts')).openFileKeyPlace(folder);
  return (await import('./key-vault.ts')).openKeyVault({ url: setting, credential });
}
