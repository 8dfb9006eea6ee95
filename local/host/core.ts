import Module from 'node:module';
import type {
  AppRegistrations,
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  LogLevel,
  ProgrammingModel,
} from './core-types.ts';

const coreModule = '@azure/functions-core';
const modelOfLibrary: { last?: ProgrammingModel } = {};
let loading: AppRegistrations | undefined;
let injected = false;
let systemLog: (level: LogLevel, message: string) => void = () => {};

/** Receives what the library says outside an invocation, for example about a body that it dropped. */
export function setSystemLog(write: (level: LogLevel, message: string) => void): void {
  systemLog = write;
}

class Disposable {
  readonly #dispose: () => void;
  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }
  static from(...parts: { dispose(): void }[]): Disposable {
    return new Disposable(() => {
      for (const part of parts) part.dispose();
    });
  }
  dispose(): void {
    this.#dispose();
  }
}

/** Hooks that were added while no app was being loaded hold for every app, as they would in a process with one app. */
export const processHooks: AppRegistrations['hooks'] = new Map();

function addTo<T>(list: T[], value: T): Disposable {
  list.push(value);
  return new Disposable(() => {
    const at = list.indexOf(value);
    if (at >= 0) list.splice(at, 1);
  });
}

function registerHook(name: string, callback: HookCallback): Disposable {
  const hooks = loading?.hooks ?? processHooks;
  const callbacks = hooks.get(name) ?? [];
  hooks.set(name, callbacks);
  return addTo(callbacks, callback);
}

function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  if (!loading) {
    throw new Error(
      `The function "${metadata.name}" was registered while no app was being loaded. Import the app's entry inside load().`,
    );
  }
  const twin = loading.functions.find((f) => f.metadata.name.toLowerCase() === metadata.name.toLowerCase());
  if (twin) throw new Error(`Two functions of one app are called "${metadata.name}".`);
  return addTo(loading.functions, { metadata, callback });
}

const coreApi = {
  version: '3.9.1',
  hostVersion: '4.1037.0',
  Disposable,
  registerFunction,
  registerHook,
  setProgrammingModel(model: ProgrammingModel): void {
    modelOfLibrary.last = model;
  },
  getProgrammingModel: () => modelOfLibrary.last,
  log: (level: LogLevel, _category: string, message: string): void => systemLog(level, message),
};

/**
 * Makes `require('@azure/functions-core')` answer, as the Node worker of Azure does. The library asks once in the life of
 * a process and remembers a failure, so this has to run before the first `app.*` call. Idempotent.
 */
export function injectCore(): void {
  if (injected) return;
  injected = true;
  const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
  const load = loader._load;
  loader._load = function loadWithCore(this: unknown, request: string, ...rest: unknown[]): unknown {
    return request === coreModule ? coreApi : load.call(this, request, ...rest);
  };
}

const registrationsOfEntry = new WeakMap<object, AppRegistrations>();
let queue: Promise<unknown> = Promise.resolve();

/**
 * Loads one app and returns what it registered. Apps are loaded one after the other, so every registration in between
 * belongs to the app being loaded. An entry that is loaded a second time in one process is cached by Node and registers
 * nothing again; its first registrations are then used, recognised by the module that `load` returns.
 *
 * Throws what the app threw, and an Error when it registered no function: Azure shows such an app as empty, without an error.
 */
export function collectRegistrations(name: string, load: () => Promise<unknown>): Promise<AppRegistrations> {
  const turn = queue.then(() => collect(name, load));
  queue = turn.catch(() => {});
  return turn;
}

async function collect(name: string, load: () => Promise<unknown>): Promise<AppRegistrations> {
  const fresh: AppRegistrations = { functions: [], hooks: new Map(), appHookData: {} };
  loading = fresh;
  let entry: unknown;
  try {
    entry = await load();
  } finally {
    loading = undefined;
  }
  const key = typeof entry === 'object' && entry !== null ? entry : undefined;
  const known = key && registrationsOfEntry.get(key);
  if (fresh.functions.length === 0) {
    if (known) return known;
    throw new Error(
      `The app "${name}" registered no function. Its entry must be imported inside load(), must not have been imported before the host started, and load() must return the imported module when one process loads it twice.`,
    );
  }
  fresh.model = modelOfLibrary.last;
  if (key) registrationsOfEntry.set(key, fresh);
  return fresh;
}
