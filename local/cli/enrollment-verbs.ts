import type { AdminClient } from '../admin-client.ts';
import { actorOf, CONNECTION_OPTIONS, connect, devicePath, listAll } from './connection.ts';
import { printable } from './printable.ts';
import { type Input, needed, table, UsageError, type Verb } from './verb.ts';

/** Who may enroll, what became of each try, and who decided it. */

interface Attempt {
  traceId: string;
  at: string;
  user: string;
  userProved?: boolean;
  outcome: string;
  step: string;
  cause?: string;
  reason: string;
  enrollmentId?: string;
  device: Record<string, string>;
  onThePc?: { hresult?: string; windowsSays?: string; message: string };
  remedy?: string;
}

interface Refusal {
  kind: string;
  value: string;
  reason: string;
  person: string;
  at: string;
}

interface InvitationListed {
  id: string;
  state: string;
  expiresAt: string;
  maxDevices: number;
  createdBy: string;
  devices: { enrollmentId: string }[];
}

const attempts: Verb = {
  name: 'attempts',
  usage: 'attempts [TRACEID] [--day YYYY-MM-DD] [--user USER@DOMAIN] [--days N]',
  summary: 'Says why a PC was refused, by the TraceId that it shows; without one lists what was tried today.',
  positionals: ['[TRACEID]'],
  options: {
    day: { type: 'string', help: 'list this day (UTC) in place of today' },
    user: { type: 'string', help: 'list what this user tried in the last 30 days' },
    days: { type: 'string', help: 'with --user: so many days back, at most 90' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const [traceId] = input.positionals;
    return traceId === undefined ? listAttempts(input) : explainAttempt(input, traceId);
  },
};

async function listAttempts(input: Input) {
  const asked = ['day', 'user', 'days'].flatMap((name) => (input.options[name] ? [[name, input.options[name]]] : []));
  const items = await listAll<Attempt>(connect(input), '/api/enrollment-attempts', Object.fromEntries(asked));
  const rows = items.map(({ at, user, outcome, cause, device, traceId }) => ({
    at: at.slice(0, 19).replace('T', ' '),
    user,
    pc: device['DeviceName'],
    outcome: cause ?? outcome,
    TraceId: traceId,
  }));
  return { value: items, text: table(rows, 'Nobody tried, or not within what is kept.') };
}

async function explainAttempt(input: Input, traceId: string) {
  const attempt = await connect(input).call<Attempt>('GET', `/api/enrollment-attempts/${encodeURIComponent(traceId)}`);
  return { value: attempt, text: storyOf(attempt) };
}

/** What happened, in the order in which somebody on the phone wants to hear it. */
function storyOf(attempt: Attempt): string {
  const { at, user, userProved, outcome, step, cause, reason, enrollmentId, device, onThePc, remedy } = attempt;
  const claimed = userProved === false ? ' (so the caller said)' : '';
  const facts = Object.entries(device).map(([name, value]) => `${name} ${value}`);
  const lines: [string, string | undefined][] = [
    ['When', `${at} (UTC)`],
    ['User', user === '' ? 'nobody was named' : `${user}${claimed}`],
    ['Outcome', cause ? `${outcome} at ${step}: ${cause}` : outcome],
    ['Why', reason],
    ['On the PC', onThePc?.hresult && `${onThePc.hresult}: ${onThePc.windowsSays}`],
    [step === 'signIn' ? 'On the page' : 'Message', onThePc?.message],
    ['What to do', remedy],
    ['Device', enrollmentId],
    ['It said', facts.join(', ') || undefined],
  ];
  return lines.flatMap(([name, text]) => (text ? [`${name.padEnd(11)} ${printable(text)}`] : [])).join('\n');
}

const refuse: Verb = {
  name: 'refuse',
  usage: 'refuse user|serial|hardwareId|device VALUE --reason TEXT',
  summary:
    'Keeps a user or a PC from enrolling; device takes an enrolled PC that must not come back. Devices that are enrolled stay: see block, unenroll.',
  positionals: ['KIND', 'VALUE'],
  options: { reason: { type: 'string', help: 'why; the journal shows it' }, ...CONNECTION_OPTIONS },
  async run(input) {
    const body = { reason: needed(input, 'reason'), person: actorOf(input) };
    const admin = connect(input);
    const made = await admin.call<Refusal>('PUT', await refusalPath(admin, input), body);
    return { value: made, text: printable(`${made.kind} ${made.value} cannot enroll any more.`) };
  },
};

const allow: Verb = {
  name: 'allow',
  usage: 'allow user|serial|hardwareId|device VALUE',
  summary: 'Lets a user or a PC enroll again that was refused.',
  positionals: ['KIND', 'VALUE'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const admin = connect(input);
    const was = await admin.call<Refusal>('DELETE', await refusalPath(admin, input));
    return { value: was, text: printable(`${was.kind} ${was.value} may enroll again. It was refused: ${was.reason}`) };
  },
};

/** A device may be named by its name, as with every verb. */
async function refusalPath(admin: AdminClient, { positionals: [kind = '', value = ''] }: Input): Promise<string> {
  const isDevice = kind.toLowerCase() === 'device';
  const target = isDevice ? (await devicePath(admin, value)).split('/').at(-1)! : value;
  return `/api/refusals/${encodeURIComponent(kind)}/${encodeURIComponent(target)}`;
}

const refusals: Verb = {
  name: 'refusals',
  usage: 'refusals',
  summary: 'Lists the users and PCs that cannot enroll.',
  options: CONNECTION_OPTIONS,
  async run(input) {
    const items = await listAll<Refusal>(connect(input), '/api/refusals');
    const rows = items.map(({ kind, value, person, at, reason }) => ({
      kind,
      value,
      by: person,
      since: at.slice(0, 10),
      reason,
    }));
    return { value: items, text: table(rows, 'Nobody is refused by name.') };
  },
};

const invitations: Verb = {
  name: 'invitations',
  usage: 'invitations USER@DOMAIN',
  summary: 'Lists the invitations of a user and what enrolled with them. Secrets are not kept.',
  positionals: ['USER@DOMAIN'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const query = new URLSearchParams({ user: input.positionals[0] ?? '' });
    const { items } = await connect(input).call<{ items: InvitationListed[] }>('GET', `/api/invitations?${query}`);
    const rows = items.map(({ id, state, expiresAt, maxDevices, devices, createdBy }) => ({
      id,
      state,
      until: expiresAt.slice(0, 16).replace('T', ' '),
      used: `${devices.length} of ${maxDevices}`,
      by: createdBy,
      devices: devices.map(({ enrollmentId }) => enrollmentId).join(', '),
    }));
    return { value: items, text: table(rows, 'This user has no invitations.') };
  },
};

const withdraw: Verb = {
  name: 'withdraw',
  usage: 'withdraw USER@DOMAIN INVITATION',
  summary: 'Ends an invitation before its time. Devices that have enrolled with it stay.',
  positionals: ['USER@DOMAIN', 'INVITATION'],
  options: CONNECTION_OPTIONS,
  async run(input) {
    const [user = '', id = ''] = input.positionals;
    const path = `/api/invitations/${encodeURIComponent(id)}?${new URLSearchParams({ user })}`;
    const ended = await connect(input).call<InvitationListed>('DELETE', path);
    return { value: ended, text: printable(`Invitation ${ended.id} is ${ended.state}.`) };
  },
};

function blockVerb(name: 'block' | 'unblock', summary: string): Verb {
  return {
    name,
    usage: `${name} DEVICE --reason TEXT`,
    summary,
    positionals: ['DEVICE'],
    options: { reason: { type: 'string', help: 'why; it is recorded' }, ...CONNECTION_OPTIONS },
    async run(input) {
      const reason = needed(input, 'reason');
      const admin = connect(input);
      const path = await devicePath(admin, input.positionals[0] ?? '');
      const device = await admin.call<{ name: string; state: string }>('POST', `${path}/${name}`, { reason });
      return { value: device, text: printable(`${device.name}: ${device.state}.`) };
    },
  };
}

const audit: Verb = {
  name: 'audit',
  usage: 'audit [--day YYYY-MM-DD]',
  summary: 'Lists what administrators did today, or on another day.',
  options: { day: { type: 'string', help: 'the day (UTC)' }, ...CONNECTION_OPTIONS },
  async run(input) {
    const { day } = input.options;
    if (day !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new UsageError('--day takes a day as 2026-03-01');
    const items = await listAll<Record<string, string>>(connect(input), '/api/audit', day ? { day } : {});
    const rows = items.map(({ at = '', actor, act, subject, outcome }) => ({
      at: at.slice(11, 19),
      actor,
      act,
      subject,
      outcome,
    }));
    return { value: items, text: table(rows, 'Nobody did anything.') };
  },
};

export const ENROLLMENT_VERBS: readonly Verb[] = [
  invitations,
  withdraw,
  attempts,
  refuse,
  allow,
  refusals,
  blockVerb(
    'block',
    'Refuses a stolen device outright. It cannot be told anything any more, so wipe it first if you can.',
  ),
  blockVerb('unblock', 'Lets a blocked device speak again, in the state that it had.'),
  audit,
];
