import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDeepLink } from '../device/deep-link.ts';
import { readProvisioningPackage } from '../device/provisioning-package.ts';
import { webBroker } from '../device/web-broker.ts';
import {
  type DeviceOptions,
  type EntraEnrollment,
  type Step,
  type SyncReport,
  WindowsDevice,
} from '../device/windows-device.ts';
import { size } from '../journey.ts';
import { folderOf, trustOf } from './connection.ts';
import { type Input, needed, UsageError, type Verb } from './verb.ts';

type Join = NonNullable<NonNullable<DeviceOptions['machine']>['join']>;
const JOINS: readonly Join[] = ['none', 'registered', 'joined', 'hybrid', 'domain'];

const OPTIONS: NonNullable<Verb['options']> = {
  name: { type: 'string', help: 'which device (default PC-1); each lives in a folder of its own' },
  folder: { type: 'string', help: 'the local folder (default .lanyard)' },
  trust: {
    type: 'string',
    help: "PEM file with the root of the server's TLS certificate (default .lanyard/tls-root.pem)",
  },
};

function optionsOf(input: Input): DeviceOptions {
  const name = input.options['name'] ?? 'PC-1';
  if (!/^[A-Za-z0-9-]{1,15}$/.test(name))
    throw new UsageError('--name takes 1 to 15 letters, digits and dashes, as Windows does');
  return { name, folder: join(folderOf(input), 'devices', name), trust: trustOf(input) };
}

function machineOf(input: Input): Pick<DeviceOptions, 'machine'> {
  const { join: kind, package: file } = input.options;
  if (kind !== undefined && !JOINS.includes(kind as Join)) throw new UsageError(`--join is one of ${JOINS.join(', ')}`);
  const joined = kind ? { join: kind as Join } : {};
  const offering = input.flags['federated'] ? { offers: ['Federated' as const] } : {};
  // A package enrolls the device, whoever is signed in, and with a password alone.
  return { machine: { ...joined, ...offering, ...(file ? { enrollmentType: 'Device', offers: ['OnPremise'] } : {}) } };
}

async function openDevice(input: Input): Promise<WindowsDevice> {
  const options = optionsOf(input);
  if (!existsSync(options.folder))
    throw new UsageError(`There is no device ${options.name}. Make it with: node lanyard device enroll`);
  return WindowsDevice.open(options);
}

const enroll: Verb = {
  name: 'device enroll',
  usage:
    'device enroll --server URL --user USER@DOMAIN --secret SECRET [--federated] [--name NAME] [--join none|registered|joined|hybrid|domain] [--entra join|workAccount --token TOKEN [--terms URL]]',
  summary: 'A simulated Windows 11 PC enrolls, as Settings > Access work or school would do it.',
  options: {
    server: { type: 'string', help: 'address of the enroll app, e.g. https://localhost:7443' },
    user: { type: 'string', help: 'the user of the invitation' },
    secret: { type: 'string', help: 'the secret of the invitation' },
    link: { type: 'string', help: 'the deep link of the invitation, in place of server and user' },
    federated: { type: 'boolean', help: 'the PC offers signing in on a web page alone, and no password in Settings' },
    package: { type: 'string', help: 'customizations.xml of a provisioning package, in place of all three' },
    join: {
      type: 'string',
      help: 'what the PC is joined to: none (default), registered (a work account), joined (Entra), hybrid or domain',
    },
    entra: {
      type: 'string',
      help: 'join (Entra) or workAccount, by --token; --server is then the address that the tenant names',
    },
    token: { type: 'string', help: 'the token of Entra that Windows would have' },
    terms: { type: 'string', help: 'the address of the terms of use that the tenant names; they are accepted' },
    ...OPTIONS,
  },
  async run(input) {
    const entra = entraOf(input);
    const request = await enrollmentOf(input);
    const options = { ...optionsOf(input), ...machineOf(input) };
    await mkdir(join(folderOf(input), 'devices'), { recursive: true, mode: 0o700 });
    const device = existsSync(options.folder) ? await WindowsDevice.open(options) : await WindowsDevice.create(options);
    const enrollment = await device.enroll({ ...request, signIn: signInOf(input, request) }, entra);
    const lines = [
      ...enrollment.exchanged.map(describeStep),
      `Enrolled as ${enrollment.enrollmentId}. Next: node lanyard device sync --name ${options.name}`,
    ];
    return { value: enrollment, text: lines.join('\n') };
  },
};

/** What a PC has that joins Entra or gets a work account. */
function entraOf(input: Input): EntraEnrollment | undefined {
  const { entra: kind, terms } = input.options;
  if (kind === undefined) return undefined;
  if (kind !== 'join' && kind !== 'workAccount') throw new UsageError('--entra is join or workAccount');
  return { kind, token: needed(input, 'token'), ...(terms && { termsOfUse: terms }) };
}

/** The sign-in page, where the server has one: the person types there what is given here; a link brings its secret along. */
function signInOf(input: Input, { user, secret }: { user: string; secret: string }) {
  const link = input.options['link'];
  return webBroker({ person: { user, secret }, trust: trustOf(input), ...(link && { link: readDeepLink(link) }) });
}

/** What is typed in Settings, or comes by a deep link, or lies in a provisioning package. */
async function enrollmentOf(input: Input): Promise<{ server: string; user: string; secret: string }> {
  const { package: file, link, secret, entra } = input.options;
  if (entra) return { server: needed(input, 'server'), user: needed(input, 'user'), secret: '' };
  if (file) return readProvisioningPackage(await readFile(file, 'utf8'));
  if (!link) return { server: needed(input, 'server'), user: needed(input, 'user'), secret: needed(input, 'secret') };
  const { server = '', user = '', accessToken } = readDeepLink(link);
  return { server, user, secret: secret ?? accessToken ?? needed(input, 'secret') };
}

const sync: Verb = {
  name: 'device sync',
  usage: 'device sync [--name NAME] [--login user|others|none]',
  summary: 'The device calls the server and does what it is told: one management session.',
  options: { login: { type: 'string', help: 'who is signed in (default user)' }, ...OPTIONS },
  async run(input) {
    const login = input.options['login'] ?? 'user';
    if (login !== 'user' && login !== 'others' && login !== 'none')
      throw new UsageError('--login is user, others or none');
    const report = await (await openDevice(input)).sync({ loginStatus: login });
    return { value: report, text: describeReport(report) };
  },
};

const unenroll: Verb = {
  name: 'device unenroll',
  usage: 'device unenroll [--name NAME]',
  summary: 'The user of the device clicks Disconnect: the server is told, best effort, and the device forgets it.',
  options: OPTIONS,
  async run(input) {
    const report = await (await openDevice(input)).unenroll();
    return { value: report, text: describeReport(report) };
  },
};

const show: Verb = {
  name: 'device show',
  usage: 'device show [--name NAME]',
  summary: 'What the device knows of itself: enrolled or not, where, its certificate, when it calls next.',
  options: OPTIONS,
  async run(input) {
    const shown = (await openDevice(input)).show();
    const lines = Object.entries(shown)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
    return { value: shown, text: lines.join('\n') };
  },
};

const renew: Verb = {
  name: 'device renew',
  usage: 'device renew [--name NAME]',
  summary: 'The device renews its certificate now; by itself it does so in a sync in the last 60 days.',
  options: OPTIONS,
  async run(input) {
    const report = await (await openDevice(input)).renew();
    const until = report.certificateNotAfter.toISOString().slice(0, 10);
    const lines = [...report.exchanged.map(describeStep), `Renewed. The new certificate is good until ${until}.`];
    return { value: report, text: lines.join('\n') };
  },
};

export const DEVICE_VERBS: readonly Verb[] = [enroll, sync, renew, unenroll, show];

function describeStep({ step, status, bytesOut, bytesIn, ms }: Step): string {
  return `${step.padEnd(16)} HTTP ${status}  ${size(bytesOut)} sent, ${size(bytesIn)} received, ${Math.round(ms)} ms`;
}

function describeReport(report: SyncReport): string {
  const commands = report.commandsRun.map(({ verb, target, status }) => `${verb.padEnd(8)} ${status}  ${target}`);
  const ends: string[] = [];
  if (report.renewal?.renewed) ends.push('The certificate was renewed.');
  if (report.renewal?.error) ends.push(`The certificate was not renewed: ${report.renewal.error.message}`);
  if (report.unenrolled === true) ends.push('The device has left the management.');
  if (report.unenrolled === false) ends.push('The device was told to leave and could not.');
  if (report.unenrollAlert && !report.unenrollAlert.delivered) ends.push('The server could not be told.');
  if (report.unenrolled === undefined) ends.push(`${report.messages} messages, ${report.commandsRun.length} commands.`);
  return [...report.exchanged.map(describeStep), ...commands, ...ends].join('\n');
}
