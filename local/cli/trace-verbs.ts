import { CONNECTION_OPTIONS, connect, devicePath, listAll } from './connection.ts';
import { printable } from './printable.ts';
import { numberOf, table, type Verb } from './verb.ts';

interface Traced {
  n: string;
  at: string;
  sessionId: string;
  msgId: string;
  device: string;
  server: string;
}

interface Exchange {
  n: string;
  at: string;
  repeated?: true;
  messages: { direction: 'fromDevice' | 'toDevice'; words: string[]; xml: string }[];
}

const DEFAULT_HOURS = 24;

const on: Verb = {
  name: 'trace on',
  usage: 'trace on DEVICE [--hours HOURS]',
  summary:
    'Keeps what a device and the server say to each other, from its next message on, to be looked at for 7 days.',
  positionals: ['DEVICE'],
  options: {
    hours: { type: 'string', help: `for how long, 1 to 72 (default ${DEFAULT_HOURS})` },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const admin = connect(input);
    const path = await devicePath(admin, input.positionals[0] ?? '');
    const hours = numberOf(input, 'hours') ?? DEFAULT_HOURS;
    const value = await admin.call<{ trace: { until: string } }>('POST', `${path}/trace`, { hours });
    return { value, text: `Traced until ${value.trace.until}. Look at it with: node lanyard trace show DEVICE` };
  },
};

const off: Verb = {
  name: 'trace off',
  usage: 'trace off DEVICE',
  summary: 'Ends a trace before its time; what it kept can still be looked at.',
  positionals: ['DEVICE'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const admin = connect(input);
    const path = await devicePath(admin, input.positionals[0] ?? '');
    return { value: await admin.call('DELETE', `${path}/trace`), text: 'The trace is off.' };
  },
};

const show: Verb = {
  name: 'trace show',
  usage: 'trace show DEVICE [MESSAGE] [--xml]',
  summary:
    'Lists what was traced of a device, or says one message and its reply in words; --xml shows them as sent, without secrets.',
  positionals: ['DEVICE', '[MESSAGE]'],
  options: { xml: { type: 'boolean', help: 'the XML of the message too' }, ...CONNECTION_OPTIONS },
  async run(input) {
    const [device = '', n] = input.positionals;
    const admin = connect(input);
    const path = `${await devicePath(admin, device)}/trace`;
    if (n === undefined) {
      const items = await listAll<Traced>(admin, path);
      const rows = items.map(({ n: message, at, sessionId, msgId, device: says, server }) => ({
        message,
        at: at.slice(0, 19),
        session: `${sessionId}/${msgId}`,
        device: says.slice(0, 70),
        server: server.slice(0, 70),
      }));
      return { value: items, text: table(rows, 'Nothing was traced. Switch it on with: node lanyard trace on DEVICE') };
    }
    const exchange = await admin.call<Exchange>('GET', `${path}/${encodeURIComponent(n)}`);
    return { value: exchange, text: textOf(exchange, input.flags['xml'] ?? false) };
  },
};

export const TRACE_VERBS: readonly Verb[] = [on, off, show];

function textOf({ at, repeated, messages }: Exchange, withXml: boolean): string {
  const parts = messages.flatMap(({ direction, words, xml }) => [
    direction === 'fromDevice' ? 'The device to the server:' : 'The server to the device:',
    ...words.map((sentence) => `  ${printable(sentence)}`),
    ...(withXml ? ['', ...xml.split('\n').map((line) => `  ${printable(line)}`), ''] : []),
  ]);
  return [`${at}${repeated ? ' (sent a second time)' : ''}`, ...parts].join('\n');
}
