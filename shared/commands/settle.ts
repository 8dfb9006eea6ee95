import { isUserScope } from '../wire/node-path.ts';
import { atomicVerdict, isAnsweredAtomic, retryAtomic } from './atomic-outcome.ts';
import {
  type Command,
  type CommandItem,
  type FinalState,
  type ItemResult,
  isFinal,
  isPending,
  sentVerbOf,
  verbOf,
} from './command.ts';
import { isInstallation } from './installation.ts';
import { eraseSecrets } from './secrets.ts';
import { statusMeaning } from './status-meaning.ts';

/** After this many deliveries without a word, a command is set aside so that those behind it go on. */
export const MAX_DELIVERIES = 6;
/** A session that the device aborts says more than a reply that may have been lost. */
export const MAX_ABORTS = 3;
/** Sessions in which a signed-in user's part of the tree may be missing before that is taken for an answer. */
export const MAX_USER_REFUSALS = 5;
/** OMA-DM 202 promises a later word. After this long without one the outcome is called unknown. */
export const ACCEPTED_FOR_DAYS = 7;

const MISSING_HERE = new Set([404, 406]);
const UNREADABLE = 400;
const EXISTS = 418;

/** 2xx codes that do not mean done: 214 cancelled, 215 not executed, 216 rolled back. */
const NOT_DONE = new Set([214, 215, 216]);

/** Windows answers so for the user's part of the tree before it is there (sign-in, first logon). */
const NO_USER_YET = new Set([405, 500, 507]);

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300 && status !== 202 && !NOT_DONE.has(status);
}

/**
 * @returns whether an answer says that the item did what it was asked. To a repeated Add or Delete, 418 and 404 say that
 *   the first one did. A Get that went well and brought no value has failed: the value is what was asked for.
 */
function succeeded(command: Command, item: CommandItem, { status, data, blob }: ItemResult): boolean {
  const verb = sentVerbOf(command, item);
  const isRepeated = command.verb !== 'Atomic' && (command.unanswered ?? 0) > 0;
  // What only makes a node has nothing to set in one that is there.
  if (verb === 'Add' && status === EXISTS) return isRepeated || (command.verb === 'Add' && !hasData(item));
  if (verb === 'Delete' && status === 404) return isRepeated;
  if (verb === 'Get' && isSuccess(status) && item.secret) return true;
  if (verb === 'Get' && data === undefined && blob === undefined) return false;
  return isSuccess(status);
}

function hasData({ data, sealed }: CommandItem): boolean {
  return data !== undefined || sealed !== undefined;
}

/** Why a command ended as it did, where the statuses do not say it. */
interface Verdict {
  state: FinalState;
  reason?: string;
}

function verdict(command: Command, results: readonly (ItemResult | null)[]): Verdict {
  const unmet = command.items.flatMap((item, index) => {
    const result = results[index];
    return result && !succeeded(command, item, result) ? [{ item, result, index }] : [];
  });
  if (command.verb === 'Atomic') return atomicVerdict(command, unmet);
  if (unmet.length === 0) return { state: 'done' };
  if (unmet.every(({ result }) => MISSING_HERE.has(result.status))) return { state: 'notApplicable' };
  if (unmet.every(({ result }) => result.status === UNREADABLE)) {
    return { state: 'rejected', reason: 'The device could not read the command (400).' };
  }
  const replaced = unmet.find(({ item }) => item.replaces);
  if (!replaced) return { state: 'failed' };
  const { status } = replaced.result;
  const meaning = statusMeaning(status) ?? 'It gave no reason.';
  return { state: 'failed', reason: `The node exists already (418) and could not be replaced (${status}). ${meaning}` };
}

/** What a session knows that decides about an answer. */
export interface Circumstances {
  now: Date;
  /** The package of the device is whole, so that what it has not said by now it will not say. */
  final?: boolean;
}

/**
 * Records one item's answer. When the last item is answered the command ends, is `accepted` if the device has only begun, or
 * waits for another delivery: as a Replace where a node to be added is there already, later where the user's part of the
 * tree is not there yet. A second answer for an item that has one changes nothing: a device may repeat itself.
 */
export function recordResult(command: Command, item: number, result: ItemResult, now: Date): Command {
  if (command.results[item]) return command;
  const answer: ItemResult = hasOnlyBegun(command, item, result) ? { ...result, pending: true } : result;
  const results = command.items.map((_, index) => (index === item ? answer : (command.results[index] ?? null)));
  return settleAnswered({ ...command, results }, { now });
}

function hasOnlyBegun(command: Command, place: number, { status }: ItemResult): boolean {
  const item = command.items[place];
  return status === 200 && item !== undefined && isInstallation(verbOf(command, item), item.target);
}

/** Records what the device said of an Atomic as a whole. */
export function recordAtomicStatus(command: Command, status: number, circumstances: Circumstances): Command {
  const next = command.atomicStatus === undefined ? { ...command, atomicStatus: status } : command;
  return settleAnswered(next, circumstances);
}

/** Ends a command, or sends it round again, once all is answered that will be. */
export function settleAnswered(command: Command, { now, final = false }: Circumstances): Command {
  const answered = command.results.filter((entry): entry is ItemResult => entry !== null);
  const whole = answered.length === command.items.length;
  if (command.stepwise) return settleStep(command, answered, now);
  if (command.verb === 'Atomic' ? !isAnsweredAtomic(command, whole, final) : !whole) return command;
  const again = retryForUser(command) ?? retryAsReplace(command);
  if (again) return again;
  if (answered.some(isPending)) return { ...command, state: 'accepted' };
  const { state, reason } = verdict(command, command.results);
  return finish(command, state, now, reason);
}

/** Nothing but 200 leads on: what comes next would be done to something else than what was meant. */
function settleStep(command: Command, answered: readonly ItemResult[], now: Date): Command {
  const unmet = answered.find(({ status }) => status !== 200);
  if (unmet) {
    const meaning = statusMeaning(unmet.status) ?? '';
    return finish(command, 'failed', now, `${unmet.target} was answered ${unmet.status}. ${meaning}`.trim());
  }
  return answered.length === command.items.length ? finish(command, 'done', now) : { ...command, state: 'waiting' };
}

/**
 * 405, 500 and 507 in the user's part of the tree may mean that it is not there yet, whatever was said about the sign-in.
 * The delivery does not count; five sessions in a row are an answer.
 */
function retryForUser(command: Command): Command | undefined {
  if (command.once) return undefined;
  const refused = command.items.map(({ target }, index) => {
    const status = command.results[index]?.status ?? 0;
    return isUserScope(target) && NO_USER_YET.has(status);
  });
  const userRefusals = (command.userRefusals ?? 0) + 1;
  if (!refused.includes(true) || userRefusals > MAX_USER_REFUSALS) return undefined;
  const results = command.results.map((result, index) => (refused[index] ? null : result));
  const next: Command = { ...command, state: 'waiting', waitingFor: 'userSignIn', userRefusals, results };
  return command.verb === 'Atomic' ? { ...next, results: [], atomicStatus: undefined } : next;
}

/** A node that was to be added and is there is replaced instead, once, by changing the command and not its text. */
function retryAsReplace(command: Command): Command | undefined {
  if (command.once) return undefined;
  if (command.verb === 'Atomic') return retryAtomic(command, isToBeReplaced);
  const asReplace = command.items.map((item, index) => isToBeReplaced(command, item, command.results[index] ?? null));
  if (!asReplace.includes(true) || (command.unanswered ?? 0) > 0) return undefined;
  const items = command.items.map(
    (item, index): CommandItem => (asReplace[index] ? { ...item, replaces: true } : item),
  );
  const results = command.results.map((result, index) => (asReplace[index] ? null : result));
  return { ...command, state: 'waiting', items, results };
}

function isToBeReplaced(command: Command, item: CommandItem, result: ItemResult | null): boolean {
  return verbOf(command, item) === 'Add' && !item.replaces && hasData(item) && result?.status === EXISTS;
}

/** Ends a command in a final state. Its secrets are not needed any more. */
export function finish(command: Command, state: FinalState, now: Date, reason?: string): Command {
  const ended: Command = { ...command, state, finishedAt: now.toISOString(), waitingFor: undefined };
  const items = eraseSecrets(command.items);
  return { ...ended, items, ...(reason ? { reason } : {}) };
}

/**
 * What becomes of a command when a new session begins and its delivery was never answered: what may be repeated waits
 * for another delivery, what may not is `unknown`, because the device may have run it and lost the answer.
 */
export function settleUnanswered(command: Command, now: Date): Command {
  if (command.state === 'accepted') return settleAccepted(command, now);
  if (command.state !== 'sent') return command;
  if (command.once)
    return finish(command, 'unknown', now, 'It was sent once and the device never said what came of it.');
  const unanswered = (command.unanswered ?? 0) + 1;
  if ((command.aborts ?? 0) >= MAX_ABORTS) {
    return finish(
      { ...command, unanswered },
      'rejected',
      now,
      `The device aborted ${command.aborts} sessions over it.`,
    );
  }
  if (unanswered >= MAX_DELIVERIES) {
    const reason = `The device did not answer it in ${MAX_DELIVERIES} deliveries.`;
    return finish({ ...command, unanswered }, 'rejected', now, reason);
  }
  return { ...command, unanswered, state: 'waiting', results: [], atomicStatus: undefined };
}

/** The device aborted the session, or refused the message, in which this was unanswered. */
export function noteAbort(command: Command): Command {
  return command.state === 'sent' ? { ...command, aborts: (command.aborts ?? 0) + 1 } : command;
}

/**
 * @returns whether the device may have choked on it: such a command is sent alone, so that it takes no other with it. One
 *   answer that is missing may be the network's fault.
 */
export function isSuspect({ unanswered, aborts }: Command): boolean {
  return (unanswered ?? 0) > 1 || (aborts ?? 0) > 0;
}

/** What came later of an item with which the device had only begun: by then the last word about it. */
export function recordLaterResult(command: Command, item: number, result: ItemResult, now: Date): Command {
  if (command.state !== 'accepted' && command.state !== 'sent') return command;
  if (!isPending(command.results[item]) || result.status === 202) return command;
  const results = command.results.map((before, index) => (index === item ? result : before));
  return command.state === 'accepted'
    ? settleAnswered({ ...command, results }, { now, final: true })
    : { ...command, results };
}

/** How far an item is with which the device has only begun. What is undefined stays as it was. */
export function recordProgress(
  command: Command,
  item: number,
  { note, originalError }: Pick<ItemResult, 'note' | 'originalError'>,
): Command {
  const before = command.results[item];
  if (!before || !isPending(before)) return command;
  const after = { ...before, ...(note ? { note } : {}), ...(originalError ? { originalError } : {}) };
  return { ...command, results: command.results.map((result, index) => (index === item ? after : result)) };
}

function settleAccepted(command: Command, now: Date): Command {
  const ends = Date.parse(command.sentAt ?? command.queuedAt) + ACCEPTED_FOR_DAYS * 86_400_000;
  if (now.getTime() < ends || isStillToBeAsked(command, ends, now)) return command;
  const status = command.results.find(isPending)?.status ?? 202;
  const reason = `The device accepted it (${status}) and gave no result in ${ACCEPTED_FOR_DAYS} days.`;
  return finish(command, 'unknown', now, reason);
}

/** A device that was off all that time can still be asked about an installation; so it is, for as long again. */
function isStillToBeAsked(command: Command, ends: number, now: Date): boolean {
  const isInstalling = command.items.some(
    (item, place) => isPending(command.results[place]) && isInstallation(verbOf(command, item), item.target),
  );
  const wasAsked = Date.parse(command.resultAskedAt ?? '') >= ends;
  return isInstalling && !wasAsked && now.getTime() < ends + ACCEPTED_FOR_DAYS * 86_400_000;
}

/** @returns whether its time is over: only what was never sent expires, for the rest may have been done */
export function isExpired(command: Command, now: Date): boolean {
  const { state, deliveries, expiresAt } = command;
  return state === 'waiting' && deliveries === 0 && expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime();
}

export function expire(command: Command, now: Date): Command {
  return finish(command, 'expired', now, `It was not sent until ${command.expiresAt}.`);
}

/**
 * What becomes of a command whose device leaves (`how`): one that waits is cancelled; one that was sent may have run, and nobody
 * will hear of it any more.
 */
export function endWithDevice(command: Command, now: Date, how: Departure = 'unenrolled'): Command {
  if (isFinal(command.state)) return command;
  const { before, after } = DEPARTURES[how];
  if (command.state === 'waiting') return finish(command, 'cancelled', now, `The device ${before} before it was sent.`);
  return finish(command, 'unknown', now, `It was sent, and the device ${after} without saying what came of it.`);
}

/** How an enrollment ends. */
export type Departure = 'unenrolled' | 'wiped' | 'returned';

const DEPARTURES: Record<Departure, { before: string; after: string }> = {
  unenrolled: { before: 'was unenrolled', after: 'left' },
  wiped: { before: 'was wiped', after: 'left' },
  returned: { before: 'enrolled anew', after: 'enrolled anew' },
};
