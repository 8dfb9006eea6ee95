import { describe, expect, test } from 'vitest';
import { isMonitored, parseNcrontab } from '../../../local/host/ncrontab.ts';

/** Saturday. */
const from = new Date('2026-11-21T11:50:30.500Z');

function occurrences(expression: string, count: number): string[] {
  const schedule = parseNcrontab(expression);
  const found: string[] = [];
  let at = from;
  while (found.length < count) {
    const next = schedule.next(at);
    if (!next) break;
    found.push(next.toISOString().replace('.000Z', ''));
    at = next;
  }
  return found;
}

test.each<[string, string[]]>([
  ['0 0 3 * * *', ['2026-11-22T03:00:00', '2026-11-23T03:00:00']],
  ['*/20 * * * * *', ['2026-11-21T11:50:40', '2026-11-21T11:51:00']],
  ['30 50 11 * * *', ['2026-11-22T11:50:30']],
  ['0 5/15 * * * *', ['2026-11-21T12:05:00', '2026-11-21T12:20:00', '2026-11-21T12:35:00', '2026-11-21T12:50:00']],
  ['0 0 9-17/4 * * *', ['2026-11-21T13:00:00', '2026-11-21T17:00:00', '2026-11-22T09:00:00']],
  ['0 15,45 12 * * *', ['2026-11-21T12:15:00', '2026-11-21T12:45:00', '2026-11-22T12:15:00']],
  ['0 0 0 * * 0', ['2026-11-22T00:00:00', '2026-11-29T00:00:00']],
  ['0 0 0 * * Mon-Fri', ['2026-11-23T00:00:00', '2026-11-24T00:00:00']],
  ['0 0 0 * * fri-mon', ['2026-11-23T00:00:00', '2026-11-24T00:00:00']],
  ['0 0 0 1 January *', ['2027-01-01T00:00:00', '2028-01-01T00:00:00']],
  ['0 0 0 1 ju *', ['2027-06-01T00:00:00']],
  ['0 0 0 29 2 *', ['2028-02-29T00:00:00']],
  ['0 30 9 * * *', ['2026-11-22T09:30:00']],
  ['30 9 * * *', ['2026-11-22T09:30:00']],
])('%s happens at %o', (expression, expected) => {
  expect(occurrences(expression, expected.length)).toEqual(expected);
});

test('day and day of the week must both match', () => {
  expect(occurrences('0 0 0 13 * 5', 2)).toEqual(['2027-08-13T00:00:00', '2028-10-13T00:00:00']);
});

test('a day that never comes has no occurrence', () => {
  expect(occurrences('0 0 0 31 2 *', 1)).toEqual([]);
});

describe('what Azure does not take is refused', () => {
  test.each([
    ['0 0 0 * * 7', 'has 7 as day of the week, which goes from 0 to 6'],
    ['60 * * * * *', 'has 60 as second'],
    ['0 0 24 * * *', 'has 24 as hour'],
    ['0 0 0 0 * *', 'has 0 as day'],
    ['0 0 0 ? * *', 'has "?" as day'],
    ['0 0 0 L * *', 'has "L" as day'],
    ['0 0 0 15W * *', 'has "15W" as day'],
    ['0 0 0 * * 1#2', 'has "1#2" as day of the week'],
    ['0 0 0 * Foo *', 'has "Foo" as month'],
    ['0 */0 * * * *', 'step of 0 in the field minute'],
    ['0 1, * * * *', 'has "" as minute'],
    ['@daily', 'has 1 fields instead of 6'],
    ['01:00:00', 'is a time span'],
    ['0 0 0 * * * 2026', 'has 7 fields'],
    ['', 'has 1 fields'],
  ])('%s', (expression, reason) => {
    expect(() => parseNcrontab(expression)).toThrow(reason);
  });
});

test.each([
  ['*/30 * * * * *', false],
  ['0 * * * * *', true],
  ['0,30 0 * * * *', false],
  ['0 0 3 * * *', true],
])('the status of %s is kept: %s', (expression, kept) => {
  expect(isMonitored(parseNcrontab(expression), from)).toBe(kept);
});
