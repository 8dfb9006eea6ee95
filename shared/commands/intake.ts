import * as z from 'zod';
import { commandElement, commandProblem } from '../wire/syncml-writer.ts';
import { forbiddenCharacter } from '../wire/xml.ts';
import { type CommandItem, FORMATS, VERBS } from './command.ts';

/**
 * What an administrator may queue, checked before it is stored: a command that cannot be written, or that Windows answers
 * with 400 or an abort, would stand in front of all others.
 */

export const MAX_DATA_BYTES = 128 * 1024;
export const MAX_ITEMS = 25;
export const MAX_COMMANDS_PER_CALL = 50;
/** Escaping may make data longer; what is written must still leave room for statuses in one reply. */
const MAX_WRITTEN_BYTES = 200 * 1024;

/** LocURI as Windows takes it: relative, `.` only in front, no empty segment, no `*`, escapes well-formed (OMA-DM TND 5.1). */
const LOC_URI = /^\.\/[^/\s*<>]+(\/[^/\s*<>]+)*$/;
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

const target = z
  .string()
  .trim()
  .max(1_024, 'is longer than 1024 characters')
  .regex(
    LOC_URI,
    'must be a LocURI such as ./Device/Vendor/MSFT/Reboot/RebootNow: it begins with ./ and has no empty segment, blank or *',
  )
  .refine((uri) => !BAD_ESCAPE.test(uri), 'has a % that is not followed by two hexadecimal digits')
  .refine(
    (uri) =>
      !uri
        .split('/')
        .slice(1)
        .some((part) => part === '.' || part === '..'),
    'has a segment . or ..',
  );

const data = z
  .string()
  .refine((text) => forbiddenCharacter(text) === undefined, 'has a character that XML cannot carry')
  .refine((text) => Buffer.byteLength(text) <= MAX_DATA_BYTES, `is larger than ${MAX_DATA_BYTES} bytes`);

const item = z.strictObject({
  target,
  data: data.optional(),
  format: z.enum(FORMATS).optional(),
  type: z
    .string()
    .trim()
    .max(127)
    .regex(/^[\w.+-]+\/[\w.+-]+$/, 'must be a media type such as text/plain')
    .optional(),
});

const withItems = z
  .strictObject({ verb: z.enum(VERBS), items: z.array(item).min(1).max(MAX_ITEMS) })
  .superRefine(({ verb, items }, context) => checkItems(verb, items, ['items'], context));

const withOneItem = item
  .extend({ verb: z.enum(VERBS) })
  .superRefine(({ verb, ...only }, context) => checkItems(verb, [only], [], context))
  .transform(({ verb, ...only }) => ({ verb, items: [only] }));

export type NewCommand = z.output<typeof withItems>;

/**
 * One command, or a list of them; a command has `items`, or the fields of its only item at the top. The form is told by
 * its shape and not by trying, so that an error names the field that is wrong and not all that another form would need.
 */
export const commandsSchema = z.unknown().transform((value, context): NewCommand[] => {
  if (!Array.isArray(value)) return [byShape(value, [], context)];
  if (value.length < 1 || value.length > MAX_COMMANDS_PER_CALL) {
    context.issues.push({ code: 'custom', path: [], message: `1 to ${MAX_COMMANDS_PER_CALL} commands`, input: value });
  }
  return value.slice(0, MAX_COMMANDS_PER_CALL).map((each, index) => byShape(each, [index], context));
});

type Context = z.core.$RefinementCtx;

function byShape(value: unknown, path: number[], context: Context): NewCommand {
  const hasItems = typeof value === 'object' && value !== null && 'items' in value;
  const result = (hasItems ? withItems : withOneItem).safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    context.issues.push({ ...issue, path: [...path, ...issue.path], input: value } as z.core.$ZodRawIssue);
  }
  return z.NEVER;
}

/** @param path where the items stand: in a list, or at the top when there is only one */
function checkItems(verb: NewCommand['verb'], items: CommandItem[], path: string[], context: Context): void {
  // A field that is wrong by itself is named already.
  if (context.issues.length > 0) return;
  const refuse = (at: (string | number)[], message: string) => context.addIssue({ code: 'custom', path: at, message });
  items.forEach((entry, index) => {
    const wrong = valueProblem(verb, entry);
    if (wrong) refuse([...path, ...(path.length > 0 ? [index] : []), wrong.field], wrong.message);
  });
  const problem = commandProblem({ verb, items });
  if (problem) {
    refuse(path, problem);
    return;
  }
  const written = items.reduce(
    (sum, entry) => sum + Buffer.byteLength(String(commandElement(1, { verb, items: [entry] }))),
    0,
  );
  if (written > MAX_WRITTEN_BYTES) {
    refuse(
      path.length > 0 ? path : ['data'],
      `is ${written} bytes as XML; at most ${MAX_WRITTEN_BYTES} fit into a message`,
    );
  }
}

/** Any of the DMClient CSP's Unenroll nodes. */
const UNENROLL = /\/DMClient\/(.+\/)?Unenroll(\?.*)?$/i;

/** A letter may stand in a LocURI as its escape. */
function unescaped(uri: string): string {
  return uri.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function valueProblem(verb: NewCommand['verb'], entry: CommandItem): { field: string; message: string } | undefined {
  const { data: value, format } = entry;
  if (verb === 'Exec' && UNENROLL.test(unescaped(entry.target))) {
    const instead = 'ask for it with POST /api/devices/{id}/unenroll, which sees to it that nobody is locked out';
    return { field: 'target', message: `Unenroll is not queued: ${instead}` };
  }
  if ((verb === 'Get' || verb === 'Delete') && value !== undefined) {
    return { field: 'data', message: `${verb} takes no data` };
  }
  if (verb === 'Replace' && value === undefined) return { field: 'data', message: 'Replace needs data' };
  if (value === undefined) return undefined;
  const wrong = format === undefined ? undefined : FORMAT_PROBLEMS[format]?.(value);
  return wrong ? { field: 'data', message: wrong } : undefined;
}

const FORMAT_PROBLEMS: Partial<Record<NonNullable<CommandItem['format']>, (value: string) => string | undefined>> = {
  int: (value) => (/^-?\d{1,10}$/.test(value) ? undefined : 'must be a whole number, since the format is int'),
  bool: (value) => (/^(true|false)$/.test(value) ? undefined : 'must be true or false, since the format is bool'),
  b64: (value) => (/^[A-Za-z0-9+/\s]*(=\s*){0,2}$/.test(value) ? undefined : 'must be base64, since the format is b64'),
  node: (value) => (value === '' ? undefined : 'must be empty, since the format is node'),
  null: (value) => (value === '' ? undefined : 'must be empty, since the format is null'),
};
