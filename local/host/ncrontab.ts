import { Cron } from 'croner';

/** A schedule of a timer trigger, in UTC. */
export interface Schedule {
  /** The first occurrence after the given time; undefined when there is none. */
  next(after: Date): Date | undefined;
}

interface Field {
  name: string;
  least: number;
  most: number;
  names?: string[];
}

const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const fields: Field[] = [
  { name: 'second', least: 0, most: 59 },
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: months },
  { name: 'day of the week', least: 0, most: 6, names: weekdays },
];

const item = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i;

/**
 * Reads an NCRONTAB expression as Azure's timer trigger does: six fields beginning with seconds (with five the second is 0),
 * day and day of the week must both match, Sunday is 0 only, `5/15` means from 5 on in steps of 15, months and days of the
 * week may be named by a beginning of their English names.
 *
 * Throws an Error that names the field for anything else, `?`, `L`, `W`, `#` and `@daily` among it, and for a time span
 * (`01:00:00`), which only dedicated plans accept.
 */
export function parseNcrontab(expression: string): Schedule {
  const refuse = (reason: string): never => {
    throw new Error(`The schedule "${expression}" ${reason}.`);
  };
  const given = expression.trim().split(/\s+/);
  if (given.length === 5) given.unshift('0');
  if (given.length === 1 && expression.includes(':')) refuse('is a time span, which serverless plans do not accept');
  if (given.length !== 6) refuse(`has ${given.length} fields instead of 6: second minute hour day month weekday`);
  const pattern = given.map((text, index) => normalise(text, fields[index] as Field, refuse)).join(' ');
  const options = { mode: '6-part', domAndDow: true, sloppyRanges: true, timezone: 'UTC', paused: true } as const;
  const cron = new Cron(pattern, options);
  return { next: (after) => cron.nextRun(after) ?? undefined };
}

/** One field in plain numbers, so that nothing that only croner knows gets through. */
function normalise(text: string, field: Field, refuse: (reason: string) => never): string {
  const number = (part: string): number => fieldValue(part, field, refuse);
  const parts = text.split(',').map((part) => {
    const found = item.exec(part);
    if (!found) return refuse(`has "${part}" as ${field.name}`);
    const [, star, first, last, step] = found;
    if (step !== undefined && Number(step) === 0) refuse(`has a step of 0 in the field ${field.name}`);
    const tail = step === undefined ? '' : `/${Number(step)}`;
    if (star) return `*${tail}`;
    const from = number(first as string);
    if (last === undefined) return `${from}${tail}`;
    const to = number(last);
    return `${Math.min(from, to)}-${Math.max(from, to)}${tail}`;
  });
  return parts.join(',');
}

function fieldValue(text: string, field: Field, refuse: (reason: string) => never): number {
  if (/^\d+$/.test(text)) {
    const value = Number(text);
    if (value >= field.least && value <= field.most) return value;
    return refuse(`has ${value} as ${field.name}, which goes from ${field.least} to ${field.most}`);
  }
  const index = (field.names ?? []).findIndex((name) => name.startsWith(text.toLowerCase()));
  return index >= 0 ? index + field.least : refuse(`has "${text}" as ${field.name}`);
}

/**
 * Whether the status of the schedule is kept: not where two of the next five occurrences lie under a minute apart, as Azure
 * then switches the monitor off by itself.
 */
export function isMonitored(schedule: Schedule, from: Date): boolean {
  let last = schedule.next(from);
  for (let count = 0; count < 5 && last; count++) {
    const next = schedule.next(last);
    if (next && next.getTime() - last.getTime() < 60_000) return false;
    last = next;
  }
  return true;
}
