import type { Ownership } from '../../devices/device.ts';

/**
 * What a deep link can carry (Microsoft Learn, "MDM enrollment of Windows devices", connect by a deep link). Windows reads
 * mode, user and server; the others are for the MDM server to use as it sees fit.
 */
export interface DeepLink {
  /** `mdm`: enroll only in device management; `awa`: add a work account; `aadj`: join Microsoft Entra. */
  mode: 'mdm' | 'awa' | 'aadj';
  user?: string;
  /** Address of the enrollment server, with or without the path of discovery. */
  server?: string;
  accessToken?: string;
  deviceIdentifier?: string;
  tenantIdentifier?: string;
  ownership?: Ownership;
}

const OWNERSHIP: Record<Ownership, string> = { unknown: '1', personal: '2', corporate: '3' };

/**
 * The link that opens the enrollment in Windows Settings with what is known filled in. Parameters that are absent are left
 * out. Values are percent-encoded to the last reserved character (RFC 3986 2.2): Settings reads %20, not the plus of a
 * form, and a mail program ends a link at the first quote or bracket.
 */
export function enrollmentDeepLink(link: DeepLink): string {
  const parameters: [string, string | undefined][] = [
    ['mode', link.mode],
    ['username', link.user],
    ['servername', link.server],
    ['accesstoken', link.accessToken],
    ['deviceidentifier', link.deviceIdentifier],
    ['tenantidentifier', link.tenantIdentifier],
    ['ownership', link.ownership && OWNERSHIP[link.ownership]],
  ];
  const query = parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encoded(value)}`]));
  return `ms-device-enrollment:?${query.join('&')}`;
}

function encoded(value: string): string {
  const toHex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(value).replace(/[!'()*]/g, toHex);
}
