import { readFileSync, writeFileSync } from 'node:fs';
import { AdminApiError, type AdminClient } from '../admin-client.ts';
import { confirm } from './confirm.ts';
import { CONNECTION_OPTIONS, connect } from './connection.ts';
import { printable } from './printable.ts';
import { type Input, type Output, table, UsageError, type Verb } from './verb.ts';

/** The certificate authority: what there is, and the few things that a person has to do about it. */

const ROUTE = '/api/certificate-authority';

interface Certificate {
  subject: string;
  thumbprint: string;
  notAfter: string;
}

/** What the admin API says of the authority. */
interface State {
  root?: Certificate;
  issuing?: Certificate;
  issuers: (Certificate & { root: string; state: string; neededUntil?: string })[];
  due: { urgency: string; message: string }[];
  awaitingOwnRoot?: string;
}

/** What changes the authority asks for more than the key in the local folder. */
const MASTER_OPTIONS: NonNullable<Verb['options']> = {
  ...CONNECTION_OPTIONS,
  key: { type: 'string', help: 'the master key (LANYARD_KEY); a function or host key is not enough' },
};

const show: Verb = {
  name: 'authority show',
  usage: 'authority show',
  summary: 'Shows the certificate authority: which CA signs, which were before it, and what is due.',
  options: CONNECTION_OPTIONS,
  run: async (input) => shown(await connect(input).call<State>('GET', ROUTE)),
};

const create: Verb = {
  name: 'authority create',
  usage: 'authority create [--root lanyard|own] --key MASTER-KEY',
  summary: 'Makes the device root and the issuing CA where there are none. It may be repeated.',
  options: {
    root: { type: 'string', help: 'lanyard (default), or own: your own root is to sign the issuing CA' },
    ...MASTER_OPTIONS,
  },
  run: (input) => change(input, (admin) => admin.call('POST', ROUTE, rootOf(input, ['lanyard', 'own']))),
};

const rollOver: Verb = {
  name: 'authority roll-over',
  usage: 'authority roll-over [--root current|new|own] [--yes] --key MASTER-KEY',
  summary: 'Makes the next issuing CA, which signs five minutes later. PCs that are enrolled stay managed.',
  options: {
    root: { type: 'string', help: 'below the current root (default), a new one, or your own' },
    yes: { type: 'boolean', help: 'do not ask' },
    ...MASTER_OPTIONS,
  },
  async run(input) {
    const body = rootOf(input, ['current', 'new', 'own']);
    const state = await connect(input).call<State>('GET', ROUTE);
    const where = belowWhich(body.root, state);
    if (!input.flags['yes'] && !(await confirm(shown(state).text, `Make the next issuing CA, ${where}?`))) {
      return { value: state, text: 'Nothing was changed.' };
    }
    const { value, text } = await change(input, (admin) => admin.call('POST', `${ROUTE}/roll-over`, body));
    return { value, text: `Made the next issuing CA, ${where}.\n\n${text}` };
  },
};

function belowWhich(root: string | undefined, state: State): string {
  if (root === 'own') return 'which your own root is to sign';
  if (root === 'new') return 'below a new device root';
  return `below the current root${state.root ? ` ${printable(state.root.subject)}` : ''}`;
}

const signingRequest: Verb = {
  name: 'authority signing-request',
  usage: 'authority signing-request [--out FILE | --give-up] --key MASTER-KEY',
  summary: 'Prints the request that your own root is to sign (PEM), or writes it to a file.',
  options: {
    out: {
      type: 'string',
      help: 'the file to write; PowerShell makes UTF-16 of what > writes, which others cannot read',
    },
    'give-up': { type: 'boolean', help: 'give the request up in place of printing it, and its key with it' },
    ...MASTER_OPTIONS,
  },
  async run(input) {
    const path = `${ROUTE}/signing-request`;
    if (input.flags['give-up']) return change(input, (admin) => admin.call('DELETE', path));
    return asMaster(async () => {
      const value = await connect(input).call<{ signingRequest: string }>('GET', path);
      const { out } = input.options;
      if (out !== undefined) {
        writeTo(out, value.signingRequest);
        return { value, text: `${out}: have your root sign it. Then: node lanyard authority install FILE ROOT-FILE` };
      }
      return { value, text: value.signingRequest.trimEnd() };
    });
  },
};

const install: Verb = {
  name: 'authority install',
  usage: 'authority install FILE [ROOT-FILE] --key MASTER-KEY',
  summary:
    'Installs the issuing certificate that your own root signed, with the root: one file or two; PEM, DER or .p7b.',
  positionals: ['FILE', '[ROOT-FILE]'],
  options: MASTER_OPTIONS,
  async run(input) {
    const certificates = together(input.positionals.map(bytesOf));
    return change(input, (admin) => admin.call('PUT', `${ROUTE}/issuing-certificate`, certificates));
  },
};

export const AUTHORITY_VERBS: readonly Verb[] = [show, create, rollOver, signingRequest, install];

/** Carries out what changes the authority, and shows what came of it. */
function change(input: Input, act: (admin: AdminClient) => Promise<State>): Promise<Output> {
  return asMaster(async () => shown(await act(connect(input))));
}

/** @throws {AdminApiError} that says which key is wanted, where another one was given */
async function asMaster<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AdminApiError) || error.status !== 401) throw error;
    throw new AdminApiError(
      401,
      'This asks for the master key (401). Give it as --key or LANYARD_KEY: "master" in .lanyard/host-keys.json, ' +
        'or in Azure: az functionapp keys list -g GROUP -n ADMIN-APP --query masterKey -o tsv',
    );
  }
}

/** @throws {UsageError} for a word that is not one of these */
function rootOf({ options: { root } }: Input, words: readonly string[]): { root?: string } {
  if (root !== undefined && !words.includes(root)) throw new UsageError(`--root takes ${words.join(', ')}`);
  return root === undefined ? {} : { root };
}

/** @throws {UsageError} when it cannot be written */
function writeTo(file: string, text: string): void {
  try {
    writeFileSync(file, text, 'ascii');
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** @throws {UsageError} when it cannot be read */
function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new UsageError(`There is no file ${file} that can be read`);
  }
}

/** @throws {UsageError} where one file is PEM and the other is not: nobody reads such a mixture */
function together(files: Buffer[]): Buffer {
  const pem = files.filter((bytes) => bytes.includes('-----BEGIN '));
  if (pem.length === 0) return Buffer.concat(files);
  if (pem.length < files.length) throw new UsageError('One file is PEM and the other is not: give both as PEM');
  // Without an end of line between them two PEM files run into each other.
  return Buffer.concat(files.flatMap((bytes) => [bytes, Buffer.from('\n')]));
}

function shown(state: State): Output {
  const { root, issuing, issuers, due, awaitingOwnRoot } = state;
  const line = (name: string, { subject, notAfter }: Certificate) =>
    `${name.padEnd(11)} ${printable(subject)}, until ${notAfter.slice(0, 10)}`;
  const rows = issuers.map(({ subject, root: above, state: is, notAfter, neededUntil }) => ({
    'issuing CA': subject,
    root: above,
    state: is,
    until: notAfter.slice(0, 10),
    'needed until': neededUntil?.slice(0, 10),
  }));
  const lines = [
    ...(root ? [line('Device root', root)] : []),
    ...(issuing ? [line('Issuing CA', issuing)] : []),
    '',
    table(rows, 'There is no certificate authority yet. Make it: node lanyard authority create'),
    '',
    ...(awaitingOwnRoot
      ? [
          `A signing request has waited for your own root since ${awaitingOwnRoot}: node lanyard authority signing-request`,
        ]
      : []),
    ...due.map(({ urgency, message }) => `Due (${urgency}): ${printable(message)}`),
    ...(due.length === 0 && issuing ? ['Nothing is due.'] : []),
  ];
  return { value: state, text: lines.join('\n').trim() };
}
