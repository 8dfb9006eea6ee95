import { createHmac } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import type { EntraUser } from '../authentication/entra-token.ts';

/**
 * What the page of the terms of use needs again when its form comes back: who is reading, what, and where to send the
 * answer. The token of Microsoft Entra that proved it came in a header, which a form cannot send; it is not kept. So the
 * page carries this in its place: a JWT (RFC 7519) of a key and for an audience of its own, for half an hour of reading.
 */
export const FORM_VALID_MINUTES = 30;
const TYPE = 'lanyard-terms-form+jwt';
const AUDIENCE = 'lanyard:terms-form';

const formSchema = z.object({
  user: z.string(),
  tenantId: z.string(),
  objectId: z.string().optional(),
  version: z.string(),
  redirectUri: z.string(),
});

export interface TermsForm {
  entraUser: EntraUser;
  /** Of the text that the page shows. */
  version: string;
  /** Where Windows waits for the answer. */
  redirectUri: string;
}

export async function writeTermsForm(appKey: Buffer, form: TermsForm, now: Date): Promise<string> {
  const { entraUser, version, redirectUri } = form;
  const { user, tenantId, objectId } = entraUser;
  const issuedAt = Math.floor(now.getTime() / 1_000);
  return new SignJWT({ user, tenantId, objectId, version, redirectUri })
    .setProtectedHeader({ alg: 'HS256', typ: TYPE })
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + FORM_VALID_MINUTES * 60)
    .sign(keyFrom(appKey));
}

/** @returns undefined for what is no such token, or has ended */
export async function readTermsForm(appKey: Buffer, token: string, now: Date): Promise<TermsForm | undefined> {
  try {
    const options = { typ: TYPE, audience: AUDIENCE, algorithms: ['HS256'], currentDate: now, requiredClaims: ['exp'] };
    const { payload } = await jwtVerify(token, keyFrom(appKey), options);
    const { version, redirectUri, ...entraUser } = formSchema.parse(payload);
    return { entraUser, version, redirectUri };
  } catch {
    return undefined;
  }
}

function keyFrom(appKey: Buffer): Uint8Array {
  return createHmac('sha256', appKey).update('terms form').digest();
}
