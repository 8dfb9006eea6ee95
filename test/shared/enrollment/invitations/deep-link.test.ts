import { describe, expect, test } from 'vitest';
import { readDeepLink } from '../../../../local/device/deep-link.ts';
import { type DeepLink, enrollmentDeepLink } from '../../../../shared/enrollment/invitations/deep-link.ts';

const SERVER = 'https://enroll.example.org';
const GUID = '0f2c7b1e-58a1-4a0e-9f0d-2f4b7f1c9a11';

describe('a deep link', () => {
  const exact: [string, DeepLink, string][] = [
    ['nothing but the mode', { mode: 'mdm' }, 'mode=mdm'],
    ['a work account', { mode: 'awa', user: 'kim@example.org' }, 'mode=awa&username=kim%40example.org'],
    ['a join', { mode: 'aadj' }, 'mode=aadj'],
    [
      'all seven parameters',
      {
        mode: 'mdm',
        user: 'kim@example.org',
        server: SERVER,
        accessToken: 'QCNG-QFW3-918B-J754',
        deviceIdentifier: GUID,
        tenantIdentifier: 'Haus Süd & Co',
        ownership: 'corporate',
      },
      'mode=mdm&username=kim%40example.org&servername=https%3A%2F%2Fenroll.example.org&accesstoken=QCNG-QFW3-918B-J754' +
        `&deviceidentifier=${GUID}&tenantidentifier=Haus%20S%C3%BCd%20%26%20Co&ownership=3`,
    ],
    ['a port', { mode: 'mdm', server: 'https://e.example:7443' }, 'mode=mdm&servername=https%3A%2F%2Fe.example%3A7443'],
    ['a blank', { mode: 'mdm', user: 'a b@example.org' }, 'mode=mdm&username=a%20b%40example.org'],
    ['a plus', { mode: 'mdm', user: 'a+b@example.org' }, 'mode=mdm&username=a%2Bb%40example.org'],
    ['what ends a link in a mail', { mode: 'mdm', user: "o'n(e)i!l*" }, 'mode=mdm&username=o%27n%28e%29i%21l%2A'],
    ['what ends a parameter', { mode: 'mdm', user: 'a&b=c#d?e%f' }, 'mode=mdm&username=a%26b%3Dc%23d%3Fe%25f'],
    ['unknown ownership', { mode: 'mdm', ownership: 'unknown' }, 'mode=mdm&ownership=1'],
    ['a personal PC', { mode: 'mdm', ownership: 'personal' }, 'mode=mdm&ownership=2'],
  ];

  test.each(exact)('with %s is written as Settings reads it', (_, link, query) => {
    expect(enrollmentDeepLink(link)).toBe(`ms-device-enrollment:?${query}`);
  });

  test.each(exact)('with %s comes out of the device as it went in', (_, link) => {
    const { ownership, ...rest } = readDeepLink(enrollmentDeepLink(link));
    expect({ ...rest, ownership: { 1: 'unknown', 2: 'personal', 3: 'corporate' }[ownership ?? ''] }).toEqual(link);
  });
});

test.each([
  ['another scheme', 'https://enroll.example.org/?mode=mdm'],
  ['no mode', 'ms-device-enrollment:?username=kim%40example.org'],
  ['a mode that Windows has not', 'ms-device-enrollment:?mode=intune'],
  ['a value that is no percent-encoded text', 'ms-device-enrollment:?mode=mdm&username=%E4'],
  ['an ownership that is none', 'ms-device-enrollment:?mode=mdm&ownership=4'],
])('the device opens no link with %s', (_, link) => {
  expect(() => readDeepLink(link)).toThrow(expect.objectContaining({ hresult: '0x80070057' }));
});
