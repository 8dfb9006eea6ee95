import type { X509Certificate } from 'node:crypto';
import * as z from 'zod';
import { type AcceptRisk, acceptRiskSchema } from '../devices/accepted-risk.ts';
import { forbiddenCharacter } from '../wire/xml.ts';
import { type Command, type CommandItem, FORMATS, VERBS, type Verb } from './command.ts';
import { checkAtomic, checkCommand, MAX_ATOMIC_ITEMS, type Placed, type Refuse } from './intake-checks.ts';
import { isSecretNode } from './secret-nodes.ts';

/**
 * What an administrator may queue, checked before it is stored: a command that cannot be written, or that Windows answers
 * with 400 or an abort, would stand in front of all others.
 */

export const MAX_DATA_BYTES = 128 * 1024;
export const MAX_ITEMS = 25;
export const MAX_COMMANDS_PER_CALL = 50;
/** After this long a command that was never sent is not sent any more. */
export const DEFAULT_EXPIRY_HOURS = 30 * 24;
const MAX_EXPIRY_HOURS = 8_760;

/** LocURI as Windows takes it: relative, `.` only in front, no empty segment, no `*`, escapes well-formed (OMA-DM TND 5.1). */
const LOC_URI = /^\.\/[^/\s*<>]+(\/[^/\s*<>]+)*$/;
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

export const target = z
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

export const data = z
  .string()
  .refine((text) => forbiddenCharacter(text) === undefined, 'has a character that XML cannot carry')
  .refine((text) => Buffer.byteLength(text) <= MAX_DATA_BYTES, `is larger than ${MAX_DATA_BYTES} bytes`);

export const mediaType = z
  .string()
  .trim()
  .max(127)
  .regex(/^[\w.+-]+\/[\w.+-]+$/, 'must be a media type such as text/plain');

const item = z.strictObject({
  target,
  data: data.optional(),
  format: z.enum(FORMATS).optional(),
  type: mediaType.optional(),
});

/** The verb of a command, and what holds for all of its items. */
const common = {
  verb: z.enum(VERBS),
  /** The data is shown to nobody and encrypted where it is kept; so it is with nodes that are known to hold secrets. */
  secret: z.boolean().optional(),
};
const ofOwn = {
  expiresInHours: z.int().min(1).max(MAX_EXPIRY_HOURS).optional(),
  /** For what is refused of a device by what is known of it, and not for what would cut it off. */
  acceptRisk: acceptRiskSchema.optional(),
};

const items = z.array(item).min(1).max(MAX_ITEMS);
const OUTER = { several: z.strictObject({ ...common, ...ofOwn, items }), single: item.extend({ ...common, ...ofOwn }) };
const INNER = { several: z.strictObject({ ...common, items }), single: item.extend(common) };

const atomic = z.strictObject({
  verb: z.literal('Atomic'),
  commands: z.array(z.unknown()).min(1, 'an Atomic holds at least one command').max(MAX_ATOMIC_ITEMS),
  ...ofOwn,
});

export interface NewCommand {
  verb: Command['verb'];
  items: CommandItem[];
  expiresInHours?: number;
  acceptRisk?: AcceptRisk;
}

/**
 * One command, or a list of them; a command has `items`, or the fields of its only item at the top, or is an Atomic with
 * `commands`. The form is told by its shape and not by trying, so that an error names the field that is wrong and not all
 * that another form would need.
 *
 * @param authorities our CA certificates, which no command may take from a device
 */
export function commandsSchemaFor(authorities: readonly X509Certificate[]) {
  return z.unknown().transform((value, context): NewCommand[] => {
    if (!Array.isArray(value)) return [commandOf(value, [], context, authorities)];
    if (value.length < 1 || value.length > MAX_COMMANDS_PER_CALL) {
      context.issues.push({
        code: 'custom',
        path: [],
        message: `1 to ${MAX_COMMANDS_PER_CALL} commands`,
        input: value,
      });
    }
    return value.slice(0, MAX_COMMANDS_PER_CALL).map((each, index) => commandOf(each, [index], context, authorities));
  });
}

/** The same, where no CA certificate is known. */
export const commandsSchema = commandsSchemaFor([]);

type Context = z.core.$RefinementCtx;
type Path = (string | number)[];

function commandOf(value: unknown, path: Path, context: Context, authorities: readonly X509Certificate[]): NewCommand {
  const before = context.issues.length;
  const isAtomic = (value as { verb?: unknown } | null)?.verb === 'Atomic';
  const command = isAtomic ? atomicOf(value, path, context) : plainOf(value, path, context, OUTER);
  // A field that is wrong by itself is named already.
  if (!command || context.issues.length > before) return z.NEVER;
  const refuse: Refuse = (at, message) =>
    context.issues.push({ code: 'custom', path: [...path, ...at], message, input: value });
  const checks = { refuse, authorities };
  if (isAtomic) checkAtomic(command.placed, checks);
  else checkCommand(command.verb as Verb, command.placed, 'items' in (value as object) ? ['items'] : [], checks);
  const { verb, placed, expiresInHours, acceptRisk } = command;
  const items = placed.map((entry) => entry.item);
  return { verb, items, ...(expiresInHours ? { expiresInHours } : {}), ...(acceptRisk ? { acceptRisk } : {}) };
}

interface Parsed {
  verb: Command['verb'];
  placed: Placed[];
  expiresInHours?: number | undefined;
  acceptRisk?: AcceptRisk | undefined;
}

function plainOf(value: unknown, path: Path, context: Context, forms: typeof OUTER | typeof INNER): Parsed | undefined {
  const hasItems = typeof value === 'object' && value !== null && 'items' in value;
  const parsed = read(hasItems ? forms.several : forms.single, value, path, context);
  if (!parsed) return undefined;
  const { verb, secret, expiresInHours, acceptRisk, ...rest } = parsed as z.output<
    (typeof OUTER)['several' | 'single']
  >;
  const given: CommandItem[] = 'items' in rest ? rest.items : [rest];
  const placed = given.map((entry, index): Placed => {
    const hidden = verb !== 'Delete' && (secret || isSecretNode(entry.target));
    return { item: hidden ? { ...entry, secret: true } : entry, path: hasItems ? ['items', index] : [] };
  });
  return { verb, placed, expiresInHours, acceptRisk };
}

function atomicOf(value: unknown, path: Path, context: Context): Parsed | undefined {
  const parsed = read(atomic, value, path, context);
  if (!parsed) return undefined;
  const placed = parsed.commands.flatMap((each, index): Placed[] => {
    const at = [...path, 'commands', index];
    const verb = (each as { verb?: unknown } | null)?.verb;
    const wrong = NOT_IN_ATOMIC[String(verb)];
    if (wrong) {
      context.issues.push({ code: 'custom', path: [...at, 'verb'], message: wrong, input: each });
      return [];
    }
    const inner = plainOf(each, at, context, INNER);
    return (inner?.placed ?? []).map((entry) => ({
      item: { verb: inner?.verb as Verb, ...entry.item },
      path: ['commands', index, ...entry.path],
    }));
  });
  return { verb: 'Atomic', placed, expiresInHours: parsed.expiresInHours, acceptRisk: parsed.acceptRisk };
}

/** Microsoft Learn, "OMA DM protocol support": Windows answers both with 500 and the Atomic with 507. */
const NOT_IN_ATOMIC: Record<string, string | undefined> = {
  Get: 'Get does not go into an Atomic: Windows answers 500 and takes everything back. Queue it behind.',
  Atomic: 'an Atomic does not hold another: Windows answers 500 and takes everything back',
};

function read<S extends z.ZodType>(schema: S, value: unknown, path: Path, context: Context): z.output<S> | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    context.issues.push({ ...issue, path: [...path, ...issue.path], input: value } as z.core.$ZodRawIssue);
  }
  return undefined;
}
