import { AdminEndpoints } from './admin-endpoints.ts';
import type { HostJson } from './app-folder.ts';
import { type AppRegistrations, collectRegistrations, injectCore, setSystemLog } from './core.ts';
import { dispatcher } from './dispatch.ts';
import type { CallersHeader } from './front.ts';
import { type FunctionSummary, type HostedFunction, hostedFunctions, isTimer, notHosted } from './functions.ts';
import { appContext, runHooks } from './hooks.ts';
import { invoke, type TriggerData } from './invocation.ts';
import type { HostKeys } from './keys.ts';
import { type OpenListener, openListener } from './listen.ts';
import { HostLog } from './log.ts';
import { type Route, routesOf } from './routes.ts';
import { Timer } from './timers.ts';

export interface AppOptions {
  name: string;
  /** Imports the app's entry; returns the module, so that a second host of the process can serve it too. */
  load: () => Promise<unknown>;
  hostJson: HostJson;
}

export interface HostOptions {
  /** Loaded one after the other; each registration belongs to the app being loaded. */
  apps: AppOptions[];
  keys: HostKeys;
  listeners: ListenerOptions[];
  /** Gets every line from level information on. Without it warnings and errors go to stderr. */
  log?: (line: string) => void;
  /** The longest request body, in bytes, before the answer is 413. Default 100 MiB. */
  maxBodyBytes?: number;
}

export interface ListenerOptions {
  /** 0 takes a free one. */
  port: number;
  /** Default 127.0.0.1 and ::1. */
  hosts?: string[];
  /** Names of the apps whose routes are served here; the others' answer 404. */
  apps: string[];
  tls?: {
    key: string;
    cert: string;
    clientCertificates: 'off' | 'required';
    callersHeader?: CallersHeader;
  };
}

export interface RunningHost {
  /** In the order of the options. */
  listeners: { port: number; url: string }[];
  functions: FunctionSummary[];
  /**
   * Runs a timer now and waits for it. The name may be `app/name`.
   * Rejects with what the function threw, and with an Error when there is no such timer or more than one.
   */
  fireTimer(name: string): Promise<void>;
  /** Stops timers, ends connections and runs the appTerminate hooks. Running requests get a second. */
  close(): Promise<void>;
}

const defaultMostBodyBytes = 100 * 1024 * 1024;
const graceMilliseconds = 1000;

interface LoadedApp {
  name: string;
  registrations: AppRegistrations;
  functions: HostedFunction[];
  routes: Route[];
}

/**
 * Starts a host for Functions apps (Node v4 model) in this process. It runs the real library and answers as the Azure host
 * behind the front of App Service does.
 *
 * Rejects, with nothing left open, when an app throws while loading or registers nothing, when a route or schedule is not
 * one, or when a port is taken.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const log = new HostLog(options.log);
  injectCore();
  setSystemLog((level, message) => log.line(level, 'Worker', message));
  const apps: LoadedApp[] = [];
  for (const app of options.apps) apps.push(await loadApp(app, log));
  await refuseStreaming(apps);
  const host = new Host(options, apps, log);
  await host.open();
  return host;
}

async function loadApp(app: AppOptions, log: HostLog): Promise<LoadedApp> {
  const registrations = await collectRegistrations(app.name, app.load);
  const functions = hostedFunctions(app.name, registrations);
  for (const hosted of functions) {
    const missing = notHosted(hosted);
    if (missing) log.line('warning', `Function.${hosted.metadata.name}`, `${missing}.`);
  }
  return { name: app.name, registrations, functions, routes: routesOf(functions, app.hostJson) };
}

/** In streaming mode Azure hangs when a handler throws or returns nothing, so an app that asks for it is not served. */
async function refuseStreaming(apps: LoadedApp[]): Promise<void> {
  for (const model of new Set(apps.map((app) => app.registrations.model))) {
    const capabilities = await model?.getCapabilities?.({});
    if (capabilities?.['HttpUri']) throw new Error('An app sets enableHttpStream, which this host does not do.');
  }
}

class Host implements RunningHost {
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

function summaries(app: LoadedApp): FunctionSummary[] {
  return app.functions.map((hosted) => {
    const route = app.routes.find((candidate) => candidate.hosted === hosted);
    return {
      app: app.name,
      name: hosted.metadata.name,
      route: route?.template.text,
      methods: route && [...route.methods],
      authLevel: route && (hosted.trigger.authLevel ?? 'function').toLowerCase(),
      schedule: hosted.trigger.schedule,
    };
  });
}

function urlOf(listener: ListenerOptions, port: number): string {
  const first = listener.hosts?.[0];
  const host = first === undefined ? 'localhost' : first.includes(':') ? `[${first}]` : first;
  return `${listener.tls ? 'https' : 'http'}://${host}:${port}`;
}
