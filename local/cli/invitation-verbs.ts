import { rm, writeFile } from 'node:fs/promises';
import { CONNECTION_OPTIONS, connect } from './connection.ts';
import { printable } from './printable.ts';
import { type Input, needed, numberOf, UsageError, type Verb } from './verb.ts';

interface InvitationMade {
  user: string;
  secret: string;
  expiresAt: string;
  maxDevices: number;
  deepLink: string;
  joinPage: string;
  provisioningPackage?: string;
}

const TERMS: NonNullable<Verb['options']> = {
  hours: { type: 'string', help: 'how long it is good (default: the setting, 72)' },
  until: { type: 'string', help: 'in its place: a day such as 2026-12-31, to its end (UTC), or a time' },
  devices: { type: 'string', help: 'how many devices may enroll with it (default: the setting, 1)' },
  ownership: { type: 'string', help: 'whose the PC is: unknown, personal or corporate' },
  tenant: { type: 'string', help: 'the tenant identifier of the deep link' },
};

function bodyOf(input: Input): object {
  const { ownership, tenant, until } = input.options;
  return {
    user: input.positionals[0],
    expiresInHours: numberOf(input, 'hours'),
    expiresAt: until && /^\d{4}-\d{2}-\d{2}$/.test(until) ? `${until}T23:59:59Z` : until,
    maxDevices: numberOf(input, 'devices'),
    ownership,
    tenantIdentifier: tenant,
  };
}

const invite: Verb = {
  name: 'invite',
  usage: 'invite USER@DOMAIN [--hours N | --until DAY] [--devices N] [--ownership WHOSE] [--device GUID] [--tenant ID]',
  summary:
    'Lets a user enroll: prints the page to send, the deep link, the secret that is typed as the password in Settings, and a mail to copy. All of it is shown this once.',
  positionals: ['USER@DOMAIN'],
  options: {
    ...TERMS,
    device: { type: 'string', help: 'the device identifier of the deep link, a GUID of yours' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const body = { ...bodyOf(input), deviceIdentifier: input.options['device'] };
    const made = await connect(input).call<InvitationMade>('POST', '/api/invitations', body);
    const lines = [
      `User      ${made.user}`,
      `Secret    ${made.secret}   (type it as the password; it is not shown again)`,
      `Until     ${made.expiresAt}`,
      `Page      ${made.joinPage}`,
      `Link      ${made.deepLink}`,
    ];
    return { value: made, text: `${lines.map(printable).join('\n')}\n\n${mailFor(made)}` };
  },
};

/** A mail that says the same without the link, which mail programs drop, and without a script, which some browsers do. */
function mailFor({ user, secret, expiresAt, joinPage, deepLink }: InvitationMade): string {
  const until = `${expiresAt.slice(0, 16).replace('T', ' ')} UTC`;
  const server = new URLSearchParams(deepLink.slice(deepLink.indexOf('?'))).get('servername') ?? '';
  return [
    '--- a mail to copy ---',
    'Please connect your Windows PC to our organisation.',
    '',
    'On that PC, open this page in Microsoft Edge and press its button:',
    printable(joinPage),
    '',
    'Or by hand: Settings > Accounts > Access work or school > Enroll only in device management.',
    `  User name   ${printable(user)}`,
    `  Server      ${printable(server)}   (if you are asked)`,
    `  Password    ${secret}`,
    '',
    `This is for you alone and good until ${until}. Sign in to the PC as its administrator first.`,
    '----------------------',
  ].join('\n');
}

async function makePackage(input: Input): Promise<InvitationMade> {
  return connect(input).call<InvitationMade>('POST', '/api/invitations', { ...bodyOf(input), bulk: true });
}

const bulkPackage: Verb = {
  name: 'package',
  usage: 'package USER@DOMAIN --devices N --out FILE [--hours N | --until DAY] [--ownership WHOSE] [--tenant ID]',
  summary:
    'Makes an invitation for many PCs and writes customizations.xml, out of which Windows Configuration Designer makes a provisioning package. The file holds the secret. USER@DOMAIN names the package and need be nobody.',
  positionals: ['USER@DOMAIN'],
  options: {
    ...TERMS,
    out: { type: 'string', help: 'the file to write; it must not be there yet' },
    ...CONNECTION_OPTIONS,
  },
  async run(input) {
    const out = needed(input, 'out');
    needed(input, 'devices');
    // First the file, so that nothing is made that then cannot be written.
    await writeFile(out, '', { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(error.code === 'EEXIST' ? `There is a file ${out} already` : `${out}: ${error.message}`);
    });
    const made = await makePackage(input).catch(async (error) => {
      await rm(out);
      throw error;
    });
    await writeFile(out, made.provisioningPackage ?? '');
    const { maxDevices, expiresAt } = made;
    const text = `${out}: ${maxDevices} PCs may enroll with it until ${expiresAt}. It holds the secret: keep it as you keep a password. Next: docs/bulk.md`;
    return { value: { ...made, file: out }, text: printable(text) };
  },
};

export const INVITATION_VERBS: readonly Verb[] = [invite, bulkPackage];
