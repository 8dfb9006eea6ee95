import { parseXml, XmlError } from '../wire/xml.ts';
import { redact, writeRedacted } from './redaction.ts';
import { type AskedBefore, askedIn, describeFromDevice, describeFromServer } from './words.ts';

/** A message of the device and the reply to it, as a trace keeps them. Pure. */

/** One message: `words` a sentence each, `xml` without anything that a trace must not show. */
export interface TracedMessage {
  direction: 'fromDevice' | 'toDevice';
  words: string[];
  xml: string;
}

export interface Exchange {
  /** ISO 8601, when it was answered. */
  at: string;
  sessionId: string;
  msgId: string;
  /** The device sent it a second time, and got the reply that it had got. */
  repeated?: true;
  messages: TracedMessage[];
}

/** In characters, for each message. What is longer is cut, and says so. */
export const MAX_XML = 256 * 1024;
export const MAX_WORDS = 500;

export interface RawExchange {
  at: Date;
  received: Buffer;
  sent: Buffer;
  /** The reply before this one, which the device answers. Empty where there is none. */
  before: Buffer;
  repeated: boolean;
  /** @returns whether somebody has marked the value of this node as a secret */
  isSecret(locUri: string): boolean;
}

/** @returns what is kept of it. Never throws for what was read as SyncML before */
export function traceOf({ at, received, sent, before, repeated, isSecret }: RawExchange): Exchange {
  const rules = { isSecret };
  const device = redact(parseXml(received), rules);
  const server = redact(parseXml(sent), rules);
  const header = device.children.find(({ name }) => name === 'SyncHdr');
  const text = (name: string) => header?.children.find((each) => each.name === name)?.text.trim() ?? '';
  return {
    at: at.toISOString(),
    sessionId: text('SessionID'),
    msgId: text('MsgID'),
    ...(repeated ? { repeated: true } : {}),
    messages: [
      message('fromDevice', describeFromDevice(device, askedBefore(before)), writeRedacted(device)),
      message('toDevice', describeFromServer(server), writeRedacted(server)),
    ],
  };
}

/** Addresses alone are taken from it. */
function askedBefore(reply: Buffer): AskedBefore {
  if (reply.length === 0) return new Map();
  try {
    return askedIn(redact(parseXml(reply), { isSecret: () => true }));
  } catch (error) {
    if (error instanceof XmlError) return new Map();
    throw error;
  }
}

function message(direction: TracedMessage['direction'], words: string[], xml: string): TracedMessage {
  const rest = words.length - MAX_WORDS;
  return {
    direction,
    words: rest > 0 ? [...words.slice(0, MAX_WORDS), `… and ${rest} more.`] : words,
    xml: xml.length > MAX_XML ? `${xml.slice(0, MAX_XML)}\n… cut: the message is longer than a trace keeps` : xml,
  };
}
