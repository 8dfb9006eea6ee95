import type { HostJson } from './app-folder.ts';
import type { CallersHeader } from './front.ts';
import type { FunctionSummary } from './functions.ts';
import type { HostKeys } from './keys.ts';

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
