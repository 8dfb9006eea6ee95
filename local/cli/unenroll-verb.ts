import { confirm } from './confirm.ts';
import { actorOf, CONNECTION_OPTIONS, connect, devicePath } from './connection.ts';
import { printable } from './printable.ts';
import { type Input, type Output, UsageError, type Verb } from './verb.ts';

interface Consequence {
  what: string;
  known: string[];
}

interface Preview {
  name: string;
  user: string;
  state: string;
  removes: Consequence[];
  keeps: Consequence[];
  join: { kind: string; meaning: string };
  gate: { decision: string; reason: string; opensBy?: string };
  commandsOpen: number;
  warnings: string[];
}

interface Asked {
  name: string;
  state: string;
  unenroll?: { state: string; reason: string };
  localAdministrator?: { name: string; password: string };
}

/** Shows what would happen, asks, and then asks the device to leave; or takes that back. */
export const unenroll: Verb = {
  name: 'unenroll',
  usage:
    'unenroll DEVICE [--after-queue] [--local-administrator NAME | --laps | --accept-risk REASON] [--yes] | unenroll DEVICE --preview | --call-off',
  summary:
    'Asks a device to leave at its next call, after showing what that removes. A device that is joined to Entra is held until it is shown that somebody can still sign in, or somebody takes the risk that nobody can.',
  positionals: ['DEVICE'],
  options: {
    preview: { type: 'boolean', help: 'only show what would happen' },
    yes: { type: 'boolean', help: 'do not ask' },
    'after-queue': { type: 'boolean', help: 'send the commands that wait first, instead of holding them back' },
    'local-administrator': {
      type: 'string',
      help: 'make a local administrator of this name; its password is printed once',
    },
    laps: { type: 'boolean', help: 'let LAPS set a new password before' },
    'accept-risk': { type: 'string', help: 'take the risk, with the reason; your name (--actor) is recorded' },
    'call-off': { type: 'boolean', help: 'take the request back, if it was not sent yet' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const admin = connect(input);
    const path = `${await devicePath(admin, input.positionals[0] ?? '')}/unenroll`;
    if (input.flags['call-off']) return told(await admin.call<Asked>('DELETE', path));
    const body = bodyOf(input);
    if (input.flags['preview'] || !input.flags['yes']) {
      const preview = await admin.call<Preview>('GET', path);
      const text = previewText(preview);
      if (input.flags['preview']) return { value: preview, text };
      const question = `Unenroll ${printable(preview.name)}?`;
      if (!(await confirm(text, question))) return { value: preview, text: 'Nothing was asked for.' };
    }
    return told(await admin.call<Asked>('POST', path, body));
  },
};

function bodyOf({ options, flags, ...rest }: Input): object {
  const name = options['local-administrator'];
  const reason = options['accept-risk'];
  if ([name, reason, flags['laps'] || undefined].filter((given) => given !== undefined).length > 1) {
    throw new UsageError('Give one of --local-administrator, --laps and --accept-risk');
  }
  return {
    ...(flags['after-queue'] ? { after: 'queue' } : {}),
    ...(name ? { localAdministrator: { name } } : {}),
    ...(flags['laps'] ? { laps: true } : {}),
    ...(reason ? { acceptRisk: { person: actorOf({ options, flags, ...rest }), reason } } : {}),
  };
}

function told(device: Asked): Output {
  const { name, state, unenroll: request, localAdministrator: account } = device;
  const text = printable(request ? `${name}: ${request.state}. ${request.reason}` : `${name}: ${state}.`);
  const secret = account
    ? `\nLocal administrator: ${account.name}\nPassword:            ${account.password}\n` +
      'Keep it now: it is shown this once. It is good when the device has confirmed the account.'
    : '';
  return { value: device, text: text + secret };
}

/** What the API's preview says, for a terminal. */
export function previewText({
  name,
  user,
  state,
  removes,
  keeps,
  join,
  gate,
  commandsOpen,
  warnings,
}: Preview): string {
  const lines = [
    `${name} of ${user}, ${state}.`,
    '',
    'Windows removes:',
    ...removes.flatMap(consequenceLines),
    'It keeps:',
    ...keeps.flatMap(consequenceLines),
    '',
    `Join:     ${join.kind}. ${join.meaning}`,
    `Gate:     ${gate.decision}. ${gate.reason}`,
    `Commands: ${commandsOpen} have not ended. Those that wait are cancelled when it leaves; --after-queue sends them first.`,
    ...warnings.map((warning) => `Note:     ${warning}`),
  ];
  return lines.map(printable).join('\n');
}

/** Longer lists are in the preview of the API. */
const SHOWN = 10;

function consequenceLines({ what, known }: Consequence): string[] {
  const more = known.length > SHOWN ? [`      and ${known.length - SHOWN} more`] : [];
  return [`  - ${what}`, ...known.slice(0, SHOWN).map((node) => `      ${node}`), ...more];
}
