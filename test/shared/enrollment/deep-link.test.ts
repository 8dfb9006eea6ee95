import { expect, test } from 'vitest';
import { enrollmentDeepLink } from '../../../shared/enrollment/deep-link.ts';

test.each(['kim@example.org', "o'neil+tag@example.org", 'müller@example.org', 'a&b=c@example.org'])(
  'the link for %s gives Settings the user and the server, and no secret',
  (user) => {
    const link = enrollmentDeepLink(user, 'https://enroll.example.org');
    const query = new URLSearchParams(link.slice('ms-device-enrollment:?'.length));
    expect(link.startsWith('ms-device-enrollment:?mode=mdm&')).toBe(true);
    expect([...query.keys()]).toEqual(['mode', 'username', 'servername']);
    expect(query.get('username')).toBe(user);
    expect(query.get('servername')).toBe('https://enroll.example.org');
    expect(link).not.toContain('+');
  },
);

test('a blank is written as Settings reads it', () => {
  expect(enrollmentDeepLink('a b@example.org', 'https://e')).toContain('username=a%20b%40example.org');
});
