import * as z from 'zod';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function guid(what: string) {
  return z
    .string()
    .trim()
    .toLowerCase()
    .refine((text) => text === '' || GUID.test(text), `must be the GUID of the ${what}, not its name`)
    .default('');
}

/** The sign-in page: how it looks, and the app registration with which people sign in with Microsoft Entra there. */
export const signInSchema = z
  .strictObject({
    colour: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^#[0-9a-f]{6}$/, 'must be a colour such as #1f5fa8')
      .default('#1f5fa8'),
    /** Both or neither: without them the page offers invitations alone. */
    entra: z
      .strictObject({ tenantId: guid('tenant'), clientId: guid('application (client) id') })
      .refine(
        ({ tenantId, clientId }) => (tenantId === '') === (clientId === ''),
        'needs tenantId and clientId, or neither',
      )
      .prefault({}),
  })
  .prefault({});
