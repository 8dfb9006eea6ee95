import { type Command, type CommandItem, verbOf } from '../commands/command.ts';
import { nodePath } from '../wire/node-path.ts';
import type { Turn } from './turn-state.ts';

/**
 * How often a device was told to call goes into its record when the device has taken it, so that the time at which it is due
 * is never one of which it knows nothing (DMClient CSP, Poll).
 */

/** Notes what an answered item changed. An Atomic changes something when the whole of it is done. */
export function notePollInterval(turn: Turn, command: Command, place?: number): void {
  if (command.verb === 'Atomic' && command.state !== 'done') return;
  for (const [index, item] of command.items.entries()) {
    if (place !== undefined && index !== place) continue;
    if (command.results[index]?.status !== 200 || !setsInterval(turn, command, item)) continue;
    const minutes = Number(item.data);
    if (Number.isInteger(minutes) && minutes > 0) turn.copy.device = { ...turn.copy.device, pollEveryMinutes: minutes };
  }
}

function setsInterval({ copy }: Turn, command: Command, item: CommandItem): boolean {
  const verb = verbOf(command, item);
  const node = `dmclient/provider/${copy.device.providerId.toLowerCase()}/poll/intervalforremainingscheduledretries`;
  return (verb === 'Replace' || verb === 'Add') && nodePath(item.target).join('/') === node;
}
