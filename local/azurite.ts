import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** Where the emulator keeps its data: `folder` and `inMemory` exclude each other. */
export type AzuriteOptions = ({ folder: string } | { inMemory: true }) & {
  /** fixed ports; a free one where it is left out */
  ports?: { blob?: number; queue?: number; table?: number };
  /** PEM files of a server certificate: the services speak https, and take tokens of any issuer (claims are checked, signatures are not) */
  tls?: { cert: string; key: string };
  /** names of accounts whose data is kept apart; the emulator's own where it is left out */
  accounts?: string[];
};

export interface RunningAzurite {
  /** of the first account */
  connectionString: string;
  /** of each account, in order */
  connectionStrings: string[];
  /** service URLs, as `LANYARD_TABLES` and `LANYARD_BLOBS` take them when the emulator speaks https */
  urls: { blob: string; table: string };
  pid: number;
  /** Stops the process where it stands: connections are taken and nothing is answered. */
  pause(): void;
  /** Lets a paused process go on. */
  resume(): void;
  /** Ends the process and waits until everything is on disk. */
  stop(): Promise<void>;
}

/** The emulator's well-known account; no secret. Other accounts here have the same key. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const READY_MS = 30_000;
const LISTENING = /Azurite (Blob|Queue|Table) service is successfully listening at (https?:\/\/\S+)/g;

/**
 * Runs in the emulator first: ends it in good order when this process is gone, in whatever way it went, and lets go of the
 * channel between the two when it is told to end, which would keep it alive.
 */
const STOP_WITH_PARENT = `data:text/javascript,${encodeURIComponent(`
  process.once('disconnect', () => process.emit('SIGINT'));
  process.once('SIGINT', () => process.connected && process.disconnect());
`)}`;

/**
 * Starts Azurite (blob, queue and table) as a child process on free ports and waits until it listens.
 *
 * @throws Error with the emulator's own words when it does not start, for instance because a port is taken
 */
export async function startAzurite(options: AzuriteOptions): Promise<RunningAzurite> {
  const { accounts = [ACCOUNT] } = options;
  if ('folder' in options) await mkdir(options.folder, { recursive: true });
  const script = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  // A process group of its own: Ctrl-C in a terminal reaches the parent alone, which then stops the emulator last.
  const child = spawn(process.execPath, ['--import', STOP_WITH_PARENT, script, ...commandLine(options)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    env: { ...process.env, AZURITE_ACCOUNTS: accountsOf(accounts), NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
  });
  const onParentExit = () => endAtOnce(child);
  process.on('exit', onParentExit);
  child.once('exit', () => process.off('exit', onParentExit));
  try {
    const urls = await listening(child);
    letParentEnd(child);
    return running(child, urls, accounts);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

const accountsOf = (names: string[]) => names.map((name) => `${name}:${KEY}`).join(';');

function commandLine(options: AzuriteOptions): string[] {
  const { blob = 0, queue = 0, table = 0 } = options.ports ?? {};
  const ports = ['--blobPort', blob, '--queuePort', queue, '--tablePort', table].map(String);
  const data = 'folder' in options ? ['--location', options.folder] : ['--inMemoryPersistence'];
  const tls = options.tls ? ['--cert', options.tls.cert, '--key', options.tls.key, '--oauth', 'basic'] : [];
  return [...ports, ...data, ...tls, '--silent', '--disableTelemetry', '--skipApiVersionCheck'];
}

/** Waits for the three services to say where they listen. */
async function listening(child: ChildProcess): Promise<Record<string, string>> {
  let output = '';
  let urls: Record<string, string> = {};
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Azurite did not start in ${READY_MS / 1000} s:\n${output}`)),
      READY_MS,
    );
    const read = (text: Buffer) => {
      output += text;
      urls = Object.fromEntries(
        [...output.matchAll(LISTENING)].map(([, service, url]) => [service!.toLowerCase(), url!]),
      );
      if (Object.keys(urls).length === 3) resolve();
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`Azurite ended (${code}) before it listened:\n${output.trim()}`)));
    void once(child, 'exit').finally(() => clearTimeout(timer));
    child.stdout!.once('close', () => clearTimeout(timer));
    process.nextTick(() => timer.unref());
  });
  await ready;
  return urls;
}

/** A parent that forgets to stop the emulator still ends, and the emulator with it. */
function letParentEnd(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.removeAllListeners('data').resume();
    (stream as unknown as { unref?(): void } | null)?.unref?.();
  }
}

function running(child: ChildProcess, listening: Record<string, string>, accounts: string[]): RunningAzurite {
  const url = (service: string, account = accounts[0]) => `${listening[service]}/${account}`;
  const protocol = listening['blob']!.split(':')[0];
  const connectionStrings = accounts.map((account) => {
    const endpoints = ['Blob', 'Queue', 'Table'].map((name) => `${name}Endpoint=${url(name.toLowerCase(), account)};`);
    return `DefaultEndpointsProtocol=${protocol};AccountName=${account};AccountKey=${KEY};${endpoints.join('')}`;
  });
  return {
    connectionString: connectionStrings[0]!,
    connectionStrings,
    urls: { blob: url('blob'), table: url('table') },
    pid: child.pid!,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: () => stop(child),
  };
}

/** SIGINT, and wait: any other end can lose the last five seconds of the tables. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill('SIGINT');
  await ended;
}

function endAtOnce(child: ChildProcess): void {
  child.kill('SIGCONT');
  child.kill('SIGINT');
}
