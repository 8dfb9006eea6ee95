import { createHmac } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import * as z from 'zod';

/**
 * What a sign-in with Microsoft Entra needs again when the person comes back, kept in a cookie of the web view and nowhere
 * else: encrypted (RFC 7516) with a key of the enroll app, for fifteen minutes. Because the answer of Entra counts only
 * together with the cookie of the same sign-in, nobody can have another person's web view finish a sign-in of his own.
 *
 * The person comes back by a link from another site, so the cookie is SameSite=Lax; Strict would not be sent.
 */

/** Bound to this host, to https and to no path (RFC 6265bis 4.1.3.2). */
export const STATE_COOKIE = '__Host-lanyard-sign-in';
export const STATE_VALID_MINUTES = 15;

const TYPE = 'lanyard-sign-in+jwt';
const AUDIENCE = 'lanyard:sign-in';

const stateSchema = z.object({
  state: z.string().min(20),
  nonce: z.string().min(20),
  verifier: z.string().min(43),
  /** The parameters of the page, as a query. */
  request: z.string().max(2_000),
});

/** The secrets of one sign-in (OpenID Connect Core 3.1.2.1, RFC 7636), and what Windows asked for. */
export type SignInState = z.output<typeof stateSchema>;

export async function sealState(appKey: Buffer, state: SignInState, now: Date): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1_000);
  return new EncryptJWT({ ...state })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: TYPE })
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + STATE_VALID_MINUTES * 60)
    .encrypt(keyFrom(appKey));
}

/** @returns undefined for a cookie that is missing, not ours, or too old */
export async function openState(
  appKey: Buffer,
  sealed: string | undefined,
  now: Date,
): Promise<SignInState | undefined> {
  if (!sealed) return undefined;
  try {
    const { payload } = await jwtDecrypt(sealed, keyFrom(appKey), {
      typ: TYPE,
      audience: AUDIENCE,
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      requiredClaims: ['exp'],
      currentDate: now,
    });
    return stateSchema.safeParse(payload).data;
  } catch {
    return undefined;
  }
}

/** @param header the request's `Cookie` @returns the sealed state in it */
export function stateCookieOf(header: string | null): string | undefined {
  const pairs = (header ?? '').slice(0, 16_384).split(/[;,]/);
  const own = pairs.find((pair) => pair.trim().startsWith(`${STATE_COOKIE}=`));
  return own?.trim().slice(STATE_COOKIE.length + 1) || undefined;
}

function keyFrom(appKey: Buffer): Uint8Array {
  return createHmac('sha256', appKey).update('sign-in state').digest();
}
