import { describe, expect, test } from 'vitest';
import { isChannelUri, type PushChannel, pushView } from '../../../shared/push/channel.ts';

const CHANNEL = 'https://db5p.notify.windows.com/w/?token=AwYAAAB%2f';
const NOW = new Date('2026-03-31T12:00:00.000Z');
const READ = '2026-03-31T08:00:00.000Z';

describe('the address of a channel', () => {
  test.each([
    CHANNEL,
    'https://a.b.notify.windows.com/',
    'https://DB5P.NOTIFY.WINDOWS.COM/x',
    'https://db5p.notify.windows.com:443/x',
  ])('is taken: %s', (uri) => {
    expect(isChannelUri(uri)).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['no address', 'channel'],
    ['plain HTTP', CHANNEL.replace('https', 'http')],
    ['another scheme', CHANNEL.replace('https', 'ftp')],
    ['another port', 'https://db5p.notify.windows.com:8443/x'],
    ['a user', 'https://kim@db5p.notify.windows.com/x'],
    ['a password', 'https://:secret@db5p.notify.windows.com/x'],
    ['the host in front of a user', 'https://db5p.notify.windows.com@169.254.169.254/x'],
    ['a fragment', `${CHANNEL}#x`],
    ['another host', 'https://example.org/x'],
    ['a metadata service', 'https://169.254.169.254/metadata'],
    ['a host of the same ending', 'https://evilnotify.windows.com/x'],
    ['the host as the beginning of another', 'https://db5p.notify.windows.com.example.org/x'],
    ['the host in the path', 'https://example.org/.notify.windows.com'],
    ['the name alone', 'https://notify.windows.com/x'],
    ['an empty name before it', 'https://.notify.windows.com/x'],
    ['a dot behind it', 'https://db5p.notify.windows.com./x'],
    ['a backslash', 'https://example.org\\.notify.windows.com/x'],
    ['a line break', `${CHANNEL}\r\nX: y`],
    ['too much of it', `${CHANNEL}${'x'.repeat(2_000)}`],
  ])('is not taken with %s', (_, uri) => {
    expect(isChannelUri(uri)).toBe(false);
  });
});

describe('what is shown of a channel', () => {
  const shown = (push: PushChannel) => pushView(push, NOW);

  test.each<[string, PushChannel, boolean, RegExp]>([
    [
      'that is there',
      { uri: CHANNEL, readAt: READ, status: 0 },
      true,
      /^There is a channel, read at 2026-03-31.*has its/,
    ],
    ['that was not read', { asked: { at: READ, times: 1 } }, false, /^No channel is known/],
    ['that is not there yet', { readAt: READ, status: 4 }, false, /No channel.*has no channel yet/],
    ['of a name that Windows does not know', { readAt: READ, status: 1 }, false, /does not know the package family/],
    ['of a PC that cannot prove itself', { readAt: READ, status: 2 }, false, /could not prove itself/],
    ['whose name was revoked', { readAt: READ, status: 3 }, false, /was revoked/],
    ['that ran out', { readAt: READ, status: 5 }, false, /ran out/],
    ['whose predecessor is still there', { uri: CHANNEL, readAt: READ, status: 6 }, true, /could not give/],
    ['that was not answered for want of power', { uri: CHANNEL, readAt: READ, status: 7 }, true, /no power/],
    ['of an edition without push', { readAt: READ, status: 8 }, false, /edition of Windows has no push/],
    ['of an unknown status', { readAt: READ, status: 77 }, false, /77, which is not documented/],
    ['of another host', { readAt: READ, foreign: true }, false, /not of WNS/],
    ['that is stored and is of another host', { uri: 'https://example.org/x', readAt: READ }, false, /not of WNS/],
    ['that WNS knows no more', { readAt: READ, goneAt: READ }, false, /is no more/],
    ['of 30 days', { uri: CHANNEL, readAt: '2026-03-01T12:00:00.000Z' }, true, /^There is a channel/],
    ['of more', { uri: CHANNEL, readAt: '2026-03-01T11:59:59.000Z' }, false, /lasts 30 days/],
  ])('%s', (_, push, channel, says) => {
    expect(shown(push)).toMatchObject({ channel, says: expect.stringMatching(says) });
    expect(JSON.stringify(shown(push))).not.toMatch(/https:/);
  });

  test('is nothing where push is off', () => {
    expect(pushView(undefined, NOW)).toBeUndefined();
  });
});
