import type { Invitation } from './invitations.ts';

/** The page of an invitation at the enroll app. */
export const JOIN_PATH = '/join';

/**
 * What the page of an invitation needs, as it stands behind the `#` of its address, which a browser keeps to itself. The
 * page reads it with a script of its own and takes nothing on trust: anybody can write such an address.
 */
export interface JoinToken {
  user: string;
  secret: string;
  /** Origin of the enroll app; the page takes no other than its own. */
  server: string;
  /** ISO 8601. */
  expires: string;
  organisation: string;
  /** Further parameters of the deep link. */
  ownership?: Invitation['ownership'];
  deviceIdentifier?: string;
  tenantIdentifier?: string;
  /** The setting `invitations.secretInLink`. */
  secretInLink?: boolean;
}

/** The address of an invitation's page: `<enroll app>/join#<base64url of the token as JSON>`. */
export function joinAddress(token: JoinToken): string {
  return `${token.server}${JOIN_PATH}#${Buffer.from(JSON.stringify(token), 'utf8').toString('base64url')}`;
}
