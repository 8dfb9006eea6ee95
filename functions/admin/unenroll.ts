import * as z from 'zod';
import { deviceView } from '../../shared/devices/device-view.ts';
import { askToUnenroll, callOffUnenroll } from '../../shared/devices/unenroll-requests.ts';
import { jsonOf, readBody } from '../../shared/platform/body.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf, idempotencyOf } from './admin-door.ts';

const unenrollSchema = z.strictObject({
  acceptRisk: z
    .strictObject({ person: z.string().trim().min(1).max(200), reason: z.string().trim().min(1).max(1_000) })
    .optional(),
});

/**
 * `POST /api/devices/{id}/unenroll {acceptRisk?: {person, reason}}` -> 202 and the device;
 * `DELETE` calls it off: 200, or 409 with the state. There is no GET: the preview of a link must not unenroll anybody.
 */
adminDoor('unenroll', {
  route: 'api/devices/{id}/unenroll',
  methods: ['POST', 'DELETE'],
  handler: (call) => (call.request.method === 'DELETE' ? callOff(call) : ask(call)),
});

async function ask(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const body = await readBodyOrNothing(call);
  const { services, log, now, actor } = call;
  const request = { by: actor, acceptRisk: body.acceptRisk };
  const device = await askToUnenroll(
    { storage: services.storage, log, now },
    deviceId,
    request,
    idempotencyOf(call, body),
  );
  const outcome = body.acceptRisk ? `risk accepted by ${body.acceptRisk.person}: ${body.acceptRisk.reason}` : undefined;
  return { status: 202, value: deviceView(device, undefined), audit: { act: 'unenroll', subject: deviceId, outcome } };
}

/** A function URL is often called without a body; that asks for an unenroll without any acceptance. */
async function readBodyOrNothing({ request }: AdminCall): Promise<z.output<typeof unenrollSchema>> {
  const body = await readBody(request, 16 * 1024);
  return body.length === 0 ? {} : jsonOf(body, unenrollSchema);
}

async function callOff(call: AdminCall): Promise<AdminResult> {
  const { services, log, now } = call;
  const deviceId = deviceIdOf(call);
  const device = await callOffUnenroll({ storage: services.storage, log, now }, deviceId);
  return { status: 200, value: deviceView(device, undefined), audit: { act: 'call off unenroll', subject: deviceId } };
}
