import * as z from 'zod';
import { blockDevice, unblockDevice } from '../../shared/devices/block.ts';
import { deviceView } from '../../shared/devices/device-view.ts';
import { readJson } from '../../shared/platform/body.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf, idempotencyOf } from './admin-door.ts';

const reasonSchema = z.strictObject({ reason: z.string().trim().min(1).max(1_000) });

/** `POST /api/devices/{id}/block {reason}` refuses a device outright, as stolen: 200 and the device; 409 when it is blocked */
adminDoor('block', {
  route: 'api/devices/{id}/block',
  methods: ['POST'],
  handler: (call) => change(call, 'block'),
});

/** `POST /api/devices/{id}/unblock {reason}` lets it speak again, in the state that it had: 200 and the device; 409 */
adminDoor('unblock', {
  route: 'api/devices/{id}/unblock',
  methods: ['POST'],
  handler: (call) => change(call, 'unblock'),
});

async function change(call: AdminCall, act: 'block' | 'unblock'): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const body = await readJson(call.request, reasonSchema, 16 * 1024);
  const { services, log, now, actor } = call;
  const context = { storage: services.storage, log, now };
  const idempotency = idempotencyOf(call, body);
  const device =
    act === 'block'
      ? await blockDevice(context, deviceId, { by: actor, reason: body.reason }, idempotency)
      : await unblockDevice(context, deviceId, idempotency);
  const audit = { act, subject: deviceId, outcome: `${device.state}: ${body.reason}` };
  return { status: 200, value: deviceView(device, undefined), audit };
}
