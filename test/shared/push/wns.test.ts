import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setClock } from '../../../shared/platform/clock.ts';
import { readNotifyReply, readTokenReply } from '../../../shared/push/wns.ts';

beforeEach(() => setClock(() => new Date('2026-03-01T12:00:00.000Z')));
afterEach(() => setClock(undefined));

describe('what WNS answers', () => {
  test.each<[string, number, Record<string, string>, object]>([
    ['it was taken', 200, { 'X-WNS-Status': 'received' }, { kind: 'taken', wns: 'received' }],
    ['the same by its other name', 200, { 'X-WNS-NotificationStatus': 'received' }, { kind: 'taken', wns: 'received' }],
    ['it was dropped', 200, { 'X-WNS-Status': 'dropped' }, { kind: 'taken', wns: 'dropped' }],
    ['too many for a channel', 200, { 'X-WNS-Status': 'channelThrottled' }, { kind: 'taken', wns: 'throttled' }],
    ['a word that is not known', 200, { 'X-WNS-Status': 'eaten' }, { kind: 'taken', wns: 'unknown' }],
    [
      'the device is away',
      200,
      { 'X-WNS-Status': 'received', 'X-WNS-DeviceConnectionStatus': 'disconnected' },
      { kind: 'taken', wns: 'received', device: 'disconnected' },
    ],
    [
      'a state of the device that is not known',
      200,
      { 'X-WNS-Status': 'received', 'X-WNS-DeviceConnectionStatus': '<b>' },
      { kind: 'taken', wns: 'received' },
    ],
    ['the token is not good', 401, {}, { kind: 'unauthorized' }],
    ['a channel of another app', 403, {}, { kind: 'failed', reason: expect.stringContaining('of one app') }],
    ['no such channel', 404, {}, { kind: 'gone' }],
    ['a channel that ran out', 410, {}, { kind: 'gone' }],
    ['too many', 406, { 'Retry-After': '120' }, { kind: 'wait', seconds: 120 }],
    ['too many, until a date', 429, { 'Retry-After': 'Sun, 01 Mar 2026 12:05:00 GMT' }, { kind: 'wait', seconds: 300 }],
    ['too many, until a date that is over', 429, { 'Retry-After': 'Sun, 01 Mar 2026 11:00:00 GMT' }, { seconds: 1 }],
    ['too many, without a time', 406, {}, { kind: 'wait', seconds: 60 }],
    ['too many, for years', 406, { 'Retry-After': '999999999' }, { kind: 'wait', seconds: 86_400 }],
    ['it failed', 503, { 'Retry-After': '5' }, { kind: 'wait', seconds: 5, reason: expect.stringContaining('503') }],
    ['it is too large', 413, {}, { kind: 'failed', reason: expect.stringContaining('413') }],
    [
      'it is elsewhere',
      302,
      { Location: 'https://example.org' },
      { kind: 'failed', reason: expect.not.stringContaining('example') },
    ],
  ])('%s', (_, status, headers, expected) => {
    expect(readNotifyReply(status, new Headers(headers))).toMatchObject(expected);
  });
});

describe('what login.live.com answers', () => {
  test('a token and its life', () => {
    const body = { access_token: 'EgAcAQ', token_type: 'bearer', expires_in: 86_400 };
    expect(readTokenReply(200, JSON.stringify(body))).toEqual({ token: 'EgAcAQ', seconds: 86_400 });
  });

  test('a token of unknown life is used at once and not again', () => {
    expect(readTokenReply(200, '{"access_token":"EgAcAQ"}')).toEqual({ token: 'EgAcAQ', seconds: 0 });
  });

  test.each<[string, number, string, RegExp]>([
    [
      'an error with its name',
      400,
      '{"error":"invalid_client","error_description":"secret"}',
      /\(400, invalid_client\)/,
    ],
    ['an error whose name is none', 400, '{"error":"<script>"}', /\(400\)/],
    ['no JSON', 200, 'Sign in', /\(200\)/],
    ['a list', 200, '[]', /\(200\)/],
    ['nothing', 200, 'null', /\(200\)/],
    ['a token that no header can carry', 200, '{"access_token":"a\\r\\nb"}', /\(200\)/],
    ['a redirect', 302, '', /\(302\)/],
  ])('%s is no token', (_, status, body, says) => {
    const reply = readTokenReply(status, body);
    expect(reply).toMatchObject({ kind: 'failed', reason: expect.stringMatching(says) });
    expect(JSON.stringify(reply)).not.toMatch(/secret"|script/);
  });
});
