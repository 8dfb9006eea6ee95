import { KEPT_FOR_MS } from '../../shared/catalogue/catalogue.ts';
import { policySchema } from '../../shared/catalogue/policy.ts';
import { readJson } from '../../shared/platform/body.ts';
import { adminDoor } from './admin-door.ts';

/**
 * `GET /api/settings` -> the organisation's settings; `PUT` replaces them as a whole, what is left out takes its default.
 * Apps keep them for a minute, and the reply says so.
 */
adminDoor('settings', {
  route: 'api/settings',
  methods: ['GET', 'PUT'],
  async handler({ request, services }) {
    if (request.method === 'GET') return { status: 200, value: (await services.catalogue.read()).policy };
    const policy = await readJson(request, policySchema, 64 * 1024);
    await services.catalogue.writePolicy(policy);
    const value = { settings: policy, effectiveWithinSeconds: KEPT_FOR_MS / 1_000 };
    return { status: 200, value, audit: { act: 'change settings', subject: 'settings' } };
  },
});
