import { setTimeout as delay } from 'node:timers/promises';

/** What a call of a service asks of the time. A test has a timer of its own: whether a try is ended in time must not hang on a busy machine. */
export interface CallTimer {
  /** milliseconds since some moment, with fractions */
  now(): number;
  /** @param ms whole milliseconds, after which the signal is given: Node takes no others */
  timeout(ms: number): AbortSignal;
  pause(ms: number): Promise<unknown>;
}

export const SYSTEM_TIMER: CallTimer = {
  now: () => performance.now(),
  timeout: (ms) => AbortSignal.timeout(ms),
  pause: (ms) => delay(ms),
};
