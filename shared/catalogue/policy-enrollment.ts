import * as z from 'zod';
import { forbiddenCharacter } from '../wire/xml.ts';

/** Who may enroll, and what: the organisation's settings under `enrollment`. */

/** More than this many are no list that a person keeps by hand. */
const MAX_NAMES = 500;

const domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(255)
  .regex(/^[^\s\p{C}@\\/]+\.[^\s\p{C}@\\/]+$/u, 'must be a mail domain such as example.org');

const user = z
  .string()
  .trim()
  .toLowerCase()
  .max(320)
  .regex(/^[^\s\p{C}@\\/]+@[^\s\p{C}@\\/]+$/u, 'must look like user@domain');

/** PRODUCT_* of GetProductInfo, as the PC sends it in OSEdition (MS-MDE2 3.4.4.1.1.1.1). */
const edition = z.int().min(0).max(4_294_967_295);

/** Shown as it is by Windows 10 20H2 and later, so it has to be short and such that XML can carry it. */
const text = z
  .string()
  .trim()
  .max(300)
  .refine((value) => forbiddenCharacter(value) === undefined, 'has a character that XML cannot carry');

const version = z
  .string()
  .trim()
  .regex(/^(\d{1,6}(\.\d{1,6}){1,3})?$/, 'must be a version such as 10.0.19045, or empty');

export const enrollmentSchema = z
  .strictObject({
    /** Off: nobody enrolls. Devices that are enrolled go on as before. */
    open: z.boolean().default(true),
    /** Mail domains for which enrollment is closed while it is open for others. */
    closedDomains: z.array(domain).max(MAX_NAMES).default([]),
    /** What a person reads who meets a closed enrollment. */
    closedMessage: text.default(''),
    maintenance: z.boolean().default(false),
    /** Mail domains of the organisation; any where none is named. */
    domains: z.array(domain).max(MAX_NAMES).default([]),
    /** Those who may enroll; everybody where none is named. */
    users: z.array(user).max(MAX_NAMES).default([]),
    /** Editions that may enroll; any where none is named. */
    editions: z.array(edition).max(MAX_NAMES).default([]),
    /** The oldest Windows that may enroll; any where it is empty. */
    minimumVersion: version.default(''),
    devicesPerUser: z.int().min(1).max(50).nullable().default(null),
    devicesInAll: z.int().min(1).max(1_000_000).nullable().default(null),
  })
  .prefault({});

export type EnrollmentPolicy = z.infer<typeof enrollmentSchema>;
