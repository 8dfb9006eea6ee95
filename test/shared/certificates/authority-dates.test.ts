import { describe, expect, test } from 'vitest';
import { daysAwaitingOwnRoot, dueActions, viewIssuers } from '../../../shared/certificates/authority-dates.ts';
import { currentIssuer, type PublishedIssuer, SETTLING_MS } from '../../../shared/certificates/issuers.ts';
import { memoryAuthority, newRsaKey } from './memory-authority.ts';

const made = new Date('2026-11-21T10:00:00Z');
const rootKey = newRsaKey(1024);
const daysOn = (days: number, from = made) => new Date(from.getTime() + days * 86_400_000);

async function published(at: Date, key: string): Promise<PublishedIssuer> {
  const { rootCertificate, issuingCertificate } = await memoryAuthority(at, rootKey);
  return { certificate: issuingCertificate, root: rootCertificate, key, publishedAt: at };
}
const first = await published(made, 'first');
const next = await published(daysOn(1_400), 'next');

describe('which issuing CA signs', () => {
  const settled = new Date(next.publishedAt.getTime() + SETTLING_MS);
  test.each<[string, PublishedIssuer[], Date, string | undefined]>([
    ['none, where there is none', [], made, undefined],
    ['the only one at once', [first], made, 'first'],
    ['the old one while a new one is not known to all', [first, next], new Date(settled.getTime() - 1), 'first'],
    ['the new one when it is', [first, next], settled, 'next'],
    [
      'a new one at once, where the old one has ended',
      [first, { ...next, publishedAt: daysOn(1_827) }],
      daysOn(1_827),
      'next',
    ],
    ['none that has ended', [first], daysOn(1_827), undefined],
    ['none that is not good yet', [next], made, undefined],
  ])('%s', (_, issuers, now, key) => {
    expect(currentIssuer(issuers, now)?.key).toBe(key);
  });
});

describe('what an administrator is told', () => {
  // Five years are 1,826 days here: the issuing CA is due a year and 90 days before, the root two years before its 3,653.
  test.each<[number, string[]]>([
    [0, []],
    [1_370, []],
    [1_372, ['issuing soon 454']],
    [1_460, ['issuing soon 366']],
    [1_462, ['issuing urgent 364']],
    [1_900, ['issuing urgent -74']],
    [2_924, ['issuing urgent -1098', 'root soon 729']],
    [3_289, ['issuing urgent -1463', 'root urgent 364']],
  ])('after %i days: %j', (days, expected) => {
    const due = dueActions([first], daysOn(days)).map(
      ({ what, urgency, daysLeft }) => `${what} ${urgency} ${daysLeft}`,
    );
    expect(due).toEqual(expected);
  });

  test('nothing more about a CA that has been followed', () => {
    expect(dueActions([first, next], daysOn(1_500))).toEqual([]);
  });

  test.each([
    [undefined, 400, 0],
    [made.toISOString(), 0, 0],
    [made.toISOString(), 0.99, 0],
    [made.toISOString(), 1, 1],
    [made.toISOString(), 30.5, 30],
  ])('how long a request of %s has waited for the own root after %d days: %d', (since, days, expected) => {
    expect(daysAwaitingOwnRoot(since, daysOn(days))).toBe(expected);
  });

  test('until when the certificates of an old CA may be in use: a year, and not past its own end', () => {
    const [old, current] = viewIssuers([first, next], daysOn(1_401));
    expect(old).toMatchObject({ state: 'accepted', notAfter: '2031-11-21T10:00:00.000Z' });
    expect(old?.neededUntil).toBe(new Date(daysOn(1_765).getTime() + SETTLING_MS).toISOString());
    expect(current?.state).toBe('issuing');
    expect(current).not.toHaveProperty('neededUntil');
    const late = { ...next, publishedAt: daysOn(1_700) };
    expect(viewIssuers([first, late], daysOn(1_701))[0]?.neededUntil).toBe('2031-11-21T10:00:00.000Z');
    expect(viewIssuers([first, next], daysOn(1_827))[0]?.state).toBe('ended');
  });
});
