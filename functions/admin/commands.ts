import { commandView } from '../../shared/commands/command-view.ts';
import { commandsSchema } from '../../shared/commands/intake.ts';
import { cancelCommand, listCommands, queueCommands, readCommand } from '../../shared/commands/queue.ts';
import { readDevice } from '../../shared/devices/device-rows.ts';
import { readJson } from '../../shared/platform/body.ts';
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

async function queue(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { actor, now, services } = call;
  const asked = await readJson(call.request, commandsSchema, MAX_BODY_BYTES);
  const idempotency = idempotencyOf(call, asked);
  const queued = await queueCommands(services.storage, deviceId, asked, { actor, now, idempotency });
  const summary = queued.map(({ id, verb, items }) => `${id} ${verb} ${items[0]?.target ?? ''}`).join(', ');
  return {
    status: 201,
    value: { items: queued.map((command) => commandView(command)) },
    audit: { act: 'queue commands', subject: deviceId, outcome: summary.slice(0, 1_000) },
  };
}

async function list(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { storage } = call.services;
  const options = await listOptionsOf(call);
  // An empty list and an unknown device are different answers; and what a command waits for, its device knows.
  const { value: device } = await readDevice(storage, deviceId);
  const { items, next } = await listCommands(storage, deviceId, options);
  const views = items.map((command) => commandView(command, device));
  return { status: 200, value: await listBody(call, views, next) };
}

async function show(call: AdminCall): Promise<AdminResult> {
  const { storage } = call.services;
  const deviceId = deviceIdOf(call);
  const command = await readCommand(storage, deviceId, commandIdOf(call));
  const device = command.state === 'waiting' ? (await readDevice(storage, deviceId)).value : undefined;
  return { status: 200, value: await withLargeResults(call, commandView(command, device)) };
}

/** Results that were too large for the row are read back where one command is asked for. */
async function withLargeResults(call: AdminCall, view: ReturnType<typeof commandView>) {
  const results = await Promise.all(
    (view.results ?? []).map(async (result) => {
      if (!result?.blob) return result;
      const { blob, ...rest } = result;
      const data = await call.services.storage.blobs('results').read(blob);
      return { ...rest, data: data?.toString() };
    }),
  );
  return view.results ? { ...view, results } : view;
}

async function cancel(call: AdminCall): Promise<AdminResult> {
  const { actor, now, services } = call;
  const deviceId = deviceIdOf(call);
  const command = await cancelCommand(services.storage, deviceId, commandIdOf(call), { actor, now });
  return {
    status: 200,
    value: commandView(command),
    audit: { act: 'cancel command', subject: `${deviceId}/${command.id}` },
  };
}
