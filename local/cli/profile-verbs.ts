import { readFileSync } from 'node:fs';
import { CONNECTION_OPTIONS, connect, devicePath, listAll } from './connection.ts';
import { printable } from './printable.ts';
import { type Input, numberOf, table, UsageError, type Verb } from './verb.ts';

interface Assignment {
  all: boolean;
  devices: string[];
  users: string[];
  tags: string[];
}

interface Profile {
  name: string;
  description: string;
  template?: { name: string } | string;
  settings: { target: string; format: string; value?: string }[] | number;
  assignedTo: Assignment;
  conflicts: { with: string; target: string; overlap: string }[];
}

interface Setting {
  target: string;
  profiles: string[];
  state: string;
  status?: number;
  reason?: string;
  since?: string;
}

interface Template {
  name: string;
  title: string;
  summary: string;
  notes: string[];
  input: { properties?: Record<string, { type?: string; default?: unknown; enum?: unknown[] }>; required?: string[] };
}

const ASSIGNMENT: NonNullable<Verb['options']> = {
  all: { type: 'boolean', help: 'all devices' },
  device: { type: 'string', help: 'these devices, by id or name, with commas between them' },
  user: { type: 'string', help: 'all devices of these users' },
  tag: { type: 'string', help: 'all devices with one of these tags' },
};

function words(input: Input, name: string): string[] {
  return (input.options[name] ?? '').split(',').flatMap((word) => (word.trim() ? [word.trim()] : []));
}

async function assignmentOf(input: Input) {
  const admin = connect(input);
  const paths = await Promise.all(words(input, 'device').map((each) => devicePath(admin, each)));
  const devices = paths.map((path) => path.slice('/api/devices/'.length));
  const users = words(input, 'user');
  const tags = words(input, 'tag');
  const given = { ...(input.flags['all'] && { all: true }), devices, users, tags };
  return input.flags['all'] || devices.length + users.length + tags.length > 0 ? given : undefined;
}

function forWhom({ all, devices, users, tags }: Assignment): string {
  if (all) return 'all';
  return [...tags.map((tag) => `#${tag}`), ...users, ...devices].join(' ') || 'nobody';
}

const list: Verb = {
  name: 'profile list',
  usage: 'profile list',
  summary: 'Lists the profiles, for whom they are, and whether they contradict others.',
  options: CONNECTION_OPTIONS,
  async run(input) {
    const items = await listAll<Profile>(connect(input), '/api/profiles');
    const rows = items.map(({ name, template, settings, assignedTo, conflicts }) => ({
      name,
      template: template ?? '',
      settings,
      'assigned to': forWhom(assignedTo),
      conflicts: [...new Set(conflicts.map((each) => each.with))].join(' '),
    }));
    return { value: items, text: table(rows, 'There are no profiles yet. See: node lanyard profile templates') };
  },
};

const show: Verb = {
  name: 'profile show',
  usage: 'profile show NAME',
  summary: 'Shows a profile with its settings; secrets as ***.',
  positionals: ['NAME'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const profile = await connect(input).call<Profile>('GET', pathOf(input));
    return { value: profile, text: describe(profile) };
  },
};

function describe({ name, description, settings, assignedTo, conflicts }: Profile): string {
  const lines = [
    `${name}  ${description}`.trim(),
    `Assigned to: ${forWhom(assignedTo)}`,
    ...(Array.isArray(settings)
      ? settings.map(({ target, format, value }) => `  ${target} (${format}) = ${value}`)
      : []),
    ...conflicts.map((each) => `Conflict (${each.overlap}) with ${each.with} over ${each.target}`),
  ];
  return lines.map(printable).join('\n');
}

function pathOf(input: Input): string {
  return `/api/profiles/${encodeURIComponent(input.positionals[0] ?? '')}`;
}

const put: Verb = {
  name: 'profile put',
  usage: 'profile put NAME (--template TEMPLATE [--set "k=v,k=v"] | --file FILE) [--all|--device D|--user U|--tag T]',
  summary:
    'Makes a profile, or puts it in place of the one of that name. Without a word on whom it is for, that stays.',
  positionals: ['NAME'],
  options: {
    template: { type: 'string', help: 'a ready profile: see profile templates' },
    set: { type: 'string', help: 'what is filled in, e.g. deferQualityDays=14,drivers=false' },
    file: {
      type: 'string',
      help: 'JSON as PUT /api/profiles/{name} takes it; the way for secrets, which do not belong into a command line',
    },
    ...ASSIGNMENT,
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const assignedTo = await assignmentOf(input);
    const body = { ...bodyOf(input), ...(assignedTo && { assignedTo }) };
    const { profile, effectiveWithinSeconds } = await connect(input).call<{
      profile: Profile;
      effectiveWithinSeconds: number;
    }>('PUT', pathOf(input), body);
    const text = `${describe(profile)}\nDevices get it when they call, from ${effectiveWithinSeconds} seconds on.`;
    return { value: profile, text };
  },
};

function bodyOf(input: Input): object {
  const { template, set, file } = input.options;
  if ((template === undefined) === (file === undefined)) throw new UsageError('Give --template or --file');
  if (file !== undefined) return readBody(file);
  return { template, input: Object.fromEntries((set ?? '').split(',').filter(Boolean).map(pair)) };
}

function readBody(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as object;
  } catch (error) {
    throw new UsageError(`${file} is not JSON that can be read: ${(error as Error).message}`);
  }
}

/** Numbers, true and false are what they look like; everything else is text. */
function pair(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--set takes name=value, and not ${text}`);
  const value = text.slice(at + 1);
  const isPlain = /^(-?\d{1,9}|true|false)$/.test(value);
  return [text.slice(0, at), isPlain ? JSON.parse(value) : value];
}

const assign: Verb = {
  name: 'profile assign',
  usage: 'profile assign NAME (--all|--device D|--user U|--tag T) [--remove]',
  summary: 'Adds devices, users or tags to whom a profile is for, or takes them from it.',
  positionals: ['NAME'],
  options: { remove: { type: 'boolean', help: 'takes them from it' }, ...ASSIGNMENT, ...CONNECTION_OPTIONS },
  async run(input) {
    const whom = await assignmentOf(input);
    if (!whom) throw new UsageError('Say for whom: --all, --device, --user or --tag');
    const body = input.flags['remove'] ? { remove: whom } : { add: whom };
    const { profile } = await connect(input).call<{ profile: Profile }>('POST', `${pathOf(input)}/assignments`, body);
    return { value: profile, text: describe(profile) };
  },
};

const remove: Verb = {
  name: 'profile delete',
  usage: 'profile delete NAME',
  summary: 'Deletes a profile; every device takes back what it set when it calls.',
  positionals: ['NAME'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const deleted = await connect(input).call<{ profile: Profile }>('DELETE', pathOf(input));
    return {
      value: deleted,
      text: `${deleted.profile.name} is deleted. Devices take back what it set when they call.`,
    };
  },
};

const templates: Verb = {
  name: 'profile templates',
  usage: 'profile templates [NAME]',
  summary: 'Lists the ready profiles, or what one of them takes.',
  positionals: ['[NAME]'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const { items } = await connect(input).call<{ items: Template[] }>('GET', '/api/profile-templates');
    const [name] = input.positionals;
    if (name === undefined) {
      const rows = items.map((each) => ({ name: each.name, summary: each.summary }));
      return { value: items, text: table(rows, 'There are none.') };
    }
    const form = items.find((each) => each.name === name);
    if (!form) throw new UsageError(`There is no template ${name}. See: node lanyard profile templates`);
    return { value: form, text: describeTemplate(form) };
  },
};

function describeTemplate({ title, summary, notes, input }: Template): string {
  const rows = Object.entries(input.properties ?? {}).map(([name, { type, default: value, enum: choices }]) => ({
    name,
    takes: choices ? choices.join('|') : (type ?? ''),
    default: value === undefined ? (input.required?.includes(name) ? 'needed' : '') : JSON.stringify(value),
  }));
  return [`${title}: ${summary}`, ...notes.map((note) => `- ${note}`), table(rows, 'It takes nothing.')].join('\n');
}

const conflicts: Verb = {
  name: 'profile conflicts',
  usage: 'profile conflicts',
  summary: 'Lists the profiles that ask for different values of one setting.',
  options: CONNECTION_OPTIONS,
  async run(input) {
    const { items } = await connect(input).call<{
      items: { target: string; profiles: string[]; overlap: string }[];
    }>('GET', '/api/profile-conflicts');
    const rows = items.map(({ profiles, overlap, target }) => ({
      profiles: profiles.join(' '),
      overlap,
      setting: target,
    }));
    return { value: items, text: table(rows, 'No profiles contradict each other.') };
  },
};

const failing: Verb = {
  name: 'profile failing',
  usage: 'profile failing NAME [--days N] [--undone-days N] [--target LOCURI]',
  summary: 'Lists the devices on which a profile does not hold, or those that have refused it for so many days.',
  positionals: ['NAME'],
  options: {
    days: { type: 'string', help: 'those that have refused it for so many days' },
    'undone-days': { type: 'string', help: 'those on which it was undone again and again for so many days' },
    target: { type: 'string', help: 'one setting of it' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const asked = { failedForDays: numberOf(input, 'days'), undoneForDays: numberOf(input, 'undone-days') };
    const given = Object.entries({ ...asked, target: input.options['target'] });
    const query = Object.fromEntries(
      given.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    );
    const items = await listAll<{
      id: string;
      name: string;
      user: string;
      lastContactDay?: string;
      problem: { state: string; since: string; drifts?: { target: string; count: number } };
    }>(connect(input), `${pathOf(input)}/devices`, query);
    const rows = items.map(({ id, name, user, problem, lastContactDay }) => ({
      id,
      name,
      user,
      state: problem.state,
      since: problem.since.slice(0, 10),
      undone: problem.drifts ? `${problem.drifts.count} times: ${problem.drifts.target}` : '',
      'last contact': lastContactDay ?? 'never',
    }));
    return { value: items, text: table(rows, 'It holds on every device that it is for, as far as they have called.') };
  },
};

const of: Verb = {
  name: 'profile of',
  usage: 'profile of DEVICE',
  summary: 'Shows the profiles of a device and the state of each setting.',
  positionals: ['DEVICE'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const admin = connect(input);
    const path = await devicePath(admin, input.positionals[0] ?? '');
    const state = await admin.call<{ settings: Setting[]; note?: string }>('GET', `${path}/profiles`);
    if (state.note) return { value: state, text: printable(state.note) };
    const rows = state.settings.map(({ target, profiles, state: is, status, reason }) => ({
      state: is,
      status: status ?? '',
      profiles: profiles.join(' '),
      setting: target,
      reason: reason ?? '',
    }));
    return { value: state, text: table(rows, 'No profile applies to it.') };
  },
};

const tag: Verb = {
  name: 'tag',
  usage: 'tag DEVICE ["TAG,TAG"]',
  summary: 'Gives a device these tags in place of those it has; without one takes all of them.',
  positionals: ['DEVICE', '[TAGS]'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const [device = '', tags = ''] = input.positionals;
    const admin = connect(input);
    const named = tags.split(',').filter((each) => each.trim() !== '');
    const changed = await admin.call<{ name: string; tags?: string[] }>(
      'PUT',
      `${await devicePath(admin, device)}/tags`,
      {
        tags: named,
      },
    );
    return { value: changed, text: printable(`${changed.name}: ${changed.tags?.join(', ') || 'no tags'}`) };
  },
};

export const PROFILE_VERBS: readonly Verb[] = [list, show, put, assign, remove, templates, conflicts, failing, of, tag];
