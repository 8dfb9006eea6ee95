import { listDevices, showDevice } from '../../shared/devices/device-queries.ts';
import { adminDoor, deviceIdOf, listBody, listOptionsOf } from './admin-door.ts';

/** `GET /api/devices?limit=&cursor=` -> `{items, next}` */
adminDoor('devices', {
  route: 'api/devices',
  methods: ['GET'],
  async handler(call) {
    const { items, next } = await listDevices(call.services.storage, await listOptionsOf(call));
    return { status: 200, value: await listBody(call, items, next) };
  },
});

/** `GET /api/devices/{id}` -> the device; 404 */
adminDoor('device', {
  route: 'api/devices/{id}',
  methods: ['GET'],
  async handler(call) {
    return { status: 200, value: await showDevice(call.services.storage, deviceIdOf(call)) };
  },
});
