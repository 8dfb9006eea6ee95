import type { PushChannel } from '../push/channel.ts';
import { isChannelUri } from '../push/channel.ts';
import type { Item } from '../wire/syncml.ts';
import type { Asked } from './session.ts';
import type { Turn } from './turn-state.ts';
import { PUSH_NAME } from './wanted-defaults.ts';

/**
 * The channel by which a device can be woken, read in the first message of each session while push is on: Windows gets a new
 * one without saying so. The device is asked once it has taken the package family name, in the session after that one, since
 * it gets its channel from Microsoft meanwhile (DMClient CSP, Push).
 */

const NODES = { uri: 'ChannelURI', status: 'Status' } as const;
/** Sessions in a row without an answer, after which it is asked once a week: the device may choke on it. */
const MAX_UNANSWERED = 3;
const WEEK_MS = 7 * 86_400_000;

type AskedPush = Extract<Asked, { kind: 'push' }>;

/** Asks for channel and status; what is known of a channel goes when push is switched off or is given another name. */
export function choosePush(turn: Turn): void {
  const { copy, input, session, reply } = turn;
  if (!hasName(turn)) {
    if (copy.device.push) note(turn, undefined);
    return;
  }
  if (!input.opens || isSilent(copy.device.push, input.now)) return;
  const top = `./Device/Vendor/MSFT/DMClient/Provider/${copy.device.providerId}/Push`;
  const cmdIds = reply.commands(
    Object.values(NODES).map((node) => ({ verb: 'Get' as const, items: [{ target: `${top}/${node}` }] })),
  );
  if (!cmdIds) return;
  const msgRef = Number(input.message.header.msgId);
  (Object.keys(NODES) as (keyof typeof NODES)[]).forEach((name, index) => {
    session.asked.push({ kind: 'push', msgRef, cmdId: cmdIds[index] ?? '', name });
  });
  const { times = 0 } = copy.device.push?.asked ?? {};
  note(turn, { ...copy.device.push, asked: { at: input.now.toISOString(), times: times + 1 } });
}

/** The device has taken the package family name that the organisation wants. */
function hasName({ copy, input }: Turn): boolean {
  const wanted = input.defaults?.some(({ name, value }) => name === PUSH_NAME && value !== undefined);
  const { hash, status = 0 } = copy.device.defaults?.[PUSH_NAME] ?? {};
  return wanted === true && hash !== undefined && status >= 200 && status < 300;
}

function isSilent(push: PushChannel | undefined, now: Date): boolean {
  const { at, times } = push?.asked ?? { at: '', times: 0 };
  return times >= MAX_UNANSWERED && now.getTime() - Date.parse(at) < WEEK_MS;
}

/** Takes what the device says. @returns the question once more where its value is still to come */
export function notePush(
  turn: Turn,
  asked: AskedPush,
  { code, item }: { code: number; item: Item | undefined },
): Asked | undefined {
  if (code === 200 && !item && !turn.input.message.final) return { ...asked, code };
  const { push } = turn.copy.device;
  if (!push) return undefined;
  // A value in pieces is none of these two.
  const value = code === 200 && item && !item.moreData ? (item.data ?? '').trim() : '';
  note(turn, asked.name === 'uri' ? withUri(push, value, turn.input.now) : withStatus(push, value));
  return undefined;
}

function withUri(push: PushChannel, text: string, now: Date): PushChannel {
  const { uri: _, foreign: __, asked: ___, goneAt, ...rest } = push;
  const readAt = now.toISOString();
  if (isChannelUri(text)) return { ...rest, uri: text, readAt };
  return { ...rest, readAt, ...(goneAt && { goneAt }), ...(text !== '' && { foreign: true as const }) };
}

function withStatus({ status: _, ...push }: PushChannel, text: string): PushChannel {
  return /^\d{1,3}$/.test(text) ? { ...push, status: Number(text) } : push;
}

function note({ copy }: Turn, push: PushChannel | undefined): void {
  const { push: _, ...device } = copy.device;
  copy.device = push ? { ...device, push } : device;
}
