import { afterAll, beforeAll, vi } from 'vitest';
import { type RunningVault, startVault, type VaultOptions } from './vault.ts';

/** A vault before the tests of a file, which apps of the same process reach with their managed identity; stopped after them. */
export function useVault(options: VaultOptions = {}): () => RunningVault {
  let vault: RunningVault | undefined;
  beforeAll(async () => {
    vault = await startVault({ keyBits: 2048, ...options });
    vi.stubEnv('IDENTITY_ENDPOINT', vault.identityEndpoint);
    vi.stubEnv('IDENTITY_HEADER', 'header');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await vault?.stop();
  });
  return () => vault!;
}
