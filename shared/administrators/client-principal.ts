import * as z from 'zod';
import type { Role } from './roles.ts';

/** An administrator whom the platform has signed in with Microsoft Entra. */
export interface Administrator {
  /** As the audit shows it: the user's name in the directory, or the application's id. */
  name: string;
  roles: Role[];
}

const claims = z.object({
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(1_000),
  role_typ: z.string().optional(),
});

/** Names of the claims as the token has them and as the platform maps them (Microsoft Learn, "Work with user identities"). */
const ROLE_CLAIMS = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];
const NAME_CLAIMS = [
  'preferred_username',
  'upn',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn',
  'unique_name',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
  'appid',
  'azp',
];
const ROLES: readonly string[] = ['Reader', 'Operator', 'Approver'] satisfies Role[];

const MAX_HEADER = 64 * 1024;
const MAX_NAME = 200;

/**
 * Reads `X-MS-CLIENT-PRINCIPAL`, which App Service Authentication sets and takes away from callers: base64 of a JSON object
 * with the claims of the token. Whether the platform's sign-in is on at all is not told by it; the caller has to know.
 * @returns undefined for what cannot be read or names nobody
 */
export function readClientPrincipal(header: string | null): Administrator | undefined {
  if (!header || header.length > MAX_HEADER) return undefined;
  const parsed = claims.safeParse(jsonOf(Buffer.from(header, 'base64').toString('utf8')));
  if (!parsed.success) return undefined;
  const { claims: list, role_typ: roleType } = parsed.data;
  const name = NAME_CLAIMS.flatMap((type) => list.filter(({ typ }) => typ === type))[0]?.val.trim();
  if (!name) return undefined;
  const roleClaims = roleType ? [...ROLE_CLAIMS, roleType] : ROLE_CLAIMS;
  const held = list.filter(({ typ }) => roleClaims.includes(typ)).map(({ val }) => val);
  return { name: name.slice(0, MAX_NAME), roles: ROLES.filter((role) => held.includes(role)) as Role[] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
