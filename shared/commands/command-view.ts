import type { Device } from '../devices/device.ts';
import { keepsCommandsBack } from '../devices/unenroll.ts';
import type { Command, CommandItem, CommandState, ItemResult } from './command.ts';
import { HIDDEN, hideSecrets } from './secrets.ts';
import { statusMeaning } from './status-meaning.ts';

/** The answer to an item as the admin API shows it. */
export interface ResultView extends Omit<ItemResult, 'blob' | 'parts' | 'pending'> {
  /** What the status says, in words. */
  meaning?: string;
  /** Path under which a value that is too large for this view is read. */
  href?: string;
}

/** A command as the admin API shows it. One item stands at the top, several in a list, as they were given. */
export interface CommandView {
  id: string;
  verb: Command['verb'];
  target?: string;
  items?: CommandItem[];
  /** What an Atomic holds, in place of `items`. */
  commands?: CommandItem[];
  state: CommandState;
  waitingFor?: Command['waitingFor'] | 'unenroll';
  reason?: string;
  /** Status code of the item, when there is only one and it has been answered; of the Atomic as a whole. */
  status?: number;
  meaning?: string;
  results?: (ResultView | null)[];
  queuedAt: string;
  queuedBy: string;
  acceptedRisk?: Command['acceptedRisk'];
  expiresAt?: string;
  sentAt?: string;
  finishedAt?: string;
}

/**
 * Secret data is `***`, and so is what a Get of a secret brought.
 *
 * @param deviceId whose command it is, for the paths of large values
 * @param device the record of its device: while an unenroll stands, nothing else is sent, and a command that waits says so;
 *   undefined where that is not known
 */
export function commandView(
  command: Command,
  deviceId: string,
  device?: Pick<Device, 'state' | 'unenroll'>,
): CommandView {
  const { id, verb, state, reason, results, queuedAt, queuedBy, expiresAt, sentAt, finishedAt } = command;
  const heldBack = state === 'waiting' && !command.gate && device !== undefined && keepsCommandsBack(device);
  const waitingFor = heldBack ? 'unenroll' : command.waitingFor;
  const shown = hideSecrets(command.items).map(({ replaces: _, ...item }) => item);
  const only = verb !== 'Atomic' && shown.length === 1 ? shown[0] : undefined;
  const status = verb === 'Atomic' ? command.atomicStatus : only && results[0]?.status;
  return {
    id,
    verb,
    ...(only ? { target: only.target } : {}),
    ...(verb === 'Atomic' ? { commands: shown } : { items: shown }),
    state,
    waitingFor,
    reason,
    status,
    meaning: status === undefined ? undefined : statusMeaning(state === 'accepted' ? ONLY_BEGUN : status),
    ...(results.some((result) => result !== null)
      ? { results: results.map((result, item) => result && resultView(command, item, result, deviceId)) }
      : {}),
    queuedAt,
    queuedBy,
    acceptedRisk: command.acceptedRisk,
    expiresAt,
    sentAt,
    finishedAt,
  };
}

/** What it means that the device has begun, whatever status it said that with. */
const ONLY_BEGUN = 202;

function resultView(command: Command, item: number, result: ItemResult, deviceId: string): ResultView {
  const { blob, parts: _, pending, ...rest } = result;
  const meaning = statusMeaning(pending ? ONLY_BEGUN : result.status);
  const hidden = command.items[item]?.secret && command.verb === 'Get' && result.status === 200;
  return {
    ...rest,
    ...(hidden ? { data: HIDDEN } : {}),
    ...(meaning ? { meaning } : {}),
    ...(blob ? { href: resultPath(deviceId, command.id, item) } : {}),
  };
}

/** @returns the path of one result in the admin API; `item` counts from 0 */
export function resultPath(deviceId: string, commandId: string, item: number): string {
  return `/api/devices/${deviceId}/commands/${commandId}/results/${item}`;
}
