import { commandView } from '../../shared/commands/command-view.ts';
import { dataKey } from '../../shared/commands/data-key.ts';
import { commandsSchemaFor, type NewCommand } from '../../shared/commands/intake.ts';
import { readResult } from '../../shared/commands/large-results.ts';
import { cancelCommand, listCommands, queueCommands, readCommand } from '../../shared/commands/queue.ts';
import { holdsSecret, withFingerprints } from '../../shared/commands/secrets.ts';
import { readDevice } from '../../shared/devices/device-rows.ts';
import { readJson } from '../../shared/platform/body.ts';
import { notFound } from '../../shared/platform/problem.ts';
import {
  type AdminCall,
  type AdminResult,
  adminDoor,
  commandIdOf,
  deviceIdOf,
  idempotencyOf,
  listBody,
  listOptionsOf,
} from './admin-door.ts';

/** Room for 50 commands of the largest size is not needed at once; an error says so. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;

/**
 * `POST /api/devices/{id}/commands` with one command or a list -> 201 `{items}`;
 * `GET` -> `{items, next}`: those that are not finished first
 */
adminDoor('commands', {
  route: 'api/devices/{id}/commands',
  methods: ['GET', 'POST'],
  handler: (call) => (call.request.method === 'POST' ? queue(call) : list(call)),
});

/** `GET /api/devices/{id}/commands/{commandId}` -> the command; `DELETE` cancels it: 200, or 409 with its state */
adminDoor('command', {
  route: 'api/devices/{id}/commands/{commandId}',
  methods: ['GET', 'DELETE'],
  handler: (call) => (call.request.method === 'DELETE' ? cancel(call) : show(call)),
});

/**
 * `GET /api/devices/{id}/commands/{commandId}/results/{n}` -> one result with its whole value, however large; `n` counts the
 * items from 0
 */
adminDoor('command-result', {
  route: 'api/devices/{id}/commands/{commandId}/results/{n}',
  methods: ['GET'],
  handler: showResult,
});

async function queue(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { actor, now, services } = call;
  const { issuers } = await services.catalogue.read();
  const asked = await readJson(call.request, commandsSchemaFor(issuers), MAX_BODY_BYTES);
  const idempotency = idempotencyOf(call, await comparable(call, asked));
  const queued = await queueCommands(services.storage, deviceId, asked, { actor, now, idempotency });
  const summary = queued.map(({ id, verb, items }) => `${id} ${verb} ${items[0]?.target ?? ''}`).join(', ');
  return {
    status: 201,
    value: { items: queued.map((command) => commandView(command, deviceId)) },
    audit: { act: 'queue commands', subject: deviceId, outcome: `${risksOf(asked)}${summary}`.slice(0, 1_000) },
  };
}

function risksOf(asked: readonly NewCommand[]): string {
  const taken = asked.flatMap(({ acceptRisk }) => (acceptRisk ? [`${acceptRisk.person}: ${acceptRisk.reason}`] : []));
  return taken.length > 0 ? `risk accepted by ${[...new Set(taken)].join('; ')}. ` : '';
}

/** What a repeated call is compared by. It is kept as a hash, from which a short secret could be guessed. */
async function comparable({ services }: AdminCall, asked: readonly NewCommand[]): Promise<readonly NewCommand[]> {
  if (!asked.some(({ items }) => holdsSecret(items))) return asked;
  const key = await dataKey(services.storage);
  return asked.map((command) => ({ ...command, items: withFingerprints(key, command.items) }));
}

async function list(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { storage } = call.services;
  const options = await listOptionsOf(call);
  // An empty list and an unknown device are different answers; and what a command waits for, its device knows.
  const { value: device } = await readDevice(storage, deviceId);
  const { items, next } = await listCommands(storage, deviceId, options);
  const views = items.map((command) => commandView(command, deviceId, device));
  return { status: 200, value: await listBody(call, views, next) };
}

async function show(call: AdminCall): Promise<AdminResult> {
  const { storage } = call.services;
  const deviceId = deviceIdOf(call);
  const command = await readCommand(storage, deviceId, commandIdOf(call));
  const device = command.state === 'waiting' ? (await readDevice(storage, deviceId)).value : undefined;
  return { status: 200, value: commandView(command, deviceId, device) };
}

async function showResult(call: AdminCall): Promise<AdminResult> {
  const { storage } = call.services;
  const deviceId = deviceIdOf(call);
  const command = await readCommand(storage, deviceId, commandIdOf(call));
  const n = call.request.params['n'] ?? '';
  const result = /^\d{1,3}$/.test(n) ? command.results[Number(n)] : undefined;
  if (!result) throw notFound(`Command ${command.id} has no result ${n.slice(0, 60)}.`);
  const shown = commandView(command, deviceId).results?.[Number(n)];
  if (!result.blob) return { status: 200, value: shown };
  const data = await readResult(storage.blobs('results'), result);
  if (data === undefined) throw notFound('The value of this result is not kept any more.');
  return { status: 200, value: { ...shown, head: undefined, href: undefined, data } };
}

async function cancel(call: AdminCall): Promise<AdminResult> {
  const { actor, now, services } = call;
  const deviceId = deviceIdOf(call);
  const command = await cancelCommand(services.storage, deviceId, commandIdOf(call), { actor, now });
  return {
    status: 200,
    value: commandView(command, deviceId),
    audit: { act: 'cancel command', subject: `${deviceId}/${command.id}` },
  };
}
