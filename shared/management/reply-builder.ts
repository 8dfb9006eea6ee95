import {
  alertElement,
  atomicElement,
  commandElement,
  type ServerCommand,
  type ServerStatus,
  statusElement,
} from '../wire/syncml-writer.ts';
import type { Xml } from '../wire/xml.ts';

/** A reply carries at most this many commands; the device answers them all in its next message. */
export const MAX_COMMANDS = 25;
/** And at most this many bytes. Nothing is ever chunked to a device, since Windows says LrgObj false. */
export const MAX_REPLY_BYTES = 256 * 1024;
/** Envelope, header and the namespace declarations that are not counted element by element. */
const ENVELOPE_BYTES = 2_048;

/** Collects the body of a server message: statuses first, then commands, each with a CmdID of its own from 1 on. */
export class ReplyBuilder {
  readonly body: Xml[] = [];
  #nextCmdId = 1;
  #bytes = ENVELOPE_BYTES;
  #commands = 0;
  #isClosed = false;

  get commandCount(): number {
    return this.#commands;
  }

  /** Appends a Status, unless a device that sends thousands of commands has filled half the reply with them. */
  status(status: ServerStatus): void {
    const element = statusElement(this.#nextCmdId, status);
    if (this.#bytes + sizeOf(element) <= MAX_REPLY_BYTES / 2) this.#append(element);
  }

  /** Nothing more is asked in this message: what is in it goes alone. */
  close(): void {
    this.#isClosed = true;
  }

  alert(code: number): void {
    this.#append(alertElement(this.#nextCmdId, { code }));
  }

  /**
   * Appends all of `commands`, or none when they do not fit.
   * @returns the CmdIDs given to them, in order; undefined when they do not fit into this reply.
   */
  commands(commands: readonly ServerCommand[]): string[] | undefined {
    if (this.#isClosed || this.#commands + commands.length > MAX_COMMANDS) return undefined;
    const elements = commands.map((command, index) => commandElement(this.#nextCmdId + index, command));
    const bytes = elements.reduce((sum, element) => sum + sizeOf(element), 0);
    if (this.#bytes + bytes > MAX_REPLY_BYTES) return undefined;
    const first = this.#nextCmdId;
    for (const element of elements) this.#append(element);
    this.#commands += commands.length;
    return commands.map((_, index) => String(first + index));
  }

  /**
   * Appends an Atomic of `commands`, if it fits as a whole; it counts as one command more than it holds.
   * @returns its CmdID and those of what it holds, in order; undefined when it does not fit into this reply.
   */
  atomic(commands: readonly ServerCommand[]): { cmdId: string; inner: string[] } | undefined {
    const count = commands.length + 1;
    if (this.#isClosed || this.#commands + count > MAX_COMMANDS) return undefined;
    const first = this.#nextCmdId;
    const inner = commands.map((command, index) => commandElement(first + 1 + index, command));
    const element = atomicElement(first, inner);
    if (this.#bytes + sizeOf(element) > MAX_REPLY_BYTES) return undefined;
    this.#append(element, count);
    this.#commands += count;
    return { cmdId: String(first), inner: inner.map((_, index) => String(first + 1 + index)) };
  }

  /** @param cmdIds how many CmdIDs the element takes */
  #append(element: Xml, cmdIds = 1): void {
    this.body.push(element);
    this.#bytes += sizeOf(element);
    this.#nextCmdId += cmdIds;
  }
}

function sizeOf(element: Xml): number {
  return Buffer.byteLength(element.toString());
}
