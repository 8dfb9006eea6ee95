import { actionNamed, actionViews, runAction } from '../../shared/actions/actions.ts';
import { commandView } from '../../shared/commands/command-view.ts';
import { readOptionalJson } from '../../shared/platform/body.ts';
import { notFound } from '../../shared/platform/problem.ts';
import { syncNow, wakeDevice } from '../../shared/push/sync-now.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf, idempotencyOf } from './admin-door.ts';
import { uploadsOf } from './uploads.ts';

/** `GET /api/actions` -> `{items}`: what can be done with a device, and what each takes */
adminDoor('actions', {
  route: 'api/actions',
  methods: ['GET'],
  handler: async () => ({ status: 200, value: { items: actionViews() } }),
});

/**
 * `POST /api/devices/{id}/actions/{action}` -> 201 `{action, warnings, items}`: the commands that were queued for it;
 * `sync-now` queues none and is answered 200 `{action, warnings, items: [], wns, device?}`
 */
adminDoor('device-action', {
  route: 'api/devices/{id}/actions/{action}',
  methods: ['POST'],
  handler: run,
});

async function run(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const name = call.request.params['action'] ?? '';
  if (name === syncNow.name) return wake(call, deviceId);
  const action = actionNamed(name);
  if (!action) throw notFound(`There is no action ${name.slice(0, 60)}. GET /api/actions lists them.`);
  const input = await readOptionalJson(call.request, action.input, 16 * 1024);
  const { actor, now, services } = call;
  const idempotency = idempotencyOf(call, input);
  const asked = { action, input };
  const options = { actor, now, idempotency, uploads: uploadsOf(services) };
  const { warnings, commands } = await runAction(services.storage, deviceId, asked, options);
  const items = commands.map((command) => commandView(command, deviceId));
  const outcome = commands.map(({ id, verb, items: [first] }) => `${id} ${verb} ${first?.target ?? ''}`).join(', ');
  return {
    status: 201,
    value: { action: name, warnings, items },
    audit: { act: `action ${name}`, subject: deviceId, outcome: outcome.slice(0, 1_000) },
  };
}

async function wake(call: AdminCall, deviceId: string): Promise<AdminResult> {
  const input = await readOptionalJson(call.request, syncNow.input, 1_024);
  const { now, services } = call;
  const { policy } = await services.catalogue.read();
  const idempotency = idempotencyOf(call, input);
  const { warnings, ...said } = await wakeDevice(services.storage, deviceId, { policy, now, idempotency });
  return {
    status: 200,
    value: { action: syncNow.name, warnings, items: [], ...said },
    audit: { act: `action ${syncNow.name}`, subject: deviceId, outcome: said.wns },
  };
}
