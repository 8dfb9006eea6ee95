import type { CallTimer } from '../../shared/platform/call-timer.ts';

export interface StoppedTimer extends CallTimer {
  /** the milliseconds for which each signal was asked */
  asked: number[];
}

/** Time that passes only where it is waited for. A signal comes a little late, as on any machine. */
export function stoppedTimer(): StoppedTimer {
  let time = 0;
  const asked: number[] = [];
  return {
    asked,
    now: () => time,
    timeout(ms) {
      AbortSignal.timeout(ms); // Node itself says which numbers it takes
      asked.push(ms);
      const controller = new AbortController();
      queueMicrotask(() => {
        time += ms + 0.4;
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
      });
      return controller.signal;
    },
    async pause(ms) {
      time += ms;
    },
  };
}
