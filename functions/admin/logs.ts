import { linkToLog, listUploadedLogs } from '../../shared/actions/uploaded-logs.ts';
import { readDevice } from '../../shared/devices/device-rows.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf } from './admin-door.ts';
import { uploadsOf } from './uploads.ts';

/** `GET /api/devices/{id}/logs` -> `{items}`: what the device uploaded after the action `collect-logs`, the newest first */
adminDoor('device-logs', {
  route: 'api/devices/{id}/logs',
  methods: ['GET'],
  async handler(call) {
    const deviceId = await knownDevice(call);
    return { status: 200, value: { items: await listUploadedLogs(uploadsOf(call.services), deviceId, call.now) } };
  },
});

/** `POST /api/devices/{id}/logs/{file}` -> 201 with a `url` under which that file can be read for 15 minutes */
adminDoor('device-log-link', {
  route: 'api/devices/{id}/logs/{file}',
  methods: ['POST'],
  handler: link,
});

async function link(call: AdminCall): Promise<AdminResult> {
  const deviceId = await knownDevice(call);
  const file = call.request.params['file'] ?? '';
  const value = await linkToLog(uploadsOf(call.services), { deviceId, file }, call.now);
  // The address is the secret: the audit has the name of the file, and until when it was open.
  const outcome = `${value.name.slice(0, 200)} until ${value.expiresAt}`;
  return { status: 201, value, audit: { act: 'log link', subject: deviceId, outcome } };
}

async function knownDevice(call: AdminCall): Promise<string> {
  const deviceId = deviceIdOf(call);
  await readDevice(call.services.storage, deviceId);
  return deviceId;
}
