import type { HostedFunction } from './functions.ts';
import { isMonitored, parseNcrontab, type Schedule } from './ncrontab.ts';

/** What time is and how to be called later. */
export interface Clock {
  now(): Date;
  /** Calls back once after `milliseconds`; the result cancels it. */
  after(milliseconds: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => new Date(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

export interface TimerOptions {
  /** Calls the function with the timer's data; rejects with what the function threw. */
  run(hosted: HostedFunction, data: { json: string }): Promise<void>;
  /** Told of a scheduled run that failed. */
  failed(hosted: HostedFunction, error: unknown): void;
  clock?: Clock;
  env?: NodeJS.ProcessEnv;
}

/** setTimeout takes at most 2^31 - 1 ms; a schedule further away is looked at again then. */
const longestWait = 2 ** 31 - 1;

/**
 * One timer function on its schedule, in UTC, without overlap: the next occurrence is looked for when the run before has
 * ended. Nothing is remembered over a restart, so no run is ever past due.
 */
export class Timer {
  readonly hosted: HostedFunction;
  readonly schedule: Schedule;
  readonly #options: TimerOptions;
  readonly #clock: Clock;
  readonly #monitored: boolean;
  #last: Date | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  /** Throws an Error that names the function when its schedule is not one, or names a setting that is not there. */
  constructor(hosted: HostedFunction, options: TimerOptions) {
    this.hosted = hosted;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    try {
      this.schedule = parseNcrontab(expandSettings(hosted.trigger.schedule ?? '', options.env ?? process.env));
    } catch (error) {
      throw new Error(`The timer "${hosted.metadata.name}" cannot start. ${(error as Error).message}`);
    }
    this.#monitored = hosted.trigger.useMonitor !== false && isMonitored(this.schedule, this.#clock.now());
  }

  start(): void {
    if (this.hosted.trigger.runOnStartup === true) void this.#runScheduled();
    else this.#plan();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Runs the function now; rejects with what it threw. */
  async fire(): Promise<void> {
    const json = JSON.stringify(this.#info());
    this.#last = this.#clock.now();
    await this.#options.run(this.hosted, { json });
  }

  #plan(): void {
    if (this.#stopped) return;
    const now = this.#clock.now();
    const next = this.schedule.next(now);
    if (next) this.#waitUntil(next);
  }

  #waitUntil(due: Date): void {
    if (this.#stopped) return;
    const wait = due.getTime() - this.#clock.now().getTime();
    if (wait <= 0) void this.#runScheduled();
    else this.#cancel = this.#clock.after(Math.min(wait, longestWait), () => this.#waitUntil(due));
  }

  async #runScheduled(): Promise<void> {
    try {
      await this.fire();
    } catch (error) {
      this.#options.failed(this.hosted, error);
    }
    this.#plan();
  }

  /** The trigger's data in the host's spelling; the library makes `isPastDue`, `scheduleStatus` … of it. */
  #info(): unknown {
    const now = this.#clock.now();
    const last = this.#last ?? now;
    const status = { Last: stamp(last), LastUpdated: stamp(last), Next: stamp(this.schedule.next(now) ?? now) };
    return {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: this.#monitored ? status : null,
      IsPastDue: false,
    };
  }
}

function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}+00:00`;
}

/** Replaces `%NAME%` by the setting of that name. Throws an Error naming a setting that is missing. */
export function expandSettings(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined) throw new Error(`The setting "${name}" of its schedule is missing.`);
    return value;
  });
}
