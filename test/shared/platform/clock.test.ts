import { afterEach, expect, test } from 'vitest';
import { now, setClock } from '../../../shared/platform/clock.ts';

afterEach(() => setClock(undefined));

test('the clock is the system clock until a test moves it, and again after', () => {
  const before = Date.now();
  expect(now().getTime()).toBeGreaterThanOrEqual(before);
  setClock(() => new Date('2027-01-02T03:04:05Z'));
  expect(now().toISOString()).toBe('2027-01-02T03:04:05.000Z');
  setClock(undefined);
  expect(Math.abs(now().getTime() - Date.now())).toBeLessThan(5000);
});

test('whoever changes the date that was read does not change the clock', () => {
  const fixed = new Date('2027-01-02T03:04:05Z');
  setClock(() => fixed);
  now().setFullYear(1999);
  expect(now().getFullYear()).toBe(2027);
});
