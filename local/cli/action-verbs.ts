import { CONNECTION_OPTIONS, connect, devicePath } from './connection.ts';
import { printable } from './printable.ts';
import { table, UsageError, type Verb } from './verb.ts';

interface ActionShown {
  name: string;
  summary: string;
  input: { properties?: Record<string, { type?: string; enum?: string[] }>; required?: string[] };
}

interface Done {
  action: string;
  warnings: string[];
  items: { id: string; verb: string; target?: string; items?: { target: string }[]; state: string }[];
}

const actions: Verb = {
  name: 'actions',
  usage: 'actions',
  summary: 'Lists what can be done with a device, and what each takes; what is needed has a star.',
  options: CONNECTION_OPTIONS,
  async run(input) {
    const { items } = await connect(input).call<{ items: ActionShown[] }>('GET', '/api/actions');
    const rows = items.map(({ name, summary, input: { properties = {}, required = [] } }) => ({
      action: name,
      takes: Object.keys(properties)
        .map((each) => (required.includes(each) ? `${each}*` : each))
        .join(', '),
      'what it does': summary,
    }));
    return { value: items, text: table(rows, 'There are none.') };
  },
};

const MOST = 10;

const action: Verb = {
  name: 'action',
  usage: 'action DEVICE ACTION [NAME=VALUE …]',
  summary:
    'Has something done with a device when it next calls: restart, rename, scan, install, wipe. See: node lanyard actions',
  positionals: ['DEVICE', 'ACTION', ...Array.from({ length: MOST }, () => '[NAME=VALUE]')],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const [device = '', name = '', ...given] = input.positionals;
    const admin = connect(input);
    const { items } = await admin.call<{ items: ActionShown[] }>('GET', '/api/actions');
    const known = items.find((each) => each.name === name);
    if (!known)
      throw new UsageError(`There is no action ${name}. There are: ${items.map((each) => each.name).join(', ')}`);
    const body = Object.fromEntries(given.map((each) => valueOfWord(each, known)));
    const done = await admin.call<Done>('POST', `${await devicePath(admin, device)}/actions/${name}`, body);
    return { value: done, text: textOf(done) };
  },
};

interface UploadedLog {
  file: string;
  name: string;
  size: number;
  uploadedAt: string;
}

const logs: Verb = {
  name: 'logs',
  usage: 'logs DEVICE [FILE]',
  summary:
    'Lists the logs that a device uploaded (action collect-logs); with FILE, an address to fetch it for 15 minutes.',
  positionals: ['DEVICE', '[FILE]'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const [device = '', file] = input.positionals;
    const admin = connect(input);
    const path = `${await devicePath(admin, device)}/logs`;
    if (file !== undefined) {
      const link = await admin.call<{ url: string; expiresAt: string }>('POST', `${path}/${encodeURIComponent(file)}`);
      return { value: link, text: `${link.url}\n\nGood until ${link.expiresAt}, for everybody who has it.` };
    }
    const { items } = await admin.call<{ items: UploadedLog[] }>('GET', path);
    const rows = items.map(({ file: id, name, size, uploadedAt }) => ({
      file: id,
      name: printable(name).slice(0, 80),
      size: `${Math.ceil(size / 1024)} KiB`,
      uploaded: uploadedAt.slice(0, 19),
    }));
    return {
      value: items,
      text: table(rows, 'Nothing was uploaded. Ask for it with: node lanyard action DEVICE collect-logs'),
    };
  },
};

export const ACTION_VERBS: readonly Verb[] = [actions, action, logs];

/** `name=value`, as the type that the action takes. */
function valueOfWord(word: string, { input }: ActionShown): [string, unknown] {
  const at = word.indexOf('=');
  if (at < 1) throw new UsageError(`"${word}" is not of the form NAME=VALUE`);
  const [name, text] = [word.slice(0, at), word.slice(at + 1)];
  const type = input.properties?.[name]?.type;
  if (type === 'boolean' && (text === 'true' || text === 'false')) return [name, text === 'true'];
  if (type === 'integer' && /^-?\d{1,9}$/.test(text)) return [name, Number(text)];
  return [name, text];
}

function textOf({ warnings, items }: Done): string {
  const rows = items.map(({ id, verb, target, items: several, state }) => ({
    command: id,
    verb,
    target: target ?? `${several?.length ?? 0} items`,
    state,
  }));
  return [table(rows, 'Nothing was queued.'), '', ...warnings.map((each) => `- ${printable(each)}`)].join('\n');
}
