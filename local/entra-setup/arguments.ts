import { parseArgs } from 'node:util';
import { SetupError } from './outside.ts';

export const TOPICS = ['administrators', 'sign-in', 'enrollment', 'directory-rights', 'show'] as const;
export type Topic = (typeof TOPICS)[number];

/** What was typed, checked. */
export interface Arguments {
  topic: Topic;
  flags: { yes: boolean; remove: boolean; readOnly: boolean; assignedOnly: boolean };
  options: Partial<Record<TextOption, string>>;
  groups: string[];
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const isGuid = (text: string) => GUID.test(text);
const isHttps = (text: string) => /^https:\/\/[A-Za-z0-9.-]+(:\d+)?$/.test(text);
const isGraph = (text: string) => isHttps(text) || /^http:\/\/(localhost|127\.0\.0\.1):\d+$/.test(text);

/** Options with a value: what they must look like, and what they are for. */
const TEXT_OPTIONS = {
  'client-id': [isGuid, 'the client id of an app registration', 'use this registration and look for no other'],
  approver: [isGuid, 'an object id', 'who gets the role Approver (administrators; default you)'],
  scope: [
    (text: string) => ['all', 'none'].includes(text),
    'all or none',
    'MDM user scope (enrollment; default as it is)',
  ],
  environment: [
    (text: string) => /^[A-Za-z0-9._()-]{1,64}$/.test(text),
    'a name as azd takes it: letters, digits and . _ - ( )',
    'name of the deployment (AZURE_ENV_NAME)',
  ],
  deployment: [
    (text: string) => /^[A-Za-z0-9._()-]{1,64}$/.test(text),
    'the name of a deployment of the subscription',
    'without azd: the deployment whose outputs have what is in brackets here',
  ],
  tenant: [(text: string) => /^[A-Za-z0-9.-]{1,253}$/.test(text), 'a GUID or a domain', 'tenant to sign in to'],
  subscription: [isGuid, 'a GUID', 'subscription whose tenant is meant (AZURE_SUBSCRIPTION_ID)'],
  'enroll-url': [
    isHttps,
    'an address such as https://mdm.contoso.com',
    'address of the enroll app (LANYARD_ENROLL_URL)',
  ],
  'enroll-principal': [isGuid, 'an object id', 'identity of the enroll app (LANYARD_ENROLL_PRINCIPAL)'],
  'admin-principal': [isGuid, 'an object id', 'identity of the admin app (LANYARD_ADMIN_PRINCIPAL)'],
  url: [isHttps, 'an address such as https://localhost:7443', 'admin API, to write its settings (LANYARD_URL)'],
  key: [(text: string) => text !== '', 'a key', 'key of the admin API (LANYARD_KEY)'],
  token: [(text: string) => text !== '', 'a token', 'or a token of it (LANYARD_TOKEN)'],
  graph: [isGraph, 'an https address', 'Microsoft Graph (default https://graph.microsoft.com)'],
} as const;
export type TextOption = keyof typeof TEXT_OPTIONS;

const FLAGS = {
  yes: 'do it without asking; without it the plan is shown first',
  remove: 'take away what this command made, and nothing else',
  'read-only': 'the reading rights alone (directory-rights)',
  'assigned-only': 'only people who are assigned may sign in (sign-in)',
  help: 'this text',
} as const;

export function usage(): string {
  const texts = Object.entries(TEXT_OPTIONS).map(([name, [, , help]]) => `  --${name} VALUE`.padEnd(28) + help);
  const group = `${'  --group OBJECT-ID'.padEnd(28)}a group of the MDM user scope; may be repeated (enrollment)`;
  const flags = Object.entries(FLAGS).map(([name, help]) => `  --${name}`.padEnd(28) + help);
  return `node lanyard entra WHAT [options]

Sets up in Microsoft Entra what is wanted of it, with the account of the Azure CLI (az login). All of it is off until you ask
for it, and Lanyard works without. A plan is shown first; repeating a command changes nothing.

  administrators     administrators sign in with Entra instead of keys
  sign-in            people sign in with their work account on the enrollment page
  enrollment         PCs enroll by themselves when they join Entra
  directory-rights   rights for retiring devices. Nothing uses them yet
  show               what of it is there

${[...flags, ...texts, group].join('\n')}

Names in brackets are variables, taken from the environment, or from azd env get-values or the deployment that is named. LANYARD_GRAPH_TOKEN may hold a token for
MDM policies (enrollment), which that of the Azure CLI may not touch. docs/entra.md`;
}

/** @returns undefined when help is asked for. @throws {SetupError} for anything that is not taken */
export function readArguments(args: string[]): Arguments | undefined {
  const { values, positionals } = parse(args);
  if (values['help'] || args.length === 0) return undefined;
  const [topic, ...more] = positionals;
  if (!TOPICS.includes(topic as Topic) || more.length > 0) {
    throw new SetupError(`Say one of ${TOPICS.join(', ')}. See: node lanyard entra --help`);
  }
  const options: Arguments['options'] = {};
  for (const name of Object.keys(TEXT_OPTIONS)) {
    const value = values[name] as string | undefined;
    if (value !== undefined) options[name as TextOption] = checked(name as TextOption, value, `--${name}`);
  }
  const groups = (values['group'] as string[] | undefined) ?? [];
  if (!groups.every(isGuid)) throw new SetupError('--group takes the object id of a group');
  if (groups.length > 0 && options.scope) throw new SetupError('Give --group or --scope, not both');
  return { topic: topic as Topic, options, groups, flags: flagsOf(values) };
}

/**
 * @param source what to call it in an error: the option or the variable
 * @returns the value without blanks around it and without the slash at the end of an address. @throws {SetupError}
 */
export function checked(option: TextOption, value: string, source: string): string {
  const [isGood, what] = TEXT_OPTIONS[option];
  const text = value.trim().replace(/^(https?:.*)\/$/, '$1');
  if (!isGood(text)) throw new SetupError(`${source} takes ${what}`);
  return text;
}

function flagsOf(values: Record<string, unknown>): Arguments['flags'] {
  const isSet = (name: keyof typeof FLAGS) => values[name] === true;
  const flags = {
    yes: isSet('yes'),
    remove: isSet('remove'),
    readOnly: isSet('read-only'),
    assignedOnly: isSet('assigned-only'),
  };
  if (flags.remove && (flags.readOnly || flags.assignedOnly)) {
    throw new SetupError('--remove takes everything of ours away; it goes with no --read-only and no --assigned-only');
  }
  return flags;
}

function parse(args: string[]): { values: Record<string, unknown>; positionals: string[] } {
  const texts = Object.keys(TEXT_OPTIONS).map((name) => [name, { type: 'string' as const }]);
  const flags = Object.keys(FLAGS).map((name) => [name, { type: 'boolean' as const }]);
  const options = Object.fromEntries([...texts, ...flags, ['group', { type: 'string' as const, multiple: true }]]);
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('.')[0]}. See: node lanyard entra --help`);
  }
}
