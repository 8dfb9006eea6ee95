import * as z from 'zod';
import { listDevices, listExpiring, showDeviceAndNextContact } from '../../shared/devices/device-queries.ts';
import { invalid } from '../../shared/platform/body.ts';
import { now } from '../../shared/platform/clock.ts';
import { adminDoor, deviceIdOf, listBody, listOptionsOf } from './admin-door.ts';

const expiringQuery = z.object({ expiring: z.coerce.number().int().min(0).max(1_000).optional() });
const DAY_MS = 86_400_000;

/**
 * `GET /api/devices?limit=&cursor=` -> `{items, next}`; with `expiring=DAYS` those alone whose certificates end within so many
 * days or have ended
 */
adminDoor('devices', {
  route: 'api/devices',
  methods: ['GET'],
  async handler(call) {
    const { storage } = call.services;
    const query = expiringQuery.safeParse(Object.fromEntries(call.request.query));
    if (!query.success) throw invalid(query.error);
    const { expiring } = query.data;
    const options = await listOptionsOf(call);
    const { items, next } =
      expiring === undefined
        ? await listDevices(storage, options)
        : await listExpiring(storage, { ...options, before: new Date(now().getTime() + expiring * DAY_MS) });
    return { status: 200, value: await listBody(call, items, next) };
  },
});

/** `GET /api/devices/{id}` -> the device; 404 */
adminDoor('device', {
  route: 'api/devices/{id}',
  methods: ['GET'],
  async handler(call) {
    const { storage, catalogue } = call.services;
    const { poll } = (await catalogue.read()).policy;
    return { status: 200, value: await showDeviceAndNextContact(storage, deviceIdOf(call), { poll, now: call.now }) };
  },
});
