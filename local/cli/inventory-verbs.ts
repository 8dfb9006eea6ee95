import { CONNECTION_OPTIONS, connect, devicePath } from './connection.ts';
import { table, type Verb } from './verb.ts';

interface Shown {
  values: { area: string; name: string; value: string | null; means?: string; readAt?: string; status?: number }[];
  lists: { name: string; readAt?: string; rows: Record<string, string>[]; note?: string }[];
}

const inventory: Verb = {
  name: 'inventory',
  usage: 'inventory DEVICE [--refresh]',
  summary:
    'Shows what a device is made of, how it is protected and what is installed on it, each with the time it was read.',
  positionals: ['DEVICE'],
  options: {
    refresh: { type: 'boolean', help: 'have all of it read when the device next calls' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const admin = connect(input);
    const path = `${await devicePath(admin, input.positionals[0] ?? '')}/inventory`;
    const shown = await admin.call<Shown>(input.flags['refresh'] ? 'POST' : 'GET', path);
    return { value: shown, text: textOf(shown) };
  },
};

export const INVENTORY_VERBS: readonly Verb[] = [inventory];

function textOf({ values, lists }: Shown): string {
  const rows = values.map(({ area, name, value, means, readAt, status }) => ({
    area,
    name,
    value: means ? `${means} (${value})` : (value ?? (status ? `none (${status})` : '')),
    'read at': readAt?.slice(0, 16) ?? 'not yet',
  }));
  const parts = lists.map(({ name, readAt, rows: items, note }) => {
    const head = `${name}, ${readAt ? `read at ${readAt.slice(0, 16)}` : 'not read yet'}${note ? `. ${note}` : ''}`;
    return `${head}\n${table(items, 'Nothing.')}`;
  });
  return [table(rows, 'Nothing.'), ...parts].join('\n\n');
}
