import type { Command, CommandItem, FinalState, ItemResult } from './command.ts';
import { statusMeaning } from './status-meaning.ts';

/**
 * What comes of an Atomic (MS-MDM 2.2.7.4; Microsoft Learn, "OMA DM protocol support"): each inner command has a status of
 * its own; the one that failed says why, the others 215 (not run), 216 (taken back) or 516 (could not be taken back), and
 * the Atomic as a whole 507.
 */

const MISSING_HERE = new Set([404, 406]);
/** Codes that follow from the failure of another one. */
const CONSEQUENCES = new Set([215, 216, 516]);
const NOT_TAKEN_BACK = 516;

/** An item that did not do what it was asked. */
export interface Unmet {
  item: CommandItem;
  result: ItemResult;
  index: number;
}

/**
 * @param whole each inner command has its answer
 * @param final the device will say no more of it
 */
export function isAnsweredAtomic({ atomicStatus }: Command, whole: boolean, final: boolean): boolean {
  return whole ? atomicStatus !== undefined || final : atomicStatus !== undefined && final;
}

/** @returns the end of an Atomic that was answered, and in words which part of it failed and what became of the others */
export function atomicVerdict(command: Command, unmet: readonly Unmet[]): { state: FinalState; reason?: string } {
  const outer = command.atomicStatus ?? 200;
  const keptSomething = outer === NOT_TAKEN_BACK || unmet.some(({ result }) => result.status === NOT_TAKEN_BACK);
  if (unmet.length === 0 && outer >= 200 && outer < 300 && ![202, 214, 215, 216].includes(outer))
    return { state: 'done' };
  const culprits = unmet.filter(({ result }) => !CONSEQUENCES.has(result.status));
  const why = culprits.map(describe).join(' ') || `The device answered the Atomic with ${outer}.`;
  return { state: keptSomething ? 'failed' : stateOf(culprits), reason: `${why} ${endOf(command, keptSomething)}` };
}

function endOf({ state }: Command, keptSomething: boolean): string {
  if (keptSomething) return 'The device could not take back what it had done before (516): look at each node.';
  // A part that was only begun may fail when the Atomic is long done.
  return state === 'accepted' ? 'It failed later: the other parts stay done.' : 'Nothing of it was kept.';
}

function stateOf(culprits: readonly Unmet[]): FinalState {
  const statuses = culprits.map(({ result }) => result.status);
  if (statuses.length === 0) return 'failed';
  if (statuses.every((status) => MISSING_HERE.has(status))) return 'notApplicable';
  return statuses.every((status) => status === 400) ? 'rejected' : 'failed';
}

function describe({ item, result, index }: Unmet): string {
  const { status } = result;
  return `${item.verb} ${item.target} (part ${index + 1}) was answered ${status}: ${statusMeaning(status) ?? 'no known code.'}`;
}

/**
 * An Atomic that failed because nodes to be added are there already and that was taken back as a whole goes again, with a
 * Replace for these.
 */
export function retryAtomic(
  command: Command,
  isToBeReplaced: (command: Command, item: CommandItem, result: ItemResult | null) => boolean,
): Command | undefined {
  const { items, results, atomicStatus } = command;
  const asReplace = items.map((item, index) => isToBeReplaced(command, item, results[index] ?? null));
  const takenBack = atomicStatus === 507 && results.every((result) => result?.status !== NOT_TAKEN_BACK);
  if (!takenBack || !asReplace.includes(true)) return undefined;
  const changed = items.map((item, index): CommandItem => (asReplace[index] ? { ...item, replaces: true } : item));
  return { ...command, state: 'waiting', items: changed, results: [], atomicStatus: undefined };
}
