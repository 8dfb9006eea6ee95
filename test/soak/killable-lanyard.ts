import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../local/admin-client.ts';
import { type RunningAzurite, startAzurite } from '../../local/azurite.ts';
import { freePorts } from '../../local/free-ports.ts';

/** Lanyard in a process that is killed and started again while devices call; its storage stays. */
export class KillableLanyard {
  readonly folder: string;
  readonly #azurite: RunningAzurite;
  readonly #ports: number[];
  #process: ChildProcess | undefined;
  #up: Promise<void> = Promise.resolve();
  kills = 0;

  private constructor(folder: string, azurite: RunningAzurite, ports: number[]) {
    this.folder = folder;
    this.#azurite = azurite;
    this.#ports = ports;
  }

  static async start(): Promise<KillableLanyard> {
    const folder = await mkdtemp(join(tmpdir(), 'lanyard-soak-'));
    const azurite = await startAzurite({ folder: join(folder, 'azurite') });
    const lanyard = new KillableLanyard(folder, azurite, await freePorts(3));
    await lanyard.#spawn();
    return lanyard;
  }

  get url(): string {
    return `https://localhost:${this.#ports[0]}`;
  }

  /** Resolves when the apps answer. */
  up(): Promise<void> {
    return this.#up;
  }

  /** Ends the apps without a word to them, in the middle of whatever they do, and starts them again. */
  kill(): void {
    this.kills += 1;
    this.#process?.kill('SIGKILL');
    this.#up = this.#spawn();
  }

  async trust(): Promise<string[]> {
    return [await readFile(join(this.folder, 'tls-root.pem'), 'utf8')];
  }

  async admin(): Promise<AdminClient> {
    const key = (await readFile(join(this.folder, 'admin-key'), 'utf8')).trim();
    return new AdminClient({ url: this.url, key, trust: await this.trust(), actor: 'soak' });
  }

  async stop(): Promise<void> {
    await this.#up;
    this.#process?.kill('SIGKILL');
    await this.#azurite.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #spawn(): Promise<void> {
    const before = this.#process;
    if (before && before.exitCode === null && before.signalCode === null) await once(before, 'exit');
    const args = [join(import.meta.dirname, 'server.ts'), this.folder, this.#azurite.connectionString];
    // One process, so that the one that is killed is the one that serves.
    const child = spawn(process.execPath, ['--import', 'tsx', ...args, ...this.#ports.map(String)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString()).slice(-4_000);
          if (output.includes('up\n')) resolve();
        });
      }
      child.once('exit', () => reject(new Error(`The apps did not start: ${output}`)));
    });
  }
}
