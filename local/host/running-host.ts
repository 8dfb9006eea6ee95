import { AdminEndpoints } from './admin-endpoints.ts';
import { dispatcher } from './dispatch.ts';
import { type FunctionSummary, type HostedFunction, isTimer } from './functions.ts';
import { appContext, runHooks } from './hooks.ts';
import type { HostOptions, ListenerOptions, RunningHost } from './host-options.ts';
import { invoke, type TriggerData } from './invocation.ts';
import { type OpenListener, openListener } from './listen.ts';
import { type LoadedApp, summaries } from './loaded-app.ts';
import type { HostLog } from './log.ts';
import { Timer } from './timers.ts';

const defaultMostBodyBytes = 100 * 1024 * 1024;
const graceMilliseconds = 1000;

/** Listeners, timers and running invocations of a host, from the opening to the close. */
export class Host implements RunningHost {
  readonly listeners: { port: number; url: string }[] = [];
  readonly functions: FunctionSummary[];
  readonly #options: HostOptions;
  readonly #apps: LoadedApp[];
  readonly #log: HostLog;
  readonly #timers: Timer[];
  readonly #open: OpenListener[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(options: HostOptions, apps: LoadedApp[], log: HostLog) {
    this.#options = options;
    this.#apps = apps;
    this.#log = log;
    const timers = apps.flatMap((app) => app.functions.filter(isTimer));
    this.#timers = timers.map(
      (hosted) =>
        new Timer(hosted, {
          run: (of, data) => this.#track(this.#invoke(of, data)),
          failed: (of, error) => this.#failed(of, error),
        }),
    );
    this.functions = apps.flatMap((app) => summaries(app));
  }

  async open(): Promise<void> {
    try {
      for (const listener of this.#options.listeners) await this.#listen(listener);
      for (const app of this.#apps) await runHooks(app.registrations, 'appStart', appContext(app.registrations));
    } catch (error) {
      await Promise.all(this.#open.map((open) => open.close(0)));
      throw error;
    }
    for (const timer of this.#timers) timer.start();
  }

  async fireTimer(name: string): Promise<void> {
    const found = this.#timers.filter(({ hosted }) =>
      [hosted.metadata.name, `${hosted.appName}/${hosted.metadata.name}`].includes(name),
    );
    if (found.length > 1) throw new Error(`Several apps have a timer "${name}". Name one as app/${name}.`);
    const [timer] = found;
    if (!timer) {
      const names = this.#timers.map(({ hosted }) => hosted.metadata.name).join(', ');
      throw new Error(`There is no timer "${name}". Timers: ${names || 'none'}.`);
    }
    await timer.fire();
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    for (const timer of this.#timers) timer.stop();
    await Promise.all(this.#open.map((open) => open.close(graceMilliseconds)));
    await withinGrace(Promise.allSettled([...this.#running]));
    for (const app of this.#apps) await runHooks(app.registrations, 'appTerminate', appContext(app.registrations));
  }

  async #listen(listener: ListenerOptions): Promise<void> {
    const apps = listener.apps.map((name) => {
      const app = this.#apps.find((candidate) => candidate.name === name);
      if (!app) throw new Error(`A listener names the app "${name}", which is not loaded.`);
      return app;
    });
    const handle = dispatcher({
      routes: apps.flatMap((app) => app.routes),
      keys: this.#options.keys,
      front: {
        tls: listener.tls !== undefined,
        clientCertificates: listener.tls?.clientCertificates ?? 'off',
        callersHeader: listener.tls?.callersHeader ?? 'replace',
      },
      admin: this.#adminEndpoints(apps.flatMap((app) => app.functions)),
      mostBodyBytes: this.#options.maxBodyBytes ?? defaultMostBodyBytes,
      log: this.#log,
    });
    const open = await openListener(listener, handle);
    this.#open.push(open);
    this.listeners.push({ port: open.port, url: urlOf(listener, open.port) });
  }

  #adminEndpoints(functions: HostedFunction[]): AdminEndpoints {
    const background = (hosted: HostedFunction, work: Promise<void>): void => {
      void this.#track(work.catch((error) => this.#failed(hosted, error)));
    };
    return new AdminEndpoints({
      functions,
      fireTimer: (hosted) => {
        const timer = this.#timers.find((candidate) => candidate.hosted === hosted);
        if (timer) background(hosted, timer.fire());
      },
      fire: (hosted, data) => background(hosted, this.#invoke(hosted, data)),
    });
  }

  async #invoke(hosted: HostedFunction, data: TriggerData): Promise<void> {
    await invoke(hosted, data, this.#log);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const done = (): boolean => this.#running.delete(work);
    work.then(done, done);
    return work;
  }

  #failed(hosted: HostedFunction, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log.line('error', `Function.${hosted.metadata.name}`, `failed: ${text}`);
  }
}

async function withinGrace(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMilliseconds);
  });
  await Promise.race([work, grace]);
  clearTimeout(timer);
}

function urlOf(listener: ListenerOptions, port: number): string {
  const first = listener.hosts?.[0];
  const host = first === undefined ? 'localhost' : first.includes(':') ? `[${first}]` : first;
  return `${listener.tls ? 'https' : 'http'}://${host}:${port}`;
}
