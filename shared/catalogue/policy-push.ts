import * as z from 'zod';

/** Package family name: the name of a Store app, and 13 characters (base32 without i, l, o and u) of its publisher. */
const FAMILY_NAME = /^[A-Za-z0-9.-]{3,50}_[0-9a-hjkmnp-tv-z]{13}$/;
/** Package SID: S-1-15-2 and seven numbers. */
const PACKAGE_SID = /^ms-app:\/\/s-1-15-2(-\d{1,10}){7}$/i;

/**
 * Waking PCs by the Windows Push Notification Services (WNS), with the identity of a Store app that the organisation has
 * already. Empty: off. The client secret that belongs to it is no setting, since settings can be read
 * (`shared/push/push-secret.ts`).
 */
export const pushSchema = z
  .strictObject({
    packageFamilyName: z
      .string()
      .trim()
      .refine(
        (text) => text === '' || FAMILY_NAME.test(text),
        'must look like Contoso.Wake_8wekyb3d8bbwe: the package family name of the app',
      )
      .default(''),
    packageSid: z
      .string()
      .trim()
      .refine(
        (text) => text === '' || PACKAGE_SID.test(text),
        'must look like ms-app://s-1-15-2-…: the package SID of the app',
      )
      .default(''),
    /** What `GET` says of the secret; taken back and not kept, so that settings can be sent as they were read. */
    hasSecret: z.boolean().optional(),
  })
  .refine(({ packageFamilyName, packageSid }) => (packageFamilyName === '') === (packageSid === ''), {
    message: 'packageFamilyName and packageSid are of one app: give both, or none',
    path: ['packageSid'],
  })
  .transform(({ hasSecret: _, ...push }) => push)
  .prefault({});
