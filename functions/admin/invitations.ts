import * as z from 'zod';
import { MAX_DEVICES } from '../../shared/catalogue/policy.ts';
import { enrollmentDeepLink } from '../../shared/enrollment/deep-link.ts';
import { createInvitation } from '../../shared/enrollment/invitations.ts';
import { readJson } from '../../shared/platform/body.ts';
import { adminDoor, idempotencyOf } from './admin-door.ts';

const invitationSchema = z.strictObject({
  user: z
    .string()
    .trim()
    .max(320)
    .regex(
      /^[^\s\p{C}@\\/]+@[^\s\p{C}@\\/]+\.[^\s\p{C}@\\/]+$/u,
      'must look like user@domain: Windows Settings takes nothing else',
    ),
  expiresInHours: z.int().min(1).max(8_760).optional(),
  maxDevices: z.int().min(1).max(MAX_DEVICES).optional(),
});

/** `POST /api/invitations {user, expiresInHours?, maxDevices?}` -> 201 `{id, user, secret, deepLink, expiresAt, maxDevices}` */
adminDoor('invitations', {
  route: 'api/invitations',
  methods: ['POST'],
  async handler(call) {
    const { services, actor, now } = call;
    const asked = await readJson(call.request, invitationSchema, 16 * 1024);
    const { policy } = await services.catalogue.read();
    const idempotency = idempotencyOf(call, asked);
    const { invitation, secret } = await createInvitation(
      services.storage,
      {
        user: asked.user,
        expiresInHours: asked.expiresInHours ?? policy.invitations.expiresInHours,
        maxDevices: asked.maxDevices ?? policy.invitations.maxDevices,
        createdBy: actor,
        idempotency: idempotency && { ...idempotency, appKey: await services.appKey() },
      },
      now,
    );
    const { id, user, expiresAt, maxDevices } = invitation;
    const deepLink = enrollmentDeepLink(user, services.settings.enrollUrl);
    return {
      status: 201,
      value: { id, user, secret, deepLink, expiresAt, maxDevices },
      audit: {
        act: 'invite',
        subject: user,
        outcome: `invitation ${id} for ${maxDevices} device(s) until ${expiresAt}`,
      },
    };
  },
});
