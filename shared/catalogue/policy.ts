import * as z from 'zod';
import { certificatesSchema } from './policy-certificates.ts';
import { deviceDefaultsSchema } from './policy-device-defaults.ts';
import { enrollmentSchema } from './policy-enrollment.ts';
import { entraSchema } from './policy-entra.ts';
import { inventorySchema } from './policy-inventory.ts';
import { pushSchema } from './policy-push.ts';
import { signInSchema } from './policy-sign-in.ts';
import { supportSchema } from './policy-support.ts';
import { termsOfUseSchema } from './policy-terms-of-use.ts';
import { writable } from './policy-text.ts';
import { waysSchema } from './policy-ways.ts';

/**
 * What the administrator decides about the whole organisation. Kept in the catalogue, edited by `PUT /api/settings`.
 * Facts of the deployment (addresses, certificate authority) are app settings instead.
 */

/** Uses of an invitation lie in one row, which this many fill half. More devices take more invitations. */
export const MAX_DEVICES = 1_000;

const minutes = z.int().min(1).max(10_080);
const retries = z.int().min(1).max(1_000);

const pollSchedule = z
  .strictObject({
    first: z.strictObject({ intervalMinutes: minutes, count: retries }).default({ intervalMinutes: 15, count: 5 }),
    second: z.strictObject({ intervalMinutes: minutes, count: retries }).default({ intervalMinutes: 60, count: 10 }),
    /**
     * For ever after. MS-MDE2 asks for 1440 at least; large vendors send 480 and devices keep to it. 1440 is the
     * fallback for an organisation that sees devices refuse it.
     */
    remaining: z.strictObject({ intervalMinutes: minutes }).default({ intervalMinutes: 480 }),
  })
  .prefault({});

export const policySchema = z.strictObject({
  /** Shown on the device under "Access work or school". */
  organisation: writable(z.string().trim().min(1).max(60)).default('Lanyard'),
  poll: pollSchedule,
  /** Whether the device also calls when somebody signs in. */
  pollOnLogin: z.boolean().default(true),
  invitations: z
    .strictObject({
      expiresInHours: z.int().min(1).max(8_760).default(72),
      maxDevices: z.int().min(1).max(MAX_DEVICES).default(1),
      /**
       * Whether the deep link carries the secret as `accesstoken`. Links are forwarded, previewed, kept in histories and
       * scanned by mail filters, and whoever has the secret can enroll: so not, unless somebody wants it.
       */
      secretInLink: z.boolean().default(false),
      /** The tenant that deep links name. Once it is set, a link that names another is refused. */
      tenantIdentifier: writable(z.string().trim().max(200)).default(''),
    })
    .prefault({}),
  support: supportSchema,
  deviceDefaults: deviceDefaultsSchema,
  enrollment: enrollmentSchema,
  ways: waysSchema,
  entra: entraSchema,
  certificates: certificatesSchema,
  termsOfUse: termsOfUseSchema,
  /** Whether devices are asked to prove their TPM (EnrollmentVersion 5.0). What they send is kept and not judged. */
  attestation: z.boolean().default(false),
  signIn: signInSchema,
  inventory: inventorySchema,
  push: pushSchema,
});

export type Policy = z.infer<typeof policySchema>;

export const DEFAULT_POLICY: Policy = policySchema.parse({});
