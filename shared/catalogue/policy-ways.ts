import * as z from 'zod';

/**
 * How a person may prove himself, as Discovery names it (MS-MDE2 3.1.4.1.2.1): user and invitation secret, our sign-in
 * page, or a certificate. Tokens of Microsoft Entra are another matter: they are good where a tenant is set.
 */
export const WAYS = ['OnPremise', 'Federated', 'Certificate'] as const;
export type Way = (typeof WAYS)[number];

/** In the administrator's order: the first that a device offers too is its way in. */
export const waysSchema = z
  .array(z.enum(WAYS))
  .min(1)
  .refine((ways) => new Set(ways).size === ways.length, 'names a way twice')
  .default(['OnPremise', 'Federated']);
