import { readFileSync } from 'node:fs';
import { CONNECTION_OPTIONS, connect, devicePath, listAll } from './connection.ts';
import { recordLines } from './record-lines.ts';
import { unenroll } from './unenroll-verb.ts';
import { type Input, numberOf, table, UsageError, type Verb } from './verb.ts';

interface ListEntry {
  id: string;
  name: string;
  user: string;
  state: string;
  unenrollState?: string;
  lastContactDay?: string;
  certificateEnd: string;
}

interface CommandShown {
  id: string;
  verb: string;
  target?: string;
  items?: { target: string }[];
  /** what an Atomic holds */
  commands?: { target: string }[];
  state: string;
  status?: number;
  reason?: string;
  results?: ({ data?: string; head?: string } | null)[];
}

const devices: Verb = {
  name: 'devices',
  usage: 'devices [--expiring DAYS]',
  summary: 'Lists all devices, or those whose certificates end soon because they did not renew.',
  options: {
    expiring: { type: 'string', help: 'only those whose certificates end within so many days, or have ended' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const expiring = numberOf(input, 'expiring');
    const query: Record<string, string> = expiring === undefined ? {} : { expiring: String(expiring) };
    const items = await listAll<ListEntry>(connect(input), '/api/devices', query);
    const rows = items.map(({ id, name, user, state, unenrollState, lastContactDay, certificateEnd }) => ({
      id,
      name,
      user,
      state: unenrollState && state === 'unenrolling' ? `${state} (${unenrollState})` : state,
      'last contact': lastContactDay ?? 'never',
      'certificate until': certificateEnd.slice(0, 10),
    }));
    return {
      value: items,
      text: table(rows, 'There are no devices yet. Invite somebody: node lanyard invite USER@DOMAIN'),
    };
  },
};

const show: Verb = {
  name: 'show',
  usage: 'show DEVICE',
  summary: 'Shows a device: what it is, when it last called, what it said, and its last commands.',
  positionals: ['DEVICE'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const admin = connect(input);
    const path = await devicePath(admin, input.positionals[0] ?? '');
    const device = await admin.call<Record<string, unknown>>('GET', path);
    const commands = await admin.call<{ items: CommandShown[] }>('GET', `${path}/commands?limit=20`);
    const { facts, enrollment: _enrollment, certificates: _certificates, devInfo: _devInfo, ...top } = device;
    const lines = recordLines({ ...top, ...(facts as object) });
    return {
      value: { ...device, commands: commands.items },
      text: `${lines.join('\n')}\n\n${commandTable(commands.items)}`,
    };
  },
};

const send: Verb = {
  name: 'send',
  usage:
    'send DEVICE VERB TARGET [--data TEXT | --data-file FILE] [--format chr|int|bool|b64|xml|node|null] [--secret] [--expires HOURS]',
  summary: 'Queues a command (Get, Add, Replace, Delete, Exec) for the device; it goes out when the device next calls.',
  positionals: ['DEVICE', 'VERB', 'TARGET'],
  options: {
    data: { type: 'string', help: 'the data of the command' },
    'data-file': { type: 'string', help: 'a file that holds the data: keeps a secret out of the history of the shell' },
    format: { type: 'string', help: 'the format of the data' },
    secret: { type: 'boolean', help: 'the data is encrypted where it is kept and shown to nobody' },
    expires: { type: 'string', help: 'hours after which it is not sent any more (default 720)' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const [device = '', verb, target] = input.positionals;
    const { format } = input.options;
    const body = {
      verb,
      target,
      data: dataOf(input),
      format,
      ...(input.flags['secret'] ? { secret: true } : {}),
      expiresInHours: numberOf(input, 'expires'),
    };
    const admin = connect(input);
    const path = await devicePath(admin, device);
    const queued = await admin.call<{ items: CommandShown[] }>('POST', `${path}/commands`, body);
    return { value: queued, text: commandTable(queued.items) };
  },
};

const cancel: Verb = {
  name: 'cancel',
  usage: 'cancel DEVICE COMMAND',
  summary: 'Takes a command back that has not been sent yet.',
  positionals: ['DEVICE', 'COMMAND'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const [device = '', command = ''] = input.positionals;
    const admin = connect(input);
    const path = await devicePath(admin, device);
    const cancelled = await admin.call<CommandShown>('DELETE', `${path}/commands/${encodeURIComponent(command)}`);
    return { value: cancelled, text: commandTable([cancelled]) };
  },
};

export const ADMIN_VERBS: readonly Verb[] = [devices, show, send, cancel, unenroll];

/** Without the end of line that editors put at the end of a file. @throws {UsageError} when it cannot be read */
function dataOf(input: Input): string | undefined {
  const file = input.options['data-file'];
  if (file === undefined) return input.options['data'];
  if (input.options['data'] !== undefined) throw new UsageError('--data and --data-file exclude each other');
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch {
    throw new UsageError(`There is no file ${file} that can be read`);
  }
}

function commandTable(commands: CommandShown[]): string {
  const rows = commands.map(({ id, verb, target, items, commands: parts, state, status, reason, results }) => ({
    command: id,
    verb,
    target: target ?? `${items?.length ?? parts?.length ?? 0} items`,
    state,
    status,
    result: (results?.[0]?.data ?? results?.[0]?.head ?? reason ?? '').replace(/\s+/g, ' ').slice(0, 80),
  }));
  return table(rows, 'No commands.');
}
