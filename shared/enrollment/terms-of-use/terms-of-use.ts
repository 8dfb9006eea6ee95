import { createHmac } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import type { TermsOfUse } from '../../catalogue/policy-terms-of-use.ts';
import type { Acceptance } from '../../devices/device.ts';
import { now } from '../../platform/clock.ts';
import type { EntraUser } from '../authentication/entra-token.ts';
import { EnrollmentRefusal } from '../refusal.ts';

/**
 * The proof that a user accepted the terms of use: the OpaqueBlob that our page gives to Microsoft Entra, and that Windows
 * brings back unchanged as the ContextItem EnrollmentData (Learn, "Microsoft Entra integration with MDM"). A JWT signed with
 * a key of the enroll app that signs nothing else, bound to the user who accepted.
 */

/** Between the page and the request for a certificate lie minutes; a PC that is set up may wait for its owner. */
const BLOB_VALID_HOURS = 24;
const TYPE = 'lanyard-terms+jwt';
const AUDIENCE = 'lanyard:terms-of-use';

const claimsSchema = z.object({ sub: z.string(), version: z.string(), iat: z.int() });

/** @returns the OpaqueBlob, some 250 unreserved characters */
export async function writeOpaqueBlob(appKey: Buffer, user: EntraUser, version: string, at: Date): Promise<string> {
  const issuedAt = Math.floor(at.getTime() / 1_000);
  return new SignJWT({ version })
    .setProtectedHeader({ alg: 'HS256', typ: TYPE })
    .setSubject(subjectOf(user))
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + BLOB_VALID_HOURS * 3_600)
    .sign(keyFrom(appKey));
}

/**
 * Reads what a device brought back. Where the terms are not required, what is no proof counts as none: EnrollmentData is
 * also used for other things.
 *
 * @param v.blob the value of EnrollmentData
 * @returns what the user accepted; undefined where there are no terms, or no proof and none needed
 * @throws {EnrollmentRefusal} `termsNotAccepted` where the present terms are required and the proof is missing, forged,
 *   another user's, older than a day or of another version
 */
export async function checkAcceptance(v: {
  appKey(): Promise<Buffer>;
  terms: TermsOfUse;
  blob: string | undefined;
  entraUser: EntraUser;
}): Promise<Acceptance | undefined> {
  const { terms, blob, entraUser } = v;
  if (terms.text === '') return undefined;
  const read = blob ? await readOpaqueBlob(await v.appKey(), blob, entraUser) : 'the device brought none';
  if (typeof read !== 'string' && (read.version === terms.version || !terms.required)) return read;
  if (!terms.required) return undefined;
  const why = typeof read === 'string' ? read : `version ${read.version} was accepted`;
  throw new EnrollmentRefusal('termsNotAccepted', `No proof that version ${terms.version} was accepted: ${why}.`);
}

async function readOpaqueBlob(appKey: Buffer, blob: string, user: EntraUser): Promise<Acceptance | string> {
  try {
    const options = { typ: TYPE, audience: AUDIENCE, algorithms: ['HS256'], currentDate: now() };
    const { payload } = await jwtVerify(blob, keyFrom(appKey), { ...options, requiredClaims: ['exp', 'iat', 'sub'] });
    const { sub, version, iat } = claimsSchema.parse(payload);
    if (sub !== subjectOf(user)) return 'it is the proof of another user';
    return { version, acceptedAt: new Date(iat * 1_000).toISOString() };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return `it is older than ${BLOB_VALID_HOURS} hours`;
    return 'it is none that this server gave out';
  }
}

/** The object id stays when a name changes; a token without it is told by the name. */
function subjectOf({ tenantId, objectId, user }: EntraUser): string {
  return `${tenantId}/${objectId ?? user.toLowerCase()}`;
}

function keyFrom(appKey: Buffer): Uint8Array {
  return createHmac('sha256', appKey).update('terms of use').digest();
}
