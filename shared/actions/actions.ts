import * as z from 'zod';
import type { Command } from '../commands/command.ts';
import type { NewCommand } from '../commands/intake.ts';
import { commandsSchema } from '../commands/intake.ts';
import { queueCommands } from '../commands/queue.ts';
import { hasLeft } from '../devices/device.ts';
import { readDevice } from '../devices/device-rows.ts';
import { SYNC_NOW } from '../devices/next-contact.ts';
import type { Idempotency } from '../idempotency/idempotency.ts';
import { sha256 } from '../platform/ids.ts';
import { conflict } from '../platform/problem.ts';
import { syncNow } from '../push/sync-now.ts';
import type { Storage } from '../storage/storage.ts';
import type { UploadContainers } from '../storage/upload-container.ts';
import type { Action } from './action.ts';
import { collectLogs } from './collect-logs.ts';
import { defenderScan, defenderUpdate } from './defender.ts';
import { installMsi } from './install-msi.ts';
import { rotateBitLocker, rotateLaps } from './passwords.ts';
import { reboot } from './reboot.ts';
import { rename } from './rename.ts';
import { renewCertificate } from './renew-certificate.ts';
import { syncSchedule } from './sync-schedule.ts';
import { wipe } from './wipe.ts';

/** All actions, in the order in which they are shown. */
export const ACTIONS: readonly Action[] = [
  reboot,
  rename,
  syncSchedule,
  renewCertificate,
  defenderScan,
  defenderUpdate,
  rotateBitLocker,
  rotateLaps,
  installMsi,
  collectLogs,
  wipe,
];

export function actionNamed(name: string): Action | undefined {
  return ACTIONS.find((each) => each.name === name);
}

/** An action as the admin API lists it; `input` is a JSON Schema (draft 2020-12). */
export interface ActionView {
  name: string;
  summary: string;
  input: object;
}

export function actionViews(): ActionView[] {
  return [...ACTIONS, syncNow].map(({ name, summary, input }) => {
    const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input' });
    return { name, summary, input: schema };
  });
}

export interface Done {
  warnings: string[];
  commands: Command[];
}

/**
 * Queues the commands of an action. They pass the same checks as those that are queued one by one.
 * @throws {Problem} 404; 400 or 409 where the action would do harm or come to nothing
 */
export async function runAction(
  storage: Storage,
  deviceId: string,
  { action, input }: { action: Action; input: Record<string, unknown> },
  options: { actor: string; now: Date; idempotency?: Idempotency; uploads: UploadContainers },
): Promise<Done> {
  const { value: device } = await readDevice(storage, deviceId);
  if (hasLeft(device) || device.state === 'blocked') {
    throw conflict(`The device is ${device.state}: it takes no commands any more.`);
  }
  const request = { id: requestId(deviceId, options), now: options.now, uploads: options.uploads };
  const { commands, warnings } = await action.plan(device, input, request);
  const queued = await queueCommands(storage, deviceId, checked(commands), options);
  const stands =
    device.state === 'unenrolling'
      ? ['An unenroll stands: what waits when it is sent is cancelled, unless it was asked for behind the queue.']
      : [];
  return { warnings: [...warnings, ...stands, SYNC_NOW], commands: queued };
}

/** What an action makes is ours to get right, so a refusal here is a failure and no mistake of the caller. */
function checked(commands: unknown): NewCommand[] {
  return commandsSchema.parse(commands);
}

/** A GUID that a repeated call has again. */
function requestId(deviceId: string, { now, idempotency }: { now: Date; idempotency?: Idempotency }): string {
  const hex = sha256(JSON.stringify([deviceId, idempotency?.key ?? now.toISOString()])).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
