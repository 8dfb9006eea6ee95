import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LocalDeployment, startLocal } from './deployment.ts';
import { Journey } from './journey.ts';
import { tellStory } from './story.ts';

const USAGE = `npm start, and with options: node lanyard start [options]

Starts Lanyard on this machine, lets a simulated Windows 11 PC enroll, be managed and leave, and stays up until Ctrl-C.

  --once             end after the story: exit code 0, or 1 and the reason; a temporary folder and free ports unless given
  --no-device        only serve
  --host-name NAME   also listen for the network, under this name, so that a real PC can enroll
  --port N           enroll and admin (default 7443)
  --manage-port N    manage (default 7444)
  --bare-port N      the Functions host without TLS (default 7071)
  --folder DIR       where keys, CA, tables and devices lie (default .lanyard)
  --auth MODE        how devices prove themselves: certificate (default) or digest`;

interface Arguments {
  once: boolean;
  device: boolean;
  hostName?: string;
  folder?: string;
  ports: { enroll?: number; manage?: number; bare?: number };
  deviceAuth: 'certificate' | 'digest';
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      'no-device': { type: 'boolean', default: false },
      'host-name': { type: 'string' },
      port: { type: 'string' },
      'manage-port': { type: 'string' },
      'bare-port': { type: 'string' },
      folder: { type: 'string' },
      auth: { type: 'string', default: 'certificate' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (values.auth !== 'certificate' && values.auth !== 'digest') throw new Error('--auth is certificate or digest');
  const ports = { enroll: port(values.port), manage: port(values['manage-port']), bare: port(values['bare-port']) };
  const { once, folder, 'host-name': hostName, 'no-device': noDevice } = values;
  return { once, device: !noDevice, hostName, folder, ports, deviceAuth: values.auth };
}

function port(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new Error(`${text} is not a port number`);
  return Number(text);
}

/** A run that ends by itself must not meet what another run left or holds: its own folder, free ports. */
function withDefaults(ports: Arguments['ports'], once: boolean): Record<'enroll' | 'manage' | 'bare', number> {
  const fallback = once ? { enroll: 0, manage: 0, bare: 0 } : { enroll: 7443, manage: 7444, bare: 7071 };
  const { enroll = fallback.enroll, manage = fallback.manage, bare = fallback.bare } = ports;
  return { enroll, manage, bare };
}

async function main(): Promise<void> {
  const args = readArguments();
  const temporary = args.once && !args.folder;
  const folder = args.folder ?? (temporary ? await mkdtemp(join(tmpdir(), 'lanyard-')) : '.lanyard');
  const journey = new Journey();
  let deployment: LocalDeployment | undefined;
  try {
    console.log('\nLanyard on this machine\n');
    deployment = await startLocal({
      folder,
      hostName: args.hostName,
      deviceAuth: args.deviceAuth,
      ports: withDefaults(args.ports, args.once),
      onReady: (part, detail) => journey.done(part, detail),
    });
    if (args.device) await tellStory(deployment, join(folder, 'devices'), journey);
    if (!args.once) await serveUntilInterrupted(deployment, folder, args);
  } finally {
    await deployment?.stop();
    if (temporary) await rm(folder, { recursive: true, force: true });
  }
}

async function serveUntilInterrupted(deployment: LocalDeployment, folder: string, args: Arguments): Promise<void> {
  console.log(nextThings(deployment, folder, args));
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  console.log('\nStopping …');
}

function nextThings(
  { enrollUrl, manageUrl, bareUrl, adminKey }: LocalDeployment,
  folder: string,
  args: Arguments,
): string {
  const root = join(folder, 'tls-root.pem');
  const reach = args.hostName
    ? `A real PC: import ${root} into Trusted Root Certification Authorities, then Settings > Accounts >\n    Access work or school > Enroll only in device management, with ${enrollUrl} as server.`
    : 'A real PC on this network can enroll after a start with --host-name; docs/try-a-real-pc.md says how.';
  const where = folder === '.lanyard' ? '' : ` --folder ${folder}`;
  return `
Up until Ctrl-C.

  enroll and admin  ${enrollUrl}
  manage            ${manageUrl}
  bare host         ${bareUrl}
  admin key         ${adminKey}   (${join(folder, 'admin-key')})
  TLS root          ${root}

Next things to try, in another terminal:

  node lanyard invite kim@example.org${where}
  node lanyard device enroll --server ${enrollUrl} --user kim@example.org --secret SECRET --name PC-2${where}
  node lanyard devices${where}
  curl --cacert ${root} -H "x-functions-key: $(cat ${join(folder, 'admin-key')})" ${enrollUrl}/api/devices
  ${reach}
`;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(`\n  ✗ ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
