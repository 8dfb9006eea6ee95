import * as z from 'zod';
import { writable } from './policy-text.ts';

const MAIL = /^[^\s\p{C}@<>"(),:;[\]\\]+@[^\s\p{C}@<>"(),:;[\]\\/]+\.[^\s\p{C}@<>"(),:;[\]\\/]+$/u;

/**
 * Whom users ask for help: on the page of an invitation, and on the PC behind Settings > Accounts > Access work or school >
 * Info (DMClient CSP: HelpPhoneNumber, HelpEmailAddress, HelpWebsite). Empty: nothing is shown.
 */
export const supportSchema = z
  .strictObject({
    phone: writable(z.string().trim().max(60)).default(''),
    email: z
      .string()
      .trim()
      .max(320)
      .refine((text) => text === '' || MAIL.test(text), 'must look like help@example.org')
      .default(''),
    /** Also where the pages and this project's texts send users for more help. */
    website: z.string().trim().max(1_000).refine(isWebPage, 'must be an https address').default(''),
  })
  .prefault({});

export type Support = z.infer<typeof supportSchema>;

/** Pages link to it, so nothing but https is taken. */
export function isWebPage(text: string): boolean {
  if (text === '') return true;
  return /^https:\/\/[^\s"'<>\p{C}]+$/u.test(text) && URL.canParse(text);
}
