import type { Device } from './device.ts';

/** Days before the end of the certificate at which Windows begins to renew, and between its tries (MS-MDE2 2.2.9.1). */
export const RENEW_PERIOD_DAYS = 60;
export const RETRY_INTERVAL_DAYS = 4;

const DAY_MS = 86_400_000;
/** A PC's clock may be ahead of ours, and a renewal that comes two days early does no harm. */
const LENIENCY_MS = 2 * DAY_MS;
/** How long a RenewNow that an administrator sent opens the window: the PC may be away for a while. */
const RENEW_NOW_FOR_MS = 30 * DAY_MS;

const RENEW_NOW = /^\.(?:\/Device)?\/Vendor\/MSFT\/CertificateStore\/My\/WSTEP\/Renew\/RenewNow$/i;

/** @returns whether a command tells the device to renew its certificate now (CertificateStore CSP). */
export function asksForRenewal({ verb, items }: { verb: string; items: readonly { target: string }[] }): boolean {
  return verb === 'Exec' && items.some(({ target }) => RENEW_NOW.test(target));
}

/**
 * @param certificateEnd the end of the certificate that a renewal is signed with
 * @returns whether the enrollment may renew now: near the end of that certificate, or because an administrator asked for it
 *   and it has not been done since
 */
export function mayRenewNow(device: Pick<Device, 'renewals' | 'renewNowAt'>, certificateEnd: Date, now: Date): boolean {
  const windowBegins = certificateEnd.getTime() - RENEW_PERIOD_DAYS * DAY_MS - LENIENCY_MS;
  if (now.getTime() >= windowBegins) return true;
  const { renewNowAt, renewals = [] } = device;
  if (!renewNowAt || now.getTime() - Date.parse(renewNowAt) > RENEW_NOW_FOR_MS) return false;
  return renewals.every(({ at }) => at < renewNowAt);
}
