import { showInventory, wantInventory } from '../../shared/devices/inventory-view.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf } from './admin-door.ts';

/**
 * `GET /api/devices/{id}/inventory` -> what is known of the device, each value with the time at which it was read;
 * `POST` has all of it read at the next contact: 202
 */
adminDoor('inventory', {
  route: 'api/devices/{id}/inventory',
  methods: ['GET', 'POST'],
  handler: (call) => (call.request.method === 'POST' ? want(call) : show(call)),
});

async function show(call: AdminCall): Promise<AdminResult> {
  return { status: 200, value: await showInventory(call.services.storage, deviceIdOf(call)) };
}

async function want(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { storage } = call.services;
  await wantInventory(storage, deviceId, call.now);
  return {
    status: 202,
    value: await showInventory(storage, deviceId),
    audit: { act: 'ask for inventory', subject: deviceId },
  };
}
