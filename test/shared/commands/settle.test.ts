import { describe, expect, test } from 'vitest';
import { type Command, mayRepeat, needsUser } from '../../../shared/commands/command.ts';
import {
  type Departure,
  endWithDevice,
  MAX_ABORTS,
  MAX_DELIVERIES,
  recordResult,
  settleUnanswered,
} from '../../../shared/commands/settle.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const daysLater = (days: number) => new Date(NOW.getTime() + days * 86_400_000);

function sent(change: Partial<Command> = {}): Command {
  return {
    id: '000000000001',
    verb: 'Replace',
    items: [{ target: './A', data: '1' }],
    state: 'sent',
    once: false,
    queuedAt: NOW.toISOString(),
    queuedBy: 'kim',
    sentAt: NOW.toISOString(),
    deliveries: 1,
    results: [],
    ...change,
  };
}

function two(verb: Command['verb'] = 'Replace'): Command {
  return sent({ verb, items: [{ target: './A' }, { target: './B' }] });
}

describe('a status', () => {
  test.each([
    [200, 'done'],
    [201, 'done'],
    [204, 'done'],
    [202, 'accepted'],
    [214, 'failed'],
    [215, 'failed'],
    [216, 'failed'],
    [304, 'failed'],
    [400, 'rejected'],
    [403, 'failed'],
    [404, 'notApplicable'],
    [405, 'failed'],
    [406, 'notApplicable'],
    [418, 'failed'],
    [425, 'failed'],
    [500, 'failed'],
    [507, 'failed'],
    [0, 'failed'],
  ])('of %i makes a Replace %s', (status, state) => {
    const command = recordResult(sent(), 0, { target: './A', status }, NOW);
    expect(command.state).toBe(state);
    expect(command.finishedAt).toBe(state === 'accepted' ? undefined : NOW.toISOString());
  });

  test.each([
    ['Add', 418, 0, 'failed'],
    ['Add', 418, 1, 'done'],
    ['Delete', 404, 0, 'notApplicable'],
    ['Delete', 404, 1, 'done'],
  ] as const)('to %s of %i after %i deliveries without a word is %s', (verb, status, unanswered, state) => {
    const replaced = verb === 'Add' && unanswered === 0 ? { replaces: true as const } : {};
    const command = sent({ verb, unanswered, items: [{ target: './A', data: '1', ...replaced }] });
    expect(recordResult(command, 0, { target: './A', status }, NOW).state).toBe(state);
  });

  test.each([
    ['a value', { data: '1' }, 'done'],
    ['an empty value', { data: '' }, 'done'],
    ['a large value', { blob: 'd/1/0' }, 'done'],
    ['no value', {}, 'failed'],
  ])('of 200 to a Get with %s', (_, value, state) => {
    expect(recordResult(sent({ verb: 'Get' }), 0, { target: './A', status: 200, ...value }, NOW).state).toBe(state);
  });
});

describe('a command of two items', () => {
  test('stays sent until both are answered, whichever comes first', () => {
    const half = recordResult(two(), 1, { target: './B', status: 200 }, NOW);
    expect(half).toMatchObject({ state: 'sent', results: [null, { status: 200 }] });
    expect(recordResult(half, 0, { target: './A', status: 200 }, NOW).state).toBe('done');
  });

  test.each([
    [200, 200, 'done'],
    [200, 404, 'notApplicable'],
    [404, 406, 'notApplicable'],
    [404, 500, 'failed'],
    [200, 500, 'failed'],
    [202, 200, 'accepted'],
    [202, 500, 'accepted'],
  ])('answered %i and %i is %s', (first, second, state) => {
    const half = recordResult(two(), 0, { target: './A', status: first }, NOW);
    expect(recordResult(half, 1, { target: './B', status: second }, NOW).state).toBe(state);
  });

  test('keeps the first answer to an item', () => {
    const half = recordResult(two(), 0, { target: './A', status: 200 }, NOW);
    expect(recordResult(half, 0, { target: './A', status: 500 }, NOW)).toBe(half);
  });
});

describe('when a new session begins', () => {
  test('what may be repeated waits for another delivery, and half an answer counts for nothing', () => {
    const half = recordResult(two(), 0, { target: './A', status: 200 }, NOW);
    expect(settleUnanswered(half, NOW)).toMatchObject({ state: 'waiting', results: [], deliveries: 1 });
  });

  test('what may not is unknown', () => {
    expect(settleUnanswered(sent({ once: true }), NOW)).toMatchObject({
      state: 'unknown',
      finishedAt: NOW.toISOString(),
      reason: expect.stringContaining('once'),
    });
  });

  test.each([
    [MAX_DELIVERIES - 2, 0, 'waiting'],
    [MAX_DELIVERIES - 1, 0, 'rejected'],
    [0, MAX_ABORTS - 1, 'waiting'],
    [0, MAX_ABORTS, 'rejected'],
  ])('after %i deliveries without a word and %i aborts before this it is %s', (unanswered, aborts, state) => {
    expect(settleUnanswered(sent({ unanswered, aborts }), NOW).state).toBe(state);
  });

  test.each([
    [6.9, 'accepted'],
    [7, 'unknown'],
  ])('what was accepted %d days ago is %s', (days, state) => {
    expect(settleUnanswered(sent({ state: 'accepted' }), daysLater(days)).state).toBe(state);
  });

  test.each(['waiting', 'done', 'cancelled'] as const)('what is %s stays as it is', (state) => {
    const command = sent({ state });
    expect(settleUnanswered(command, daysLater(30))).toBe(command);
  });
});

describe('a command whose device leaves', () => {
  test.each<[Departure, string, string]>([
    ['unenrolled', 'The device was unenrolled before it was sent.', 'the device left without'],
    ['wiped', 'The device was wiped before it was sent.', 'the device left without'],
    ['returned', 'The device enrolled anew before it was sent.', 'the device enrolled anew without'],
  ])('and was %s ends with a reason that is true', (how, waited, unheard) => {
    expect(endWithDevice(sent({ state: 'waiting' }), NOW, how)).toMatchObject({ state: 'cancelled', reason: waited });
    expect(endWithDevice(sent(), NOW, how)).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining(unheard),
    });
  });
});

describe('what may be sent twice', () => {
  test.each([
    ['Get', './A', true],
    ['Add', './A', true],
    ['Replace', './A', true],
    ['Delete', './A', true],
    ['Exec', './Device/Vendor/MSFT/Reboot/RebootNow', false],
    ['Exec', './Device/Vendor/MSFT/RemoteWipe/doWipe', false],
    ['Exec', './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll', true],
    ['Exec', './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll/More', false],
  ] as const)('%s of %s: %s', (verb, target, repeatable) => {
    expect(mayRepeat(verb, [{ target }])).toBe(repeatable);
  });

  test.each([
    ['./User/Vendor/A', true],
    ['./user/Vendor/A', true],
    ['./User', true],
    ['./UserData/A', false],
    ['./Device/User/A', false],
    ['./Vendor/MSFT/A', false],
  ])('and %s needs a user: %s', (target, needs) => {
    expect(needsUser({ items: [{ target: './Device/A' }, { target }] })).toBe(needs);
  });
});
