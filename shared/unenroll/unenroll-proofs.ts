import { COMMAND_PREFIX, type Command, type CommandItem, commandId } from '../commands/command.ts';
import { dataKey } from '../commands/data-key.ts';
import { moveToFinished } from '../commands/finished-rows.ts';
import { holdsSecret, sealItems } from '../commands/secrets.ts';
import { finish } from '../commands/settle.ts';
import type { Device, Unenroll } from '../devices/device.ts';
import type { Storage } from '../storage/storage.ts';
import type { Change, Table } from '../storage/tables.ts';
import { accountItems } from './local-administrator.ts';

/** The commands by which a device shows the gate that nobody is locked out, queued with the request and ended with it. */

export interface WantedProofs {
  /** @param password is called with the time of the request, ISO 8601 */
  localAdministrator?: { name: string; password: (askedAt: string) => string };
  laps?: boolean;
}

export interface QueuedProofs {
  commands: Command[];
  localAdministrator?: { name: string; command: string };
  laps?: { command: string };
}

/** LAPS CSP: Exec without data; the password is made by the device and goes to the directory. */
const RESET_PASSWORD: CommandItem = { target: './Device/Vendor/MSFT/LAPS/Actions/ResetPassword', format: 'null' };

/**
 * The commands that the wanted proofs need, from the device's next sequence number on. Each is sent once: a second answer
 * could not tell what the first delivery did. Secret data is sealed.
 */
export async function queueProofs(
  storage: Storage,
  { id, nextSequence }: Pick<Device, 'id' | 'nextSequence'>,
  wanted: WantedProofs,
  { by, at }: { by: string; at: string },
): Promise<QueuedProofs> {
  const queued: QueuedProofs = { commands: [] };
  const next = () => commandId(nextSequence + queued.commands.length);
  const common = {
    state: 'waiting',
    once: true,
    gate: true,
    queuedAt: at,
    queuedBy: by,
    deliveries: 0,
    results: [],
  } as const;
  const { localAdministrator, laps } = wanted;
  if (localAdministrator) {
    const { name, password } = localAdministrator;
    const items: CommandItem[] = accountItems(name, password(at));
    const command = next();
    const sealed = holdsSecret(items) ? sealItems(await dataKey(storage), id, command, items) : items;
    queued.commands.push({ ...common, id: command, verb: 'Add', items: sealed, stepwise: true, results: [] });
    queued.localAdministrator = { name, command };
  }
  if (laps) {
    const command = next();
    queued.commands.push({ ...common, id: command, verb: 'Exec', items: [RESET_PASSWORD], results: [] });
    queued.laps = { command };
  }
  return queued;
}

/** @returns the changes that end what the last request queued and the next one does not need; one call for each */
export async function endProofs(
  table: Table,
  { id, unenroll }: Pick<Device, 'id' | 'unenroll'>,
  next: Unenroll | undefined,
  now: Date,
): Promise<Change[]> {
  const kept = commandsOf(next);
  const changes: Change[] = [];
  for (const command of commandsOf(unenroll).filter((each) => !kept.includes(each))) {
    const row = await table.get<Command>(id, COMMAND_PREFIX + command);
    if (row?.value.state !== 'waiting') continue;
    changes.push(...moveToFinished(row, finish(row.value, 'cancelled', now, NOT_NEEDED)));
  }
  return changes;
}

const NOT_NEEDED = 'The unenroll that it was for was called off, or asked for otherwise.';

function commandsOf(unenroll: Unenroll | undefined): string[] {
  return [unenroll?.localAdministrator, unenroll?.laps].flatMap((proof) => (proof ? [proof.command] : []));
}
