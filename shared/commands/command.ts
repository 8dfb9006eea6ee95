import { isUserScope } from '../wire/node-path.ts';

/** A command as an administrator queues it, and what becomes of it. */

export const VERBS = ['Get', 'Add', 'Replace', 'Delete', 'Exec'] as const;
export type Verb = (typeof VERBS)[number];

export const FORMATS = ['chr', 'int', 'bool', 'b64', 'xml', 'node', 'null'] as const;
export type Format = (typeof FORMATS)[number];

/**
 * `waiting -> sent (-> accepted) -> done | failed | notApplicable | unknown | cancelled | expired | rejected`.
 *
 * `accepted` is OMA-DM 202: the device took it and works on it. `unknown` is for what may run only once and of which no
 * word came back. `rejected` is set aside because the device cannot read it, so that the rest can go on.
 */
export const FINAL_STATES = ['done', 'failed', 'notApplicable', 'unknown', 'cancelled', 'expired', 'rejected'] as const;
export type FinalState = (typeof FINAL_STATES)[number];
export type CommandState = 'waiting' | 'sent' | 'accepted' | FinalState;

export interface CommandItem {
  /** What is done with this node, inside an Atomic; elsewhere the command's verb says it. */
  verb?: Verb;
  /** LocURI of the node, e.g. `./Device/Vendor/MSFT/Reboot/RebootNow`. */
  target: string;
  /** Absent for a secret: see `sealed`. */
  data?: string;
  /** The data, or the value that a Get brings, is a secret and is shown to nobody. */
  secret?: true;
  /** The data of a secret, encrypted; gone when the command has ended. */
  sealed?: string;
  format?: Format;
  /** Media type of the data; the device takes `text/plain` when it is absent. */
  type?: string;
  /** The node was there already when it was to be added (418), so it is sent as a Replace. Once. */
  replaces?: true;
}

export interface ItemResult {
  target: string;
  /** OMA-DM status code of this item. */
  status: number;
  data?: string;
  format?: string;
  /** HRESULT that Windows adds from SyncApplicationVersion 3.0 on. */
  originalError?: string;
  /** Name of the blob that holds the data, when it is too large for the row. */
  blob?: string;
  /** The blob is in so many parts, named `<blob>.0`, `<blob>.1`, …; absent where it is one. */
  parts?: number;
  /** Bytes of UTF-8 of what is in the blob. */
  size?: number;
  /** How what is in the blob begins. */
  head?: string;
  /** Why there is no value, or how this status came about, where the status alone would mislead. */
  note?: string;
  /** Whatever the status says, it only began: the result is still to come. */
  pending?: true;
}

export interface Command {
  /** Twelve digits: the place in the device's queue and the command's id. */
  id: string;
  verb: Verb | 'Atomic';
  items: CommandItem[];
  state: CommandState;
  /** True when it must never be sent twice, because running it twice would do harm. */
  once: boolean;
  queuedAt: string;
  queuedBy: string;
  sentAt?: string;
  finishedAt?: string;
  /** A command that was never sent ends here (ISO 8601). */
  expiresAt?: string;
  /** How often it was put into a message. */
  deliveries: number;
  /** Deliveries after which no word came in that session. From the second on it is sent alone. */
  unanswered?: number;
  /** Sessions that the device aborted, or messages that it refused, while this was unanswered in them. */
  aborts?: number;
  /** Sessions in which the device said that the user's part of the tree was not there yet. */
  userRefusals?: number;
  /** When the device was last asked what came of it, since it did not tell by itself. */
  resultAskedAt?: string;
  /** One entry for each item that has been answered, at the item's place; null where no word has come. */
  results: (ItemResult | null)[];
  /** What the device said of an Atomic as a whole. */
  atomicStatus?: number;
  /** It belongs to an unenroll and shows the gate that nobody is locked out; it goes while other commands wait for that. */
  gate?: true;
  /** Each item goes when the one before it was answered 200, and the first that was not ends it. */
  stepwise?: true;
  /** Who took the risk of what is refused of its device, and why. */
  acceptedRisk?: { person: string; reason: string; at: string };
  /** Why it waits, when something other than its turn keeps it. */
  waitingFor?: 'userSignIn';
  /** Why it ended as it did, where the statuses do not say it. */
  reason?: string;
}

export const COMMAND_PREFIX = '3command|';
/** Finished commands sort behind everything that a management message reads. */
export const FINISHED_PREFIX = '~3command|';

/** @returns the twelve digits under which sequence number `sequence` is kept and shown. */
export function commandId(sequence: number): string {
  return String(sequence).padStart(12, '0');
}

export function isFinal(state: CommandState): state is FinalState {
  return (FINAL_STATES as readonly string[]).includes(state);
}

/** @returns whether the device has only begun with it (OMA-DM 202, or an answer that is known to mean no more) */
export function isPending(result: ItemResult | null | undefined): boolean {
  return result?.status === 202 || result?.pending === true;
}

/** Exec nodes that may run again without harm; every other Exec runs once. */
const REPEATABLE_EXEC = [/\/DMClient\/Provider\/[^/]+\/Unenroll$/i];

/** @returns whether a command may be delivered a second time when no status came back for the first. */
export function mayRepeat(verb: Command['verb'], items: readonly CommandItem[]): boolean {
  return items.every((item) => {
    const does = verb === 'Atomic' ? item.verb : verb;
    return does !== 'Exec' || REPEATABLE_EXEC.some((node) => node.test(item.target));
  });
}

/** @returns whether any item lives in the signed-in user's tree and therefore needs that user at the device. */
export function needsUser(command: Pick<Command, 'items'>): boolean {
  return command.items.some((item) => isUserScope(item.target));
}

/** @returns the verb under which an item was asked for, whether or not it is sent as another by now */
export function verbOf(command: Pick<Command, 'verb'>, item: CommandItem): Verb {
  return command.verb === 'Atomic' ? (item.verb ?? 'Replace') : command.verb;
}

/** @returns the verb under which an item is sent */
export function sentVerbOf(command: Pick<Command, 'verb'>, item: CommandItem): Verb {
  return item.replaces ? 'Replace' : verbOf(command, item);
}
