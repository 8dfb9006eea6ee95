import { KEPT_FOR_MS } from '../../shared/catalogue/catalogue.ts';
import { type Policy, policySchema } from '../../shared/catalogue/policy.ts';
import { countDevices } from '../../shared/enrollment/eligibility/count-devices.ts';
import { readJson } from '../../shared/platform/body.ts';
import { conflict } from '../../shared/platform/problem.ts';
import { hasPushSecret } from '../../shared/push/push-secret.ts';
import type { Storage } from '../../shared/storage/storage.ts';
import { adminDoor } from './admin-door.ts';

/**
 * `GET /api/settings` -> the organisation's settings; `PUT` replaces them as a whole, what is left out takes its default.
 * Apps keep them for a minute, and the reply says so. Both are 409 where another version wrote what this one cannot read;
 * `PUT` with `?replace=unreadable` replaces that too.
 */
adminDoor('settings', {
  route: 'api/settings',
  methods: ['GET', 'PUT'],
  async handler({ request, services, now }) {
    const replaces = request.method === 'PUT' && request.query.get('replace') === 'unreadable';
    const { policy: present, policyUnreadable } = await services.catalogue.read();
    if (policyUnreadable && !replaces) throw conflict(unreadable(policyUnreadable));
    if (request.method === 'GET') return { status: 200, value: await shown(services.storage, present) };
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

function unreadable(reason: string): string {
  return (
    `Another version of Lanyard wrote the settings, and this one cannot read them: ${reason}. ` +
    'Update all apps to one version, or replace the settings with PUT /api/settings?replace=unreadable.'
  );
}

/** The settings, and whether there is the secret that belongs to those for push. */
async function shown(storage: Storage, policy: Policy) {
  return { ...policy, push: { ...policy.push, hasSecret: await hasPushSecret(storage) } };
}
