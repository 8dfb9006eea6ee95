import type { Device } from '../devices/device.ts';
import { escrowProblem } from '../devices/escrow.ts';
import { conflict } from '../platform/problem.ts';
import { verbOf } from './command.ts';
import type { NewCommand } from './intake.ts';

/** What a profile is not sent for, a command must not do by mistake either: encryption whose recovery key would be kept nowhere. */

const TAKE_IT = 'Give acceptRisk with the command where somebody takes that risk.';
const NOT_KNOWN =
  'It is not known yet whether the device is joined to Entra, where its recovery key would be kept. Wait for its next contact.';

/** @throws {Problem} 409 where a command requires encryption of a device without a place for the key, and nobody takes the risk */
export function refuseWithoutEscrow(device: Pick<Device, 'join'>, commands: readonly NewCommand[]): void {
  for (const command of commands) {
    if (command.acceptRisk) continue;
    for (const item of command.items) {
      const verb = verbOf(command, item);
      const problem = verb === 'Add' || verb === 'Replace' ? escrowProblem(item.target, item.data, device) : undefined;
      if (problem) throw conflict(`${problem.because === 'join' ? NOT_KNOWN : problem.reason} ${TAKE_IT}`);
    }
  }
}
