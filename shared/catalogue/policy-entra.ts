import * as z from 'zod';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The tenant of Microsoft Entra whose users may enroll by its tokens. */
export const entraSchema = z
  .strictObject({
    /** Without one no token of Entra is good. */
    tenantId: z
      .string()
      .trim()
      .toLowerCase()
      .refine((text) => text === '' || GUID.test(text), 'must be the GUID of the tenant, not its name')
      .default(''),
    /** What a token must be made for: the application's client id (tokens of version 2) and its App ID URI (version 1). */
    audiences: z.array(z.string().trim().min(1).max(400)).max(10).default([]),
  })
  .refine(({ tenantId, audiences }) => tenantId === '' || audiences.length > 0, {
    path: ['audiences'],
    message: "must name the application's client id or App ID URI where a tenant is set",
  })
  .prefault({});

export type EntraPolicy = z.output<typeof entraSchema>;
