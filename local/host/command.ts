import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { openAppFolder, readJson } from './app-folder.ts';
import type { HostKeys } from './keys.ts';
import { applySettingsFile } from './settings-file.ts';
import { type ListenerOptions, type RunningHost, startHost } from './start-host.ts';
import { openTlsRoot } from './tls-root.ts';

export const usage = `Runs one Functions app in this process.

  --app DIR           the app: package.json ("main", a glob is allowed) and host.json   (default .)
  --settings FILE     settings in the form of local.settings.json, put into the environment
  --port N            the port, 0 for a free one                                        (default 7071)
  --tls off|required  listen with TLS, and ask for a client certificate or not; without it plain HTTP
  --tls-root DIR      where tls-root.pem and its key are kept                           (default DIR/.tls of --app)
  --host-name NAME    a further name in the server certificate; may be repeated
  --keys FILE         {"master": "…", "host": "…", "functions": {"NAME": "…"}}; without it new keys are made and shown
  --help              this text
`;

const flags = {
  app: { type: 'string' as const, default: '.' },
  settings: { type: 'string' as const },
  port: { type: 'string' as const, default: '7071' },
  tls: { type: 'string' as const },
  'tls-root': { type: 'string' as const },
  'host-name': { type: 'string' as const, multiple: true, default: [] as string[] },
  keys: { type: 'string' as const },
  help: { type: 'boolean' as const, default: false },
} satisfies NonNullable<ParseArgsConfig['options']>;

type Values = ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];

/**
 * Starts what the arguments ask for and writes one line per function and `Listening on <url>` last.
 * Returns undefined when only help was asked for. Throws an Error that says which argument or file is wrong.
 */
export async function runCommand(args: string[], write: (line: string) => void): Promise<RunningHost | undefined> {
  const { values } = parseArgs({ args, options: flags });
  if (values.help) {
    write(usage);
    return undefined;
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port} is not a port.`);
  if (values.settings !== undefined) await applySettingsFile(values.settings, process.env);
  const app = await openAppFolder(values.app);
  const { keys, made } = await keysFrom(values.keys);
  const listener: ListenerOptions = { port, apps: ['app'], tls: await tlsFrom(values) };
  const host = await startHost({ apps: [{ name: 'app', ...app }], keys, listeners: [listener], log: write });
  for (const f of host.functions) write(`${f.name}: ${f.schedule ?? `${f.methods?.join(',')} /${f.route}`}`);
  if (made) write(`Master key: ${keys.master}\nHost key: ${keys.host}`);
  write(`Listening on ${host.listeners[0]?.url}`);
  return host;
}

async function tlsFrom(values: Values): Promise<ListenerOptions['tls']> {
  const clientCertificates = values.tls;
  if (clientCertificates === undefined) return undefined;
  if (clientCertificates !== 'off' && clientCertificates !== 'required') {
    throw new Error(`--tls ${clientCertificates} must be off or required.`);
  }
  const root = await openTlsRoot(values['tls-root'] ?? `${values.app}/.tls`);
  const names = ['localhost', '127.0.0.1', '::1', ...(values['host-name'] ?? [])];
  return { ...(await root.serverCertificate(names)), clientCertificates };
}

async function keysFrom(file: string | undefined): Promise<{ keys: HostKeys; made: boolean }> {
  const fresh = (): string => randomBytes(32).toString('base64url');
  if (file === undefined) return { keys: { master: fresh(), host: fresh(), functions: {} }, made: true };
  const { master, host, functions = {} } = await readJson(file);
  if (typeof master !== 'string' || typeof host !== 'string' || typeof functions !== 'object' || functions === null) {
    throw new Error(`${file} must hold "master", "host" and, if wanted, "functions".`);
  }
  return { keys: { master, host, functions: functions as Record<string, string> }, made: false };
}

/** A first signal ends in good order, also during the start; a second one ends at once. */
async function main(): Promise<void> {
  const host = runCommand(process.argv.slice(2), console.log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void host.then((running) => running?.close()).then(() => process.exit(0)));
  }
  await host;
}

const program = process.argv[1];
if (program !== undefined && pathToFileURL(realpathSync(program)).href === import.meta.url) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
