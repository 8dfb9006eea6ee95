import type { AppRegistrations, LogLevel } from './core-types.ts';
import { hooksOf } from './hooks.ts';

export type WriteLine = (line: string) => void;

const levels: LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical'];

function atLeast(level: LogLevel, least: LogLevel): boolean {
  return levels.indexOf(level) >= levels.indexOf(least);
}

/** One line of the host's log: `<time> <level> <subject>: <message>`. */
export class HostLog {
  readonly #write: WriteLine | undefined;

  /** Without `write` only warnings and errors are shown, on stderr. */
  constructor(write?: WriteLine) {
    this.#write = write;
  }

  line(level: LogLevel, subject: string, message: string): void {
    const least = this.#write ? 'information' : 'warning';
    if (!atLeast(level, least)) return;
    const line = `${new Date().toISOString()} ${level} ${subject}: ${message}`;
    if (this.#write) this.#write(line);
    else console.error(line);
  }

  /**
   * A line of a function, which the app's log hooks see first. They may change the level and the text of what the app
   * itself logs, not of the library's own lines; one that throws is ignored.
   */
  ofFunction(app: AppRegistrations, name: string, entry: LogEntry): void {
    const seen: Record<string, unknown> = { hookData: {}, appHookData: app.appHookData, ...entry };
    try {
      for (const callback of hooksOf(app, 'log')) callback(seen);
    } catch {
      // a hook must not be able to keep a line out of the log by failing
    }
    const own = entry.category === 'user' ? (seen as unknown as LogEntry) : entry;
    this.line(own.level, `Function.${name}`, own.message);
  }
}

export interface LogEntry {
  level: LogLevel;
  category: string;
  message: string;
  hookData?: Record<string, unknown>;
  invocationContext?: unknown;
}
