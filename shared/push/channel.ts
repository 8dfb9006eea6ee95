/** The channel of a device: the address at the Windows Push Notification Services (WNS) by which it can be woken. */

export interface PushChannel {
  /** An https address. Who has it and the identity of the app can wake the device, so it is shown and logged nowhere. */
  uri?: string;
  /** When the device last said what it is, or that there is none. ISO 8601. */
  readAt?: string;
  /** `Push/Status` (DMClient CSP). */
  status?: number;
  /** The device named an address that is not of WNS. */
  foreign?: true;
  /** There while it is asked for and no answer has come: when last, and in how many sessions in a row. */
  asked?: { at: string; times: number };
  /** When WNS said that the channel is no more. */
  goneAt?: string;
}

/** WNS gives a channel for so long; Windows renews it after half of that. */
export const CHANNEL_LASTS_DAYS = 30;
const CHANNEL_LASTS_MS = CHANNEL_LASTS_DAYS * 86_400_000;
const MAX_URI = 2_000;
const HOST = '.notify.windows.com';

/**
 * @returns whether a text that a device sent is the address of a channel. The server will call it with a token of the
 *   organisation, so nothing is taken but https, the usual port, and a host of WNS, without user, password or fragment.
 */
export function isChannelUri(text: string): boolean {
  if (text.length > MAX_URI || /[^\x21-\x7e]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname, port, username, password, hash } = new URL(text);
  const isPlain = port === '' && username === '' && password === '' && hash === '';
  return protocol === 'https:' && isPlain && hostname.endsWith(HOST) && hostname.length > HOST.length;
}

/** What `Push/Status` says (DMClient CSP). */
const STATUSES: Readonly<Record<number, string>> = {
  0: 'The device has its channel.',
  1: 'Windows does not know the package family name.',
  2: 'The device could not prove itself to Microsoft (MSA device authentication).',
  3: 'The package family name was revoked.',
  4: 'The device has no channel yet.',
  5: 'Its channel ran out.',
  6: 'It could not give its old channel back.',
  7: 'A push came while there was no power or no network for a session.',
  8: 'This edition of Windows has no push, or it failed for a reason that Windows does not name.',
};

export function pushStatusMeaning(status: number): string {
  return STATUSES[status] ?? `Push/Status ${status}, which is not documented.`;
}

export interface PushView {
  /** There is a channel that can be used. */
  channel: boolean;
  readAt?: string;
  status?: number;
  /** All of it in words. */
  says: string;
}

/** @returns what may be shown of a channel: never its address */
export function pushView(push: PushChannel | undefined, now: Date): PushView | undefined {
  if (!push) return undefined;
  const { readAt, status } = push;
  const problem = channelProblem(push, now);
  const there = problem ?? `There is a channel, read at ${readAt}.`;
  const says = status === undefined ? there : `${there} ${pushStatusMeaning(status)}`;
  return {
    channel: problem === undefined,
    ...(readAt !== undefined && { readAt }),
    ...(status !== undefined && { status }),
    says,
  };
}

/** @returns why the device cannot be woken, in words; undefined when it can */
export function channelProblem(push: PushChannel | undefined, now: Date): string | undefined {
  if (push?.foreign) return 'The device named an address that is not of WNS, and that is not called.';
  if (push?.goneAt) return `WNS said at ${push.goneAt} that the channel is no more; the next session reads a new one.`;
  if (!push?.uri || !push.readAt) {
    return 'No channel is known: a session gives the device the package family name, and the one after it reads the channel.';
  }
  if (!isChannelUri(push.uri)) return 'The address of the channel is not of WNS, and is not called.';
  if (now.getTime() - Date.parse(push.readAt) <= CHANNEL_LASTS_MS) return undefined;
  return `The channel was last read at ${push.readAt}, and lasts ${CHANNEL_LASTS_DAYS} days.`;
}
