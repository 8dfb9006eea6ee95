import * as z from 'zod';
import { readJson } from '../../shared/platform/body.ts';
import { notFound } from '../../shared/platform/problem.ts';
import { deletePushSecret, writePushSecret } from '../../shared/push/push-secret.ts';
import { adminDoor } from './admin-door.ts';

const secretSchema = z.strictObject({ secret: z.string().trim().min(1).max(1_000) });

/**
 * `PUT /api/push-secret {secret}` keeps the client secret of the app that wakes PCs, in place of the one that was there: 200
 * `{hasSecret}`; `DELETE` forgets it: 200, or 404. Nothing ever shows it.
 */
adminDoor('push-secret', {
  route: 'api/push-secret',
  methods: ['PUT', 'DELETE'],
  async handler({ request, services: { storage } }) {
    if (request.method === 'DELETE') {
      if (!(await deletePushSecret(storage))) throw notFound('There is no secret for push.');
      const audit = { act: 'delete push secret', subject: 'settings' };
      return { status: 200, value: { hasSecret: false }, audit };
    }
    const { secret } = await readJson(request, secretSchema, 16 * 1024);
    await writePushSecret(storage, secret);
    return { status: 200, value: { hasSecret: true }, audit: { act: 'set push secret', subject: 'settings' } };
  },
});
