import { describe, expect, test } from 'vitest';
import { callerAddress, FAILURES_PER_HOUR, MAX_COUNTERS, Throttle } from '../../../shared/enrollment/throttle.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

function failTimes(throttle: Throttle, times: number, address: string, at = NOW): number | undefined {
  let wait: number | undefined;
  for (let n = 0; n < times; n += 1) wait = throttle.fail(address, at);
  return wait;
}

describe('an address that fails', () => {
  test('20 times in an hour is told nothing yet, and the next time how long to wait', () => {
    const throttle = new Throttle();
    expect(failTimes(throttle, FAILURES_PER_HOUR, 'a')).toBeUndefined();
    expect(throttle.fail('a', later(600))).toBe(3_000);
    expect(throttle.fail('a', later(3_599.9))).toBe(1);
  });

  test('is free when its hour is over', () => {
    const throttle = new Throttle();
    failTimes(throttle, 50, 'a');
    expect(throttle.fail('a', later(3_600))).toBeUndefined();
  });

  test('does not count for another', () => {
    const throttle = new Throttle();
    failTimes(throttle, 50, 'a');
    expect(throttle.fail('b', NOW)).toBeUndefined();
  });
});

describe('a flood of addresses', () => {
  function flooded(): Throttle {
    const throttle = new Throttle();
    for (let n = 0; n < MAX_COUNTERS; n += 1) throttle.fail(`a${n}`, NOW);
    return throttle;
  }

  test('past the number of counters shares one', () => {
    const throttle = flooded();
    for (let n = 0; n < FAILURES_PER_HOUR; n += 1) expect(throttle.fail(`new${n}`, NOW)).toBeUndefined();
    expect(throttle.fail('newer', NOW)).toBeGreaterThan(0);
    expect(failTimes(throttle, FAILURES_PER_HOUR - 1, 'a7'), 'a counter of its own goes on').toBeUndefined();
    expect(throttle.fail('a7', NOW)).toBeGreaterThan(0);
  });

  test('is forgotten when its hour is over', () => {
    const throttle = flooded();
    failTimes(throttle, FAILURES_PER_HOUR, 'new');
    expect(failTimes(throttle, FAILURES_PER_HOUR, 'x', later(3_601))).toBeUndefined();
    expect(failTimes(throttle, FAILURES_PER_HOUR, 'y', later(3_601)), 'each has its own again').toBeUndefined();
  });
});

describe('the address of a caller', () => {
  test.each([
    [null, 'unknown'],
    ['', 'unknown'],
    [' , ', 'unknown'],
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['10.0.0.1, 203.0.113.7:51234', '203.0.113.7'],
    ['127.0.0.1,evil, 203.0.113.7 ', '203.0.113.7'],
    ['[2001:db8::1]:443, 203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2:3:4:5:6]:51234', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2:3:4:5:6]', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['[2001:db8:1:2::1]:8', '2001:db8:1:2::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['[::1]:51234', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['[::FFFF:203.0.113.7]:51234', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['203.0.113.7, 2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ])('in %j is %s', (header, address) => {
    expect(callerAddress(header)).toBe(address);
  });

  test('is not looked for in what is too long to be one', () => {
    expect(callerAddress(`203.0.113.7, ${':'.repeat(1_500)}x`)).toBe('unknown');
  });

  test('is the same for the whole network of a subscriber, whatever he writes in front of it', () => {
    const addresses = ['2001:db8:1:2::1', '1.2.3.4, [2001:db8:1:2:a:b:c:d]:9', '2001:DB8:1:2:0:0:0:1'].map(
      callerAddress,
    );
    expect(new Set(addresses).size).toBe(1);
  });
});
