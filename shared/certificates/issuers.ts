import { X509Certificate } from 'node:crypto';

/** An issuing CA as the admin app made it known: all that the app that enrolls has to know to sign for it. */
export interface PublishedIssuer {
  /** DER */
  certificate: Buffer;
  /** DER; the root above it, which devices get with it */
  root: Buffer;
  /** names the key where it lies, as in `KeyPlace` */
  key: string;
  publishedAt: Date;
}

/**
 * How long after it was made known a new issuing CA waits before it signs: instances that check leaves keep what they read
 * for a minute, and a device must not be refused with the certificate that it has just got.
 */
export const SETTLING_MS = 5 * 60_000;

/**
 * The issuing CA that signs now: the newest that is in date and that all apps know by now; where none has
 * settled, the oldest at once: there is nothing else.
 *
 * @param issuers oldest first
 */
export function currentIssuer(issuers: PublishedIssuer[], now: Date): PublishedIssuer | undefined {
  const good = issuers.filter(({ certificate, root }) => isInDate(certificate, now) && isInDate(root, now));
  const settled = good.filter(({ publishedAt }) => publishedAt.getTime() + SETTLING_MS <= now.getTime());
  return settled.at(-1) ?? good[0];
}

export function isInDate(certificate: Buffer, now: Date): boolean {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return Date.parse(validFrom) <= now.getTime() && now.getTime() <= Date.parse(validTo);
}
