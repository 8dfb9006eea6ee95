import type { Sign } from '../shared/certificates/certificate-builder.ts';
import { now } from '../shared/platform/clock.ts';
import { appIdentity } from '../shared/storage/credential.ts';
import { useAuthority } from './services.ts';

let opening: Promise<(key: string) => Sign> | undefined;

/**
 * Loaded by the apps that issue. What signs is loaded with the first certificate that is wanted, and kept; which CA signs is
 * read each time, so that a new one is taken up without a restart.
 */
useAuthority(async ({ settings, catalogue }) => {
  const { issuingAuthority } = await import('../shared/certificates/certificate-authority.ts');
  const { authorities } = await catalogue.read();
  opening ??= openSigner(settings.ca).catch((error) => {
    opening = undefined;
    throw error;
  });
  return issuingAuthority(authorities, await opening, now());
});

async function openSigner(setting: string): Promise<(key: string) => Sign> {
  const signer = await import('../shared/certificates/signer.ts');
  return signer.openSigner(setting, appIdentity());
}
