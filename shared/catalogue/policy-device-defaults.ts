import * as z from 'zod';
import { isWebPage } from './policy-support.ts';
import { writable } from './policy-text.ts';

/** Windows cuts a name with a macro in it to this many characters (Accounts CSP, Domain/ComputerName). */
const MAX_NAME = 15;
const MACRO = /%(?:SERIAL|RAND:([1-9]\d?))%/g;

/**
 * @param template a computer name with `%SERIAL%` or `%RAND:<digits>%` in it (Accounts CSP)
 * @returns what is wrong with it; undefined when Windows can make names of it that differ from PC to PC
 */
export function wrongNameTemplate(template: string): string | undefined {
  const macros = [...template.matchAll(MACRO)];
  if (macros.length === 0) return 'needs %SERIAL% or %RAND:n%, or all PCs would get one name';
  if (macros.filter(([macro]) => macro === '%SERIAL%').length > 1) return 'has %SERIAL% twice';
  const fixed = template.replace(MACRO, '');
  if (!/^[A-Za-z0-9-]*$/.test(fixed)) return 'takes letters, digits, dashes, %SERIAL% and %RAND:n%';
  if (!/[A-Za-z]/.test(fixed)) return 'needs a letter: a name of digits alone is none';
  if (template.startsWith('-') || template.endsWith('-')) return 'cannot begin or end with a dash';
  // A serial number is cut from its beginning; one character of it is the least that makes sense.
  const least = macros.reduce((sum, [, digits]) => sum + Number(digits ?? 1), fixed.length);
  return least > MAX_NAME ? `makes names of more than ${MAX_NAME} characters` : undefined;
}

const nameTemplate = z
  .string()
  .trim()
  .max(60)
  .superRefine((template, context) => {
    const wrong = template === '' ? undefined : wrongNameTemplate(template);
    if (wrong) context.addIssue({ code: 'custom', message: wrong });
  });

/**
 * What an enrolled PC is given without anybody asking for it, in its first management session and again when the setting
 * changes. It is never in the provisioning document, where one part that Windows does not expect ends the enrollment.
 */
export const deviceDefaultsSchema = z
  .strictObject({
    /** Empty: the PC keeps its name. */
    nameTemplate: nameTemplate.default(''),
    /** `false` writes the policy Experience/AllowManualMDMUnenrollment = 0: Disconnect is then refused on the PC. */
    userMayDisconnect: z.boolean().default(true),
    /** The "all done" page at the end of an enrollment (DMClient CSP, CustomEnrollmentCompletePage). */
    completePage: z
      .strictObject({
        title: writable(z.string().trim().max(100)).default(''),
        text: writable(z.string().trim().max(1_000)).default(''),
        linkAddress: z.string().trim().max(1_000).refine(isWebPage, 'must be an https address').default(''),
        linkText: writable(z.string().trim().max(100)).default(''),
      })
      .prefault({}),
  })
  .prefault({});
