import type { AuthorityPlace, IssuerRecords } from './authority-administration.ts';

/**
 * Makes device root and issuing CA where there has never been a certificate authority: for a deployment after which nobody
 * calls the admin API. Any number of instances may do so at once. One that has ended is not followed by another here, and
 * where the organisation's own root is wanted nothing is made: both are for an administrator.
 *
 * @param read what the deployment knows of its authorities; with one call of it, nothing else is opened or loaded
 * @param open the place of the keys, opened only where something has to be made
 * @returns the issuing certificate that is known from now on, DER; undefined where nothing had to be made
 * @throws CertificateAuthorityError where the place of the keys refuses or does not answer: the next call goes on from there
 */
export async function makeFirstAuthority(
  read: IssuerRecords['read'],
  open: () => Promise<AuthorityPlace>,
  at: Date,
): Promise<Buffer | undefined> {
  const { authorities, awaitingOwnRoot } = await read();
  if (authorities.length > 0 || awaitingOwnRoot) return undefined;
  const { ensureAuthority } = await import('./authority-administration.ts');
  await ensureAuthority(await open(), at);
  return (await read()).authorities.at(-1)?.certificate;
}
