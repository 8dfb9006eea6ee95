import { type Command, type FinalState, type ItemResult, isFinal } from './command.ts';

/** After this many deliveries without a word, a command is set aside so that those behind it go on. */
export const MAX_DELIVERIES = 10;
/** OMA-DM 202 promises a later word. After this long without one the outcome is called unknown. */
export const ACCEPTED_FOR_DAYS = 7;

const MISSING_HERE = new Set([404, 406]);

/**
 * @returns whether an answer says that the item did what it was asked. 418 to a repeated Add means that it is there. A Get
 *   that went well and brought no value has failed: the value is what was asked for.
 */
function succeeded(command: Command, { status, data, blob }: ItemResult): boolean {
  if (command.verb === 'Add' && status === 418) return command.deliveries > 1;
  if (command.verb === 'Get' && data === undefined && blob === undefined) return false;
  return status >= 200 && status < 300 && status !== 202 && !NOT_DONE.has(status);
}

/** 2xx codes that do not mean done: 214 cancelled, 215 not executed, 216 rolled back. */
const NOT_DONE = new Set([214, 215, 216]);

function verdict(command: Command, results: readonly ItemResult[]): FinalState {
  const unmet = results.filter((result) => !succeeded(command, result));
  if (unmet.length === 0) return 'done';
  return unmet.every((result) => MISSING_HERE.has(result.status)) ? 'notApplicable' : 'failed';
}

/**
 * Records one item's answer. When the last item is answered the command ends, or is `accepted` if the device said 202.
 * A second answer for an item that has one changes nothing: a device may repeat itself.
 */
export function recordResult(command: Command, item: number, result: ItemResult, now: Date): Command {
  if (command.results[item]) return command;
  const results = command.items.map((_, index) => (index === item ? result : (command.results[index] ?? null)));
  const next: Command = { ...command, results };
  const answered = results.filter((entry): entry is ItemResult => entry !== null);
  if (answered.length < command.items.length) return next;
  if (answered.some((entry) => entry.status === 202)) return { ...next, state: 'accepted' };
  return finish(next, verdict(next, answered), now);
}

/** Ends a command in a final state. */
export function finish(command: Command, state: FinalState, now: Date, reason?: string): Command {
  return { ...command, state, finishedAt: now.toISOString(), waitingFor: undefined, ...(reason ? { reason } : {}) };
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
  if (command.deliveries >= MAX_DELIVERIES) {
    return finish(command, 'rejected', now, `The device did not answer it in ${MAX_DELIVERIES} deliveries.`);
  }
  return { ...command, state: 'waiting', results: [] };
}

function settleAccepted(command: Command, now: Date): Command {
  const since = Date.parse(command.sentAt ?? command.queuedAt);
  if (now.getTime() - since < ACCEPTED_FOR_DAYS * 86_400_000) return command;
  return finish(
    command,
    'unknown',
    now,
    `The device accepted it (202) and gave no result in ${ACCEPTED_FOR_DAYS} days.`,
  );
}

/**
 * What becomes of a command whose device leaves: one that waits is cancelled; one that was sent may have run, and nobody
 * will hear of it any more.
 */
export function endWithDevice(command: Command, now: Date): Command {
  if (isFinal(command.state)) return command;
  if (command.state === 'waiting') {
    return finish(command, 'cancelled', now, 'The device was unenrolled before it was sent.');
  }
  return finish(command, 'unknown', now, 'It was sent, and the device left without saying what came of it.');
}
