/** One of the three sets of the DMClient Poll nodes: minutes, and how often (0 = for ever). */
export interface PollSet {
  interval: number;
  count: number;
}

/** The sets that are in force, in order; the last one goes on for ever. */
export type PollSchedule = PollSet[];

const NODES = [
  ['Poll/IntervalForFirstSetOfRetries', 'Poll/NumberOfFirstRetries', 15, 10],
  ['Poll/IntervalForSecondSetOfRetries', 'Poll/NumberOfSecondRetries', 0, 0],
  ['Poll/IntervalForRemainingScheduledRetries', 'Poll/NumberOfRemainingScheduledRetries', 0, 0],
] as const;

const DAY = 1440;

/**
 * The schedule that the Poll nodes mean (MS-MDE2 2.2.9.3). In: a reader of node values. Out: the schedule, or the reason why
 * the client refuses the values. A set with an interval and count 0 has no end, so those behind it never begin; without such
 * a set the device adds a daily one.
 */
export function pollScheduleFrom(
  at: (path: string) => string | undefined,
): { schedule: PollSchedule; remarks: string[] } | string {
  const sets = NODES.map(([interval, count, defaultInterval, defaultCount]) => ({
    interval: Number(at(interval) ?? defaultInterval),
    count: Number(at(count) ?? defaultCount),
  }));
  if (sets.every((set) => set.interval === 0 && set.count === 0)) return 'all six Poll values are 0';
  if (sets.every((set) => set.count === 0)) return 'all three Poll counts are 0';
  const schedule: PollSchedule = [];
  const remarks: string[] = [];
  for (const set of sets) {
    if (set.interval === 0) continue;
    if (schedule.at(-1)?.count === 0) remarks.push(`the Poll set of ${set.interval} minutes never begins`);
    else schedule.push(set);
  }
  if (schedule.at(-1)?.count !== 0) schedule.push({ interval: DAY, count: 0 });
  return { schedule, remarks };
}

/**
 * When the device calls next by itself. In: the schedule, the time of enrollment, the time of the last session (undefined =
 * none yet: it is due at once). The sets run from the enrollment on, whatever sessions there were in between.
 */
export function nextPoll(schedule: PollSchedule, enrolledAt: Date, lastSession: Date | undefined): Date {
  if (!lastSession) return enrolledAt;
  let start = enrolledAt.getTime();
  for (const { interval, count } of schedule) {
    const step = interval * 60_000;
    const n = Math.max(1, Math.floor((lastSession.getTime() - start) / step) + 1);
    if (count === 0 || n <= count) return new Date(start + n * step);
    start += count * step;
  }
  return new Date(Math.max(start, lastSession.getTime()) + DAY * 60_000);
}
