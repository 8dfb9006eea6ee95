import { describe, expect, test } from 'vitest';
import type { HostedFunction } from '../../../local/host/functions.ts';
import { type Clock, expandSettings, Timer } from '../../../local/host/timers.ts';

/** A clock that moves when it is told to. */
class ManualClock implements Clock {
  #now: number;
  #waiting: { at: number; call: () => void }[] = [];
  constructor(start: string) {
    this.#now = Date.parse(start);
  }
  now(): Date {
    return new Date(this.#now);
  }
  after(milliseconds: number, call: () => void): () => void {
    if (milliseconds > 2 ** 31 - 1) throw new Error('setTimeout would call back at once');
    const entry = { at: this.#now + milliseconds, call };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }
  get waiting(): number {
    return this.#waiting.length;
  }
  async moveTo(time: string): Promise<void> {
    const until = Date.parse(time);
    for (;;) {
      const next = this.#waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      await settled();
    }
    this.#now = until;
  }
}

/** Lets promises that are ready run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function timerFunction(trigger: { schedule: string; runOnStartup?: boolean; useMonitor?: boolean }): HostedFunction {
  const binding = { type: 'timerTrigger', direction: 'in' as const, ...trigger };
  return {
    appName: 'app',
    app: { functions: [], hooks: new Map(), appHookData: {} },
    metadata: { name: 'sweep', bindings: { timer: binding } },
    callback: () => undefined,
    triggerName: 'timer',
    trigger: binding,
  };
}

interface Info {
  ScheduleStatus: { Last: string; LastUpdated: string; Next: string } | null;
  IsPastDue: boolean;
}

function started(trigger: Parameters<typeof timerFunction>[0], run: () => Promise<void> = async () => {}) {
  const clock = new ManualClock('2026-11-21T11:50:30Z');
  const runs: { at: string; info: Info }[] = [];
  const failures: unknown[] = [];
  const timer = new Timer(timerFunction(trigger), {
    clock,
    env: { WHEN: '0 0 * * * *' },
    run: async (_, data) => {
      runs.push({ at: clock.now().toISOString(), info: JSON.parse(data.json) });
      await run();
    },
    failed: (_, error) => failures.push(error),
  });
  timer.start();
  return { clock, runs, failures, timer, times: () => runs.map((r) => r.at.slice(0, 19)) };
}

test('a timer runs at each occurrence and is told the last and the next', async () => {
  const { clock, runs, times } = started({ schedule: '0 0 * * * *' });
  await clock.moveTo('2026-11-21T13:30:00Z');
  expect(times()).toEqual(['2026-11-21T12:00:00', '2026-11-21T13:00:00']);
  expect(runs[1]?.info).toMatchObject({
    ScheduleStatus: { Last: '2026-11-21T12:00:00+00:00', Next: '2026-11-21T14:00:00+00:00' },
    IsPastDue: false,
  });
});

test('a timer whose schedule is a setting reads it', async () => {
  const { clock, times } = started({ schedule: '%WHEN%' });
  await clock.moveTo('2026-11-21T12:30:00Z');
  expect(times()).toEqual(['2026-11-21T12:00:00']);
});

test('a setting that is missing is named', () => {
  expect(() => expandSettings('%NOPE%', {})).toThrow('The setting "NOPE"');
  expect(() => started({ schedule: '%NOPE%' })).toThrow('The timer "sweep" cannot start. The setting "NOPE"');
});

test('a run that takes longer than the interval does not overlap the next', async () => {
  const open: (() => void)[] = [];
  const { clock, times } = started({ schedule: '0 * * * * *' }, () => new Promise((resolve) => open.push(resolve)));
  await clock.moveTo('2026-11-21T11:54:30Z');
  expect(times()).toEqual(['2026-11-21T11:51:00']);
  open[0]?.();
  await settled();
  await clock.moveTo('2026-11-21T11:55:30Z');
  expect(times()).toEqual(['2026-11-21T11:51:00', '2026-11-21T11:55:00']);
});

test('a run that fails is reported and does not end the schedule', async () => {
  const { clock, times, failures } = started({ schedule: '0 0 * * * *' }, () => Promise.reject(new Error('broke')));
  await clock.moveTo('2026-11-21T13:30:00Z');
  expect(times()).toHaveLength(2);
  expect(failures).toEqual([new Error('broke'), new Error('broke')]);
});

test('runOnStartup runs at once and then on schedule', async () => {
  const { clock, times } = started({ schedule: '0 0 * * * *', runOnStartup: true });
  await settled();
  await clock.moveTo('2026-11-21T12:30:00Z');
  expect(times()).toEqual(['2026-11-21T11:50:30', '2026-11-21T12:00:00']);
});

test('useMonitor false hands over no status', async () => {
  const { clock, runs } = started({ schedule: '0 0 * * * *', useMonitor: false });
  await clock.moveTo('2026-11-21T12:30:00Z');
  expect(runs[0]?.info.ScheduleStatus).toBeNull();
});

test('a schedule that is more than 24 days away is waited for in parts', async () => {
  const { clock, times } = started({ schedule: '0 0 0 1 6 *' });
  await clock.moveTo('2027-05-31T23:59:59Z');
  expect(times()).toEqual([]);
  await clock.moveTo('2027-06-01T00:00:01Z');
  expect(times()).toEqual(['2027-06-01T00:00:00']);
});

describe('a stopped timer', () => {
  test('does not run again', async () => {
    const { clock, times, timer } = started({ schedule: '0 0 * * * *' });
    timer.stop();
    await clock.moveTo('2026-11-22T00:00:00Z');
    expect(times()).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test('is not planned again by the run that was under way', async () => {
    const open: (() => void)[] = [];
    const { clock, timer } = started({ schedule: '0 0 * * * *' }, () => new Promise((resolve) => open.push(resolve)));
    await clock.moveTo('2026-11-21T12:00:00Z');
    timer.stop();
    open[0]?.();
    await settled();
    expect(clock.waiting).toBe(0);
  });
});
