import type { Command, CommandState, ItemResult } from './command.ts';

/** A command as the admin API shows it. One item stands at the top, several in a list, as they were given. */
export interface CommandView {
  id: string;
  verb: Command['verb'];
  target?: string;
  items?: Command['items'];
  state: CommandState;
  waitingFor?: Command['waitingFor'];
  reason?: string;
  /** Status code of the item, when there is only one and it has been answered. */
  status?: number;
  results?: (ItemResult | null)[];
  queuedAt: string;
  queuedBy: string;
  sentAt?: string;
  finishedAt?: string;
}

export function commandView(command: Command): CommandView {
  const { id, verb, items, state, waitingFor, reason, results, queuedAt, queuedBy, sentAt, finishedAt } = command;
  const only = items.length === 1 ? items[0] : undefined;
  const status = only ? results[0]?.status : undefined;
  return {
    id,
    verb,
    ...(only ? { target: only.target } : {}),
    items,
    state,
    waitingFor,
    reason,
    status,
    ...(results.some((result) => result !== null) ? { results } : {}),
    queuedAt,
    queuedBy,
    sentAt,
    finishedAt,
  };
}
