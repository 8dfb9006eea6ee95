import type { X509Certificate } from 'node:crypto';
import * as z from 'zod';
import { FORMATS } from '../commands/command.ts';
import { data, mediaType, target } from '../commands/intake.ts';
import { checkAtomic, checkCommand, MAX_ATOMIC_ITEMS, type Placed, type Refuse } from '../commands/intake-checks.ts';
import { authorityProblem, protectionProblem } from '../commands/protected-nodes.ts';
import { isSecretNode } from '../commands/secret-nodes.ts';
import { HIDDEN } from '../commands/secrets.ts';
import { nodePath, relation } from '../wire/node-path.ts';
import { MAX_SETTINGS, MAX_TARGET, nodeOf } from './profile.ts';
import { removalOf } from './removal.ts';
import type { NewSetting, Template } from './templates/template.ts';
import { TEMPLATES } from './templates/templates.ts';

/** What an administrator may write into a profile, checked before it is stored. */

/** A name is part of addresses and keys, and is typed by people. */
export const PROFILE_NAME = /^[a-z0-9][a-z0-9-]{0,59}$/;

const MAX_NAMED = 500;
export const tagSchema = z
  .string()
  .trim()
  .toLowerCase()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,39}$/u,
    'must be letters, digits, blanks, dots and dashes, at most 40 characters',
  );

const assignment = {
  devices: z.array(z.guid('must be the id of a device').toLowerCase()).max(MAX_NAMED),
  users: z.array(z.string().trim().toLowerCase().min(3).max(320)).max(MAX_NAMED),
  tags: z.array(tagSchema).max(MAX_NAMED),
};

export const assignmentSchema = z.strictObject({
  all: z.boolean().default(false),
  devices: assignment.devices.default([]),
  users: assignment.users.default([]),
  tags: assignment.tags.default([]),
});

const part = z.strictObject({
  all: z.boolean().optional(),
  devices: assignment.devices.default([]),
  users: assignment.users.default([]),
  tags: assignment.tags.default([]),
});
/** Who is added to an assignment, and who is taken from it. */
export const assignmentChangeSchema = z
  .strictObject({ add: part.optional(), remove: part.optional() })
  .refine(({ add, remove }) => add || remove, 'says neither add nor remove');
export type AssignmentChange = z.infer<typeof assignmentChangeSchema>;

const setting = z.strictObject({
  // A device's row holds it in both forms.
  target: target
    .max(MAX_TARGET, `is longer than ${MAX_TARGET} characters`)
    .refine((uri) => nodeOf(uri).length <= MAX_TARGET, `is longer than ${MAX_TARGET} characters with all escaped`),
  value: data.refine((text) => Buffer.byteLength(text) <= 64 * 1024, 'is larger than 65536 bytes'),
  format: z.enum(FORMATS).default('chr'),
  type: mediaType.optional(),
  secret: z.boolean().optional(),
});

const common = {
  description: z.string().trim().max(1_000).default(''),
  /** Left out: those of before stay. */
  assignedTo: assignmentSchema.optional(),
};

const written = z.strictObject({
  ...common,
  atomic: z.boolean().default(false),
  together: z.boolean().default(false),
  settings: z.array(setting).min(1).max(MAX_SETTINGS),
});

const filledIn = z.strictObject({
  ...common,
  template: z.string(),
  input: z.record(z.string(), z.unknown()).default({}),
});

/** A profile as it was asked for; its secrets are in the open. */
export interface NewProfile {
  description: string;
  atomic: boolean;
  together?: true;
  settings: NewSetting[];
  assignedTo?: z.infer<typeof assignmentSchema>;
  template?: { name: string; input: Record<string, unknown>; secrets: readonly string[] };
}

/** What is needed beside the request: our authorities, and what was stored as the secrets of the profile so far. */
export interface IntakeContext {
  authorities: readonly X509Certificate[];
  /** Secret values of the settings, by node, for who gives `***`. */
  secretValues: ReadonlyMap<string, string>;
  /** What was filled in before, for the same. */
  filledIn?: Record<string, unknown> | undefined;
}

/** The schema of `PUT /api/profiles/{name}`. Its form is told by whether it names a template, so that errors fit. */
export function profileSchemaFor(known: IntakeContext) {
  return z.unknown().transform((value, context): NewProfile => {
    const usesTemplate = typeof value === 'object' && value !== null && 'template' in value;
    return (usesTemplate ? fromTemplate(value, known, context) : fromSettings(value, known, context)) ?? z.NEVER;
  });
}

type Context = z.core.$RefinementCtx;

function fromSettings(value: unknown, known: IntakeContext, context: Context): NewProfile | undefined {
  const parsed = read(written, value, [], context);
  if (!parsed) return undefined;
  const { settings: given, description, assignedTo, atomic, together } = parsed;
  if (together && !atomic)
    refuse(context, ['together'], 'needs atomic: settings that belong together go all or none', value);
  const settings = given.map(({ secret, type, ...each }): NewSetting => {
    const isSecret = secret || isSecretNode(each.target);
    const kept = isSecret && each.value === HIDDEN ? known.secretValues.get(nodeOf(each.target)) : undefined;
    return { ...each, ...(type && { type }), value: kept ?? each.value, ...(isSecret && { secret: true as const }) };
  });
  settings.forEach((each, index) => {
    if (!each.secret || each.value !== HIDDEN) return;
    refuse(
      context,
      ['settings', index, 'value'],
      `is ${HIDDEN}, and there is no secret to keep: give the value`,
      value,
    );
  });
  checkSettings(settings, atomic, known, context);
  const whole = together ? { together: true as const } : {};
  return { description, atomic, ...whole, settings, ...(assignedTo && { assignedTo }) };
}

function fromTemplate(value: unknown, known: IntakeContext, context: Context): NewProfile | undefined {
  const parsed = read(filledIn, value, [], context);
  if (!parsed) return undefined;
  const form = TEMPLATES.find(({ name }) => name === parsed.template);
  if (!form) {
    const names = TEMPLATES.map(({ name }) => name).join(', ');
    refuse(context, ['template'], `is not one of ${names}`, value);
    return undefined;
  }
  const input = read(form.input, withKept(parsed.input, form, known), ['input'], context);
  if (!input) return undefined;
  const { atomic, secrets, together } = form;
  const settings = form.settings(input as never);
  checkSettings(settings, atomic, known, context);
  const { description, assignedTo } = parsed;
  const template = { name: form.name, input, secrets };
  return { description, atomic, ...(together && { together }), settings, template, ...(assignedTo && { assignedTo }) };
}

function withKept(input: Record<string, unknown>, { secrets }: Template, known: IntakeContext) {
  const kept = secrets.flatMap((name) => {
    const before = known.filledIn?.[name];
    return input[name] === HIDDEN && before !== undefined ? [[name, before]] : [];
  });
  return { ...input, ...Object.fromEntries(kept) };
}

function checkSettings(
  settings: readonly NewSetting[],
  atomic: boolean,
  { authorities }: IntakeContext,
  context: Context,
): void {
  const say: Refuse = (path, message) => refuse(context, path, message, settings);
  const placed = settings.map(
    ({ target: node, value, format, type }, index): Placed => ({
      item: { verb: 'Replace', target: node, data: value, format, ...(type && { type }) },
      path: ['settings', index],
    }),
  );
  placed.forEach(({ item, path }) => {
    const wrong = ownedElsewhere(item.target) ?? removalProblem(item.target, authorities);
    if (wrong) say([...path, 'target'], wrong);
  });
  refuseTwice(settings, say);
  if (!atomic) {
    for (const each of placed)
      checkCommand('Replace', [each], [...each.path.map(String)], { refuse: say, authorities });
  } else if (placed.length > MAX_ATOMIC_ITEMS) {
    say(['settings'], `has ${placed.length} entries; at most ${MAX_ATOMIC_ITEMS} go into an Atomic`);
  } else checkAtomic(placed, { refuse: say, authorities });
}

function refuseTwice(settings: readonly NewSetting[], say: Refuse): void {
  const seen = new Set<string>();
  settings.forEach(({ target: written }, index) => {
    const node = nodeOf(written);
    if (seen.has(node)) say(['settings', index, 'target'], 'is in this profile already');
    seen.add(node);
  });
}

/** Nodes that the settings of the organisation write; two writers would undo each other's work. */
const OWNED: readonly [string, string][] = [
  ['DMClient', 'belongs to the enrollment and to the settings of the organisation'],
  ['Policy/Config/Experience/AllowManualMDMUnenrollment', 'is written by the setting deviceDefaults.userMayDisconnect'],
  ['DevDetail/Ext/Microsoft/DNSComputerName', 'is written by the setting deviceDefaults.nameTemplate'],
  ['Policy/Result', 'cannot be written: set the same policy below Policy/Config'],
];

function ownedElsewhere(uri: string): string | undefined {
  const path = nodePath(uri);
  return OWNED.find(([node]) => ['at', 'below'].includes(relation(path, node) ?? ''))?.[1];
}

/** What a profile sets it takes back one day, and no Delete may cut the device off then. */
function removalProblem(uri: string, authorities: readonly X509Certificate[]): string | undefined {
  const removal = removalOf(uri);
  if (removal.kind !== 'delete') return undefined;
  const problem =
    protectionProblem('Delete', removal.target) ?? authorityProblem('Delete', removal.target, authorities);
  return problem && `cannot be taken back when the profile goes: ${problem}`;
}

function refuse(context: Context, path: (string | number)[], message: string, input: unknown): void {
  context.issues.push({ code: 'custom', path, message, input });
}

function read<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: (string | number)[],
  context: Context,
): z.output<S> | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    context.issues.push({ ...issue, path: [...path, ...issue.path], input: value } as z.core.$ZodRawIssue);
  }
  return undefined;
}
