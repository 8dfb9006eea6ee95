import type * as z from 'zod';
import { forbiddenCharacter } from '../wire/xml.ts';

/** What is written into a message for a device must be something that XML can carry. */
export function writable(text: z.ZodString) {
  return text.refine((value) => forbiddenCharacter(value) === undefined, 'has a character that XML cannot carry');
}
