import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { EntraPolicy } from '../../catalogue/policy-entra.ts';
import { EnrollmentRefusal } from '../refusal.ts';

/**
 * Tokens of Microsoft Entra: what Windows brings when a PC joins the tenant or somebody adds a work account (Learn,
 * "Microsoft Entra integration with MDM"). A token is believed for its signature by a key of the configured tenant and
 * for nothing else: an MDM server that only decoded it let anybody enroll (CVE-2026-23518).
 */

/** Whom a token speaks of. */
export interface EntraUser {
  /** The user's principal name. */
  user: string;
  tenantId: string;
  /** Object id of the user in the tenant. */
  objectId?: string;
  /** The device's id in the tenant; a PC that is only about to join has none. */
  deviceId?: string;
}

/** Tokens of Entra have some 2 KB; groups can make them larger. */
const MAX_TOKEN = 16 * 1024;
/** How far the clocks of Entra and of this server may be apart, in seconds. */
const CLOCK_TOLERANCE = 120;
const KEYS_TIMEOUT_MS = 4_000;
/** A token with an unknown key makes us look for new keys, and strangers must not make us do so all the time. */
const KEYS_COOLDOWN_MS = 30_000;
const KEYS_KEPT_MS = 10 * 60_000;
/** The scope of a token that Windows asks for to enroll. */
const MDM_SCOPE = 'mdm_delegation';
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What can stand in a provisioning document, and names one user of one domain. */
const PRINCIPAL_NAME = /^[^@\s\p{C}]{1,256}@[^@\s\p{C}]{1,255}$/u;

const PUBLIC_AUTHORITY = 'https://login.microsoftonline.com';
let authority = PUBLIC_AUTHORITY;

/** Where people sign in and tokens come from: `https://login.microsoftonline.com`. */
export function entraAuthority(): string {
  return authority;
}

/** Puts another issuer in the place of Microsoft Entra; `undefined` puts Entra back. For tests only. */
export function setEntraAuthority(url: string | undefined): void {
  authority = url ?? PUBLIC_AUTHORITY;
}

/**
 * Checks a token: RS256, signed by a key of the tenant, in date, of the tenant, for this server, for the purpose of MDM.
 *
 * @param token the JWT (RFC 7519), versions 1.0 and 2.0 of Entra
 * @param entra whose tokens are good; without a tenant none is
 * @throws {EnrollmentRefusal} `badEntraToken`, whose reason says what did not fit and holds nothing of the token;
 *   `entraUnreachable` when the tenant's keys cannot be read
 */
export async function verifyEntraToken(token: string, entra: EntraPolicy, now: Date): Promise<EntraUser> {
  const { tenantId } = entra;
  if (tenantId === '') throw refused('no tenant is set in entra.tenantId');
  if (token.length > MAX_TOKEN) throw refused(`it has ${token.length} characters; ${MAX_TOKEN} are read`);
  const payload = await verifySignature(token, tenantId, now);
  checkAudience(payload, entra.audiences);
  if (text(payload, 'tid')?.toLowerCase() !== tenantId) throw refused('it is of another tenant');
  const scope = payload['scp'];
  if (scope !== undefined && !String(scope).split(' ').includes(MDM_SCOPE)) throw refused('its scope is another');
  return userOf(payload, tenantId);
}

/** Whom a token names that nobody has checked; undefined where it cannot be read or names none. For the journal alone. */
export function userClaimedByEntra(token: string): string | undefined {
  if (token.length > MAX_TOKEN) return undefined;
  try {
    return nameOf(decodeJwt(token));
  } catch {
    return undefined;
  }
}

async function verifySignature(token: string, tenantId: string, now: Date): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keysOf(tenantId), {
      algorithms: ['RS256'],
      issuer: [`https://sts.windows.net/${tenantId}/`, `${authority}/${tenantId}/v2.0`],
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: now,
      requiredClaims: ['exp', 'nbf', 'aud', 'tid'],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refused(wordsFor(error));
    throw error;
  }
}

function wordsFor(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'it has ended';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} does not fit`;
  return `its form, algorithm or signature does not fit (${error.code})`;
}

let known: { url: string; keys: ReturnType<typeof createRemoteJWKSet> } | undefined;

/**
 * The keys of the tenant, kept for ten minutes and read again for a key that is not among them. Where they are read is
 * derived from the tenant that is set: what a token says of its key's place (jku, x5u) or holds (jwk) is not looked at.
 */
function keysOf(tenantId: string): JWTVerifyGetKey {
  const url = `${authority}/${tenantId}/discovery/v2.0/keys`;
  if (known?.url !== url) {
    const options = {
      timeoutDuration: KEYS_TIMEOUT_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
      cacheMaxAge: KEYS_KEPT_MS,
    };
    known = { url, keys: createRemoteJWKSet(new URL(url), options) };
  }
  const { keys } = known;
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      const aboutToken = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
      if (aboutToken || error instanceof errors.JOSENotSupported) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new EnrollmentRefusal('entraUnreachable', `The signing keys of the tenant cannot be read: ${why}`);
    }
  };
}

/** Client id or App ID URI: people copy them with other letter case than Entra writes them. */
function checkAudience({ aud }: JWTPayload, audiences: readonly string[]): void {
  const wanted = new Set(audiences.map((audience) => audience.toLowerCase()));
  if (![aud].flat().some((audience) => typeof audience === 'string' && wanted.has(audience.toLowerCase()))) {
    throw refused('it is for another application than entra.audiences names');
  }
}

/** Tokens of version 1 have `upn` and `unique_name`, those of version 2 `preferred_username`, and `upn` where it is asked for. */
function nameOf(payload: JWTPayload): string | undefined {
  const names = ['upn', 'unique_name', 'preferred_username'].map((claim) => text(payload, claim));
  return names.find((name) => name !== undefined && PRINCIPAL_NAME.test(name));
}

function userOf(payload: JWTPayload, tenantId: string): EntraUser {
  if (payload['idtyp'] === 'app') throw refused('it speaks of an application and of no user');
  const user = nameOf(payload);
  if (user === undefined) throw refused('it names no user');
  if (isGuest(payload, user, tenantId))
    throw refused('it speaks of a guest, whose name is what another directory says');
  const guid = (claim: string) => {
    const value = text(payload, claim);
    return value !== undefined && GUID.test(value) ? value.toLowerCase() : undefined;
  };
  return { user, tenantId, objectId: guid('oid'), deviceId: guid('deviceid') };
}

/** Somebody signed in elsewhere could come under a name that is another person's here (Learn, "ID token claims reference": idp, acct). */
function isGuest({ acct, idp, iss }: JWTPayload, user: string, tenantId: string): boolean {
  const isForeign = idp !== undefined && idp !== iss && idp !== `https://sts.windows.net/${tenantId}/`;
  return isForeign || acct === 1 || user.toUpperCase().includes('#EXT#');
}

function text(payload: JWTPayload, claim: string): string | undefined {
  const value = payload[claim];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function refused(why: string): EnrollmentRefusal {
  return new EnrollmentRefusal('badEntraToken', `The token of Microsoft Entra is not good: ${why}.`);
}
