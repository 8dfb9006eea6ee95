import { describe, expect, test } from 'vitest';
import { nextPoll, pollScheduleFrom } from '../../../local/device/poll-schedule.ts';

const enrolledAt = new Date('2026-11-21T08:00:00Z');
const minute = (minutes: number) => new Date(enrolledAt.getTime() + minutes * 60_000);
const usual = [
  { interval: 15, count: 5 },
  { interval: 60, count: 10 },
  { interval: 480, count: 0 },
];

describe('the next poll', () => {
  test.each([
    [0, 15],
    [1, 15],
    [15, 30],
    [74, 75],
    [75, 135],
    [76, 135],
    [135, 195],
    [674, 675],
    [675, 1155],
    [700, 1155],
    [1155, 1635],
    [100_000, 100_035],
  ])('after a session %i minutes after the enrollment comes at minute %i', (last, next) => {
    expect(nextPoll(usual, enrolledAt, minute(last))).toEqual(minute(next));
  });

  test('is due at once after the enrollment', () => {
    expect(nextPoll(usual, enrolledAt, undefined)).toEqual(enrolledAt);
  });
});

describe('the schedule of the Poll nodes', () => {
  const from = (...values: (number | undefined)[]) => {
    const names = [
      'IntervalForFirstSetOfRetries',
      'NumberOfFirstRetries',
      'IntervalForSecondSetOfRetries',
      'NumberOfSecondRetries',
      'IntervalForRemainingScheduledRetries',
      'NumberOfRemainingScheduledRetries',
    ];
    return pollScheduleFrom((path) => values[names.indexOf(path.replace('Poll/', ''))]?.toString());
  };
  test.each([
    [
      'nothing is set',
      [],
      [
        { interval: 15, count: 10 },
        { interval: 1440, count: 0 },
      ],
    ],
    ['all is set', [15, 5, 60, 10, 480, 0], usual],
    [
      'only the first count is set',
      [undefined, 8],
      [
        { interval: 15, count: 8 },
        { interval: 1440, count: 0 },
      ],
    ],
    [
      'the second has no end',
      [15, 5, 60, 0, 480, 3],
      [
        { interval: 15, count: 5 },
        { interval: 60, count: 0 },
      ],
    ],
  ])('when %s', (_, values, schedule) => {
    expect(from(...values)).toMatchObject({ schedule });
  });

  test('cannot be all zeros, nor without any count', () => {
    expect(from(0, 0, 0, 0, 0, 0)).toBe('all six Poll values are 0');
    expect(from(15, 0, 60, 0, 480, 0)).toBe('all three Poll counts are 0');
  });
});
