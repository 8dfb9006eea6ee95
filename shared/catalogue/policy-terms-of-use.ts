import * as z from 'zod';

/** What people read and accept on the page that Windows opens while a PC joins Microsoft Entra. */
export const termsOfUseSchema = z
  .strictObject({
    /** Who accepted what is kept under this name; a new text gets a new one. */
    version: z.string().trim().min(1).max(50).default('1'),
    /** Paragraphs are parted by an empty line. */
    text: z.string().trim().max(20_000).default(''),
    /** Whether a token of Entra enrolls nothing without the proof that its user accepted this version. */
    required: z.boolean().default(false),
  })
  .refine(({ text, required }) => !required || text !== '', {
    path: ['text'],
    message: 'must not be empty where the terms are required',
  })
  .prefault({});

export type TermsOfUse = z.output<typeof termsOfUseSchema>;
