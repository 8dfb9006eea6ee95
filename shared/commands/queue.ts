import { DEVICE_ROW, type Device, hasLeft } from '../devices/device.ts';
import { readDevice, touchSession, untilWritten } from '../devices/device-rows.ts';
import { asksForRenewal } from '../devices/renewal-window.ts';
import { type Idempotency, recall, remember } from '../idempotency/idempotency.ts';
import { conflict, notFound } from '../platform/problem.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, tryWrite } from '../storage/tables.ts';
import { COMMAND_PREFIX, type Command, commandId, FINISHED_PREFIX, mayRepeat } from './command.ts';
import { dataKey } from './data-key.ts';
import { refuseWithoutEscrow } from './encryption-risk.ts';
import { moveToFinished } from './finished-rows.ts';
import { DEFAULT_EXPIRY_HOURS, type NewCommand } from './intake.ts';
import { holdsSecret, sealItems } from './secrets.ts';
import { finish } from './settle.ts';

/** The queue of a device as an administrator uses it: add, look, cancel. */

/**
 * Queues commands behind those that wait already, in their order, all or none. Secret data is stored sealed.
 * @param actor who asks, as he calls himself
 * @throws {Problem} 404 for an unknown device, 409 for one that has left or whose encryption nobody could undo, 422 for an Idempotency-Key used otherwise
 */
export async function queueCommands(
  storage: Storage,
  deviceId: string,
  commands: readonly NewCommand[],
  options: { actor: string; idempotency?: Idempotency; now: Date },
): Promise<Command[]> {
  const table = storage.table('devices');
  const key = commands.some(({ items }) => holdsSecret(items)) ? await dataKey(storage) : undefined;
  return untilWritten(async () => {
    const remembered = await recall<Queued>(table, deviceId, options.idempotency, options.now);
    if (remembered) return newCommands(commands, remembered).map((command) => sealed(key, deviceId, command));
    const device = await deviceForQueue(storage, deviceId);
    refuseWithoutEscrow(device.value, commands);
    const queuing = { first: device.value.nextSequence, actor: options.actor, at: options.now.toISOString() };
    const queued = newCommands(commands, queuing).map((command) => sealed(key, deviceId, command));
    const value = {
      ...device.value,
      nextSequence: device.value.nextSequence + commands.length,
      revision: device.value.revision + 1,
      ...(commands.some(asksForRenewal) && { renewNowAt: queuing.at }),
    };
    const changes: Change[] = [
      { kind: 'replace', rowKey: DEVICE_ROW, value, etag: device.etag },
      ...queued.map((command): Change => ({ kind: 'insert', rowKey: COMMAND_PREFIX + command.id, value: command })),
      ...remember(options.idempotency, queuing, options.now),
    ];
    return (await tryWrite(table, deviceId, changes)) ? queued : undefined;
  });
}

async function deviceForQueue(storage: Storage, deviceId: string): Promise<Row<Device>> {
  const device = await readDevice(storage, deviceId);
  if (hasLeft(device.value) || device.value.state === 'blocked') {
    throw conflict(`The device is ${device.value.state}: it takes no commands any more.`);
  }
  return device;
}

/** With the request itself, which the repeated call brings again, this gives what the first one was answered. */
interface Queued {
  /** Sequence number of the first command. */
  first: number;
  actor: string;
  at: string;
}

function newCommands(commands: readonly NewCommand[], { first, actor, at }: Queued): Command[] {
  return commands.map(({ verb, items, acceptRisk, expiresInHours = DEFAULT_EXPIRY_HOURS }, index) => ({
    id: commandId(first + index),
    verb,
    items,
    state: 'waiting',
    once: !mayRepeat(verb, items),
    queuedAt: at,
    queuedBy: actor,
    expiresAt: new Date(Date.parse(at) + expiresInHours * 3_600_000).toISOString(),
    deliveries: 0,
    results: [],
    ...(acceptRisk && { acceptedRisk: { ...acceptRisk, at } }),
  }));
}

function sealed(key: Buffer | undefined, deviceId: string, command: Command): Command {
  return key ? { ...command, items: sealItems(key, deviceId, command.id, command.items) } : command;
}

/** @returns the command, finished or not. @throws {Problem} 404 */
export async function readCommand(storage: Storage, deviceId: string, id: string): Promise<Command> {
  const table = storage.table('devices');
  const row =
    (await table.get<Command>(deviceId, COMMAND_PREFIX + id)) ??
    (await table.get<Command>(deviceId, FINISHED_PREFIX + id)) ??
    // It may have ended between the two looks.
    (await table.get<Command>(deviceId, COMMAND_PREFIX + id));
  if (!row) throw notFound(`Device ${deviceId} has no command ${id}.`);
  return row.value;
}

/**
 * One page of a device's commands: those that are not finished first, then the finished ones, each in their order.
 * @param cursor where the last page ended (`next`), undefined for the first
 */
export async function listCommands(
  storage: Storage,
  deviceId: string,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: Command[]; next?: string }> {
  const table = storage.table('devices');
  // The cursor of another list must not lead to rows that are no commands.
  const from = cursor !== undefined && cursor > COMMAND_PREFIX ? cursor : COMMAND_PREFIX;
  const items: Command[] = [];
  if (from < FINISHED_PREFIX) {
    const page = await table.page<Command>(deviceId, { from, before: endOf(COMMAND_PREFIX), limit });
    items.push(...page.rows.map((row) => row.value));
    if (page.next) return { items, next: page.next };
  }
  if (items.length === limit) return { items, next: FINISHED_PREFIX };
  const finished = await table.page<Command>(deviceId, {
    from: [from, FINISHED_PREFIX].sort().at(-1),
    before: endOf(FINISHED_PREFIX),
    limit: limit - items.length,
  });
  return { items: [...items, ...finished.rows.map((row) => row.value)], next: finished.next };
}

/** The first key behind all that begin with `prefix`. */
function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}

/**
 * Cancels a command that has not been sent. The session row is written too, so that a message that is being answered at
 * this moment either has sent it, or starts again without it.
 * @throws {Problem} 404, or 409 with the state when it was sent or is finished
 */
export async function cancelCommand(
  storage: Storage,
  deviceId: string,
  id: string,
  options: { actor: string; now: Date },
): Promise<Command> {
  const table = storage.table('devices');
  return untilWritten(async () => {
    const row = await table.get<Command>(deviceId, COMMAND_PREFIX + id);
    if (row?.value.state !== 'waiting') {
      const command = row?.value ?? (await readCommand(storage, deviceId, id));
      throw conflict(`The command is ${command.state} and cannot be cancelled any more.`);
    }
    const cancelled = finish(row.value, 'cancelled', options.now, `Cancelled by ${options.actor}.`);
    const changes = [...moveToFinished(row, cancelled), ...(await touchSession(table, deviceId))];
    return (await tryWrite(table, deviceId, changes)) ? cancelled : undefined;
  });
}
