import { KEPT_FOR_MS } from '../../shared/catalogue/catalogue.ts';
import { type Policy, policySchema } from '../../shared/catalogue/policy.ts';
import { countDevices } from '../../shared/enrollment/eligibility/count-devices.ts';
import { readJson } from '../../shared/platform/body.ts';
import { hasPushSecret } from '../../shared/push/push-secret.ts';
import type { Storage } from '../../shared/storage/storage.ts';
import { adminDoor } from './admin-door.ts';

/**
 * `GET /api/settings` -> the organisation's settings; `PUT` replaces them as a whole, what is left out takes its default.
 * Apps keep them for a minute, and the reply says so.
 */
adminDoor('settings', {
  route: 'api/settings',
  methods: ['GET', 'PUT'],
  async handler({ request, services, now }) {
    if (request.method === 'GET') {
      return { status: 200, value: await shown(services.storage, (await services.catalogue.read()).policy) };
    }
    const policy = await readJson(request, policySchema, 64 * 1024);
    await services.catalogue.writePolicy(policy);
    // A limit that is new goes by a count that is true, and not by that of the hour in which there was none.
    const { devicesInAll } = policy.enrollment;
    await countDevices(services.storage, { devicesInAll, devicesPerUser: null }, now);
    const settings = await shown(services.storage, policy);
    const value = { settings, effectiveWithinSeconds: KEPT_FOR_MS / 1_000 };
    return { status: 200, value, audit: { act: 'change settings', subject: 'settings' } };
  },
});

/** The settings, and whether there is the secret that belongs to those for push. */
async function shown(storage: Storage, policy: Policy) {
  return { ...policy, push: { ...policy.push, hasSecret: await hasPushSecret(storage) } };
}
