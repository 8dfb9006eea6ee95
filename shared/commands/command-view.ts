import type { Device } from '../devices/device.ts';
import { isDue } from '../devices/unenroll.ts';
import type { Command, CommandState, ItemResult } from './command.ts';

/** A command as the admin API shows it. One item stands at the top, several in a list, as they were given. */
export interface CommandView {
  id: string;
  verb: Command['verb'];
  target?: string;
  items?: Command['items'];
  state: CommandState;
  waitingFor?: Command['waitingFor'] | 'unenroll';
  reason?: string;
  /** Status code of the item, when there is only one and it has been answered. */
  status?: number;
  results?: (ItemResult | null)[];
  queuedAt: string;
  queuedBy: string;
  sentAt?: string;
  finishedAt?: string;
}

/**
 * @param device the record of its device: while an unenroll stands, nothing else is sent, and a command that waits says so;
 *   undefined where that is not known
 */
export function commandView(command: Command, device?: Pick<Device, 'state' | 'unenroll'>): CommandView {
  const { id, verb, items, state, reason, results, queuedAt, queuedBy, sentAt, finishedAt } = command;
  const heldBack = state === 'waiting' && device?.state === 'unenrolling' && isDue(device.unenroll);
  const waitingFor = heldBack ? 'unenroll' : command.waitingFor;
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
