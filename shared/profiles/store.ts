import { CATALOGUE_PARTITION } from '../catalogue/catalogue.ts';
import { dataKey, readDataKey } from '../commands/data-key.ts';
import { seal, unseal } from '../commands/seal.ts';
import { HIDDEN } from '../commands/secrets.ts';
import { conflict, notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import type { Change, Page } from '../storage/tables.ts';
import { hashOf, secretHashOf } from './hash.ts';
import type { AssignmentChange, NewProfile } from './intake.ts';
import { limitProblem } from './limits.ts';
import {
  type Assignment,
  nodeOf,
  PROFILE_PREFIX,
  PROFILES_ROW,
  type Profile,
  type ProfileSetting,
  type ProfileTemplate,
  placeOf,
} from './profile.ts';
import type { NewSetting } from './templates/template.ts';

/** The profiles of the organisation as an administrator edits them: rows of the catalogue, which devices find there. */

/** Everything about profiles sorts in this range of the catalogue. */
const RANGE = { from: PROFILES_ROW, before: `${PROFILE_PREFIX}~` };

interface Stored {
  profiles: Row<Profile>[];
  /** Written with every change, so that of two at once only one goes through. */
  mark?: Row<object>;
}

async function readAll(storage: Storage): Promise<Stored> {
  const rows: Row<unknown>[] = [];
  let from: string | undefined = RANGE.from;
  do {
    const page: Page<unknown> = await storage.table('catalogue').page(CATALOGUE_PARTITION, { ...RANGE, from });
    rows.push(...page.rows);
    from = page.next;
  } while (from);
  const mark = rows.find(({ rowKey }) => rowKey === PROFILES_ROW) as Row<object> | undefined;
  const profiles = rows.filter(({ rowKey }) => rowKey.startsWith(PROFILE_PREFIX)) as Row<Profile>[];
  return { profiles, ...(mark && { mark }) };
}

/** All profiles in the order of their names. One call, and more only when they are very large. */
export async function listProfiles(storage: Storage): Promise<Profile[]> {
  return (await readAll(storage)).profiles.map(({ value }) => value);
}

/** One call. @throws {Problem} 404 */
export async function readProfile(storage: Storage, name: string): Promise<Row<Profile>> {
  const row = await storage.table('catalogue').get<Profile>(CATALOGUE_PARTITION, PROFILE_PREFIX + name);
  if (!row) throw notFound(`There is no profile ${name}.`);
  return row;
}

/** What is stored as secrets of a profile, opened: for who gives `***` in their place. Empty where there is none. */
export async function openSecretsOf(
  storage: Storage,
  name: string,
): Promise<{ secretValues: Map<string, string>; filledIn?: Record<string, unknown> }> {
  const secretValues = new Map<string, string>();
  const row = await storage.table('catalogue').get<Profile>(CATALOGUE_PARTITION, PROFILE_PREFIX + name);
  const sealed = row?.value.template?.sealed;
  if (!row || (!sealed && !row.value.settings.some((setting) => setting.sealed))) return { secretValues };
  const key = await readDataKey(storage);
  for (const setting of row.value.settings) {
    const value = open(key, name, setting.node, setting.sealed);
    if (value !== undefined) secretValues.set(setting.node, value);
  }
  const filledIn = open(key, name, undefined, sealed);
  return { secretValues, ...(filledIn !== undefined && { filledIn: JSON.parse(filledIn) }) };
}

function open(key: Buffer | undefined, name: string, node: string | undefined, sealed: string | undefined) {
  if (!key || sealed === undefined) return undefined;
  return unseal(key, placeOf(name, node), Buffer.from(sealed, 'base64'))?.toString();
}

export interface Act {
  actor: string;
  now: Date;
}

/**
 * Makes a profile or replaces it; the assignment of before stays where none is given. Three calls at most.
 * @throws {Problem} 409 beyond a limit; {Conflict} when somebody else changed a profile at the same moment
 */
export async function putProfile(
  storage: Storage,
  name: string,
  asked: NewProfile,
  act: Act,
): Promise<{ profile: Profile; isNew: boolean }> {
  const stored = await readAll(storage);
  const before = stored.profiles.find(({ value }) => value.name === name);
  const assignedTo = asked.assignedTo ?? before?.value.assignedTo ?? NOBODY;
  const hasSecret = asked.settings.some(({ secret }) => secret) || (asked.template?.secrets.length ?? 0) > 0;
  const key = hasSecret ? await dataKey(storage) : undefined;
  const profile: Profile = {
    name,
    description: asked.description,
    ...(asked.template && { template: sealedTemplate(key, name, asked.template) }),
    atomic: asked.atomic,
    ...(asked.together && { together: asked.together }),
    settings: asked.settings.map((setting) => sealedSetting(key, name, setting)),
    assignedTo,
    changedAt: act.now.toISOString(),
    changedBy: act.actor,
  };
  await write(storage, stored, before, profile);
  return { profile, isNew: !before };
}

const NOBODY: Assignment = { all: false, devices: [], users: [], tags: [] };

function sealedTemplate(
  key: Buffer | undefined,
  profile: string,
  { name, input, secrets }: NonNullable<NewProfile['template']>,
): ProfileTemplate {
  if (!key || secrets.length === 0) return { name, input };
  const sealed = seal(key, placeOf(profile), Buffer.from(JSON.stringify(input))).toString('base64');
  return { name, input: { ...input, ...Object.fromEntries(secrets.map((each) => [each, HIDDEN])) }, sealed };
}

function sealedSetting(key: Buffer | undefined, profile: string, setting: NewSetting): ProfileSetting {
  const { target, value, format, type, secret } = setting;
  const node = nodeOf(target);
  const known = { target, node, format, ...(type !== undefined && { type }) };
  if (!secret || !key) return { ...known, value, hash: hashOf(setting) };
  const sealed = seal(key, placeOf(profile, node), Buffer.from(value)).toString('base64');
  return { ...known, secret: true, sealed, hash: secretHashOf(key, setting) };
}

/**
 * Adds to whom a profile is for, and takes from it. Doing it twice is doing it once. Two calls.
 * @throws {Problem} 404, 409 beyond a limit; {Conflict}
 */
export async function changeAssignment(
  storage: Storage,
  name: string,
  { add, remove }: AssignmentChange,
  act: Act,
): Promise<Profile> {
  const stored = await readAll(storage);
  const before = stored.profiles.find(({ value }) => value.name === name);
  if (!before) throw notFound(`There is no profile ${name}.`);
  const now = before.value.assignedTo;
  const changed = (kind: 'devices' | 'users' | 'tags') =>
    [...new Set([...now[kind], ...(add?.[kind] ?? [])])].filter((each) => !remove?.[kind].includes(each));
  const all = (now.all || add?.all === true) && remove?.all !== true;
  const assignedTo = { all, devices: changed('devices'), users: changed('users'), tags: changed('tags') };
  const profile = { ...before.value, assignedTo, changedAt: act.now.toISOString(), changedBy: act.actor };
  await write(storage, stored, before, profile);
  return profile;
}

async function write(
  storage: Storage,
  { profiles, mark }: Stored,
  before: Row<Profile> | undefined,
  profile: Profile,
): Promise<void> {
  const others = profiles.flatMap(({ value }) => (value.name === profile.name ? [] : [value]));
  const problem = limitProblem(profile, others);
  if (problem) throw conflict(problem);
  const rowKey = PROFILE_PREFIX + profile.name;
  const change: Change = before
    ? { kind: 'replace', rowKey, value: profile, etag: before.etag }
    : { kind: 'insert', rowKey, value: profile };
  await storage.table('catalogue').write(CATALOGUE_PARTITION, [change, marked(mark, profile.changedAt)]);
}

function marked(mark: Row<object> | undefined, changedAt: string): Change {
  const value = { changedAt };
  return mark
    ? { kind: 'replace', rowKey: PROFILES_ROW, value, etag: mark.etag }
    : { kind: 'insert', rowKey: PROFILES_ROW, value };
}

/**
 * Deletes a profile: every device that had it takes back what it set. Two calls.
 * @throws {Problem} 404; {Conflict}
 */
export async function deleteProfile(storage: Storage, name: string): Promise<Profile> {
  const row = await readProfile(storage, name);
  const change: Change = { kind: 'delete', rowKey: row.rowKey, etag: row.etag };
  await storage.table('catalogue').write(CATALOGUE_PARTITION, [change]);
  return row.value;
}
