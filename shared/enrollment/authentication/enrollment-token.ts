import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import { EnrollmentRefusal } from '../refusal.ts';

/**
 * What our sign-in page gives to Windows as `wresult`, and Windows brings back with its request for a certificate (MS-MDE2
 * 3.2, 3.3): who signed in, by what right, and what the deep link said of the device. It is a JWT (RFC 7519) signed with a
 * key of the enroll app that signs nothing else, of a type and for an audience of its own, so that it opens nothing else
 * and nothing else passes for it. A JWT has unreserved characters only, which matters: Windows does not decode `wresult`.
 */

/** The calls that follow come within seconds; a person who has to start Settings again may take longer. */
export const TOKEN_VALID_MINUTES = 30;
const TYPE = 'lanyard-enrollment+jwt';
const AUDIENCE = 'lanyard:enrollment';

const claimsSchema = z.object({
  /** Who enrolls. */
  sub: z.string().min(1).max(320),
  /** The invitation by which he signed in. */
  invitation: z.string().min(1).max(100).optional(),
  /** The object id of the user who signed in with Microsoft Entra. */
  oid: z.string().min(1).max(100).optional(),
  ownership: z.enum(['unknown', 'personal', 'corporate']).optional(),
  device: z.string().min(1).max(100).optional(),
  tenant: z.string().min(1).max(200).optional(),
});

/** What a token says. */
export type EnrollmentClaims = z.output<typeof claimsSchema>;

/** @param appKey the enroll app's own key @returns the token, some 300 unreserved characters */
export async function writeEnrollmentToken(appKey: Buffer, claims: EnrollmentClaims, now: Date): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1_000);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: TYPE })
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + TOKEN_VALID_MINUTES * 60)
    .sign(keyFrom(appKey));
}

/**
 * Reads a token that `writeEnrollmentToken` wrote.
 * @throws {EnrollmentRefusal} `expiredToken` after its 30 minutes, `badToken` for everything else that is not such a token
 */
export async function readEnrollmentToken(appKey: Buffer, token: string, now: Date): Promise<EnrollmentClaims> {
  try {
    const options = { typ: TYPE, audience: AUDIENCE, algorithms: ['HS256'], currentDate: now };
    const { payload } = await jwtVerify(token, keyFrom(appKey), { ...options, requiredClaims: ['exp', 'iat'] });
    return claimsSchema.parse(payload);
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw new EnrollmentRefusal('expiredToken', `The sign-in is older than ${TOKEN_VALID_MINUTES} minutes.`);
    }
    // Their words say what did not fit and hold nothing of the token.
    const why = error instanceof errors.JOSEError ? error.code : 'its content is not what this server writes';
    throw new EnrollmentRefusal('badToken', `The token of the sign-in page is not good: ${why}.`);
  }
}

/** Whom a token names that nobody has checked; undefined where it cannot be read. */
export function userClaimedBy(token: string): string | undefined {
  try {
    return claimsSchema.shape.sub.safeParse(decodeJwt(token).sub).data;
  } catch {
    return undefined;
  }
}

/** Whether a text says of itself that it is such a token, true or not. */
export function looksLikeEnrollmentToken(text: string): boolean {
  try {
    return decodeProtectedHeader(text).typ === TYPE;
  } catch {
    return false;
  }
}

function keyFrom(appKey: Buffer): Uint8Array {
  return createHmac('sha256', appKey).update('enrollment token').digest();
}
