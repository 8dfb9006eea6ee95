import { invitationRequestSchema, invitationTerms } from '../../shared/enrollment/invitations/invitation-request.ts';
import { invitationView } from '../../shared/enrollment/invitations/invitation-view.ts';
import { createInvitation } from '../../shared/enrollment/invitations/invitations.ts';
import { readJson } from '../../shared/platform/body.ts';
import { adminDoor, idempotencyOf } from './admin-door.ts';

/**
 * `POST /api/invitations {user, expiresInHours? | expiresAt?, maxDevices?, ownership?, deviceIdentifier?, tenantIdentifier?,
 * bulk?}` -> 201, the invitation with its secret, deep link and page; for `bulk` the source of a provisioning package too
 */
adminDoor('invitations', {
  route: 'api/invitations',
  methods: ['POST'],
  async handler(call) {
    const { services, actor, now } = call;
    const asked = await readJson(call.request, invitationRequestSchema, 16 * 1024);
    const { policy } = await services.catalogue.read();
    const idempotency = idempotencyOf(call, asked);
    const made = await createInvitation(
      services.storage,
      {
        ...invitationTerms(asked, policy, now),
        createdBy: actor,
        idempotency: idempotency && { ...idempotency, appKey: await services.appKey() },
      },
      now,
    );
    const { id, user, maxDevices, expiresAt, bulk } = made.invitation;
    const outcome = `invitation ${id} for ${maxDevices} device(s)${bulk ? ' in bulk' : ''} until ${expiresAt}`;
    return {
      status: 201,
      value: invitationView(made, policy, services.settings.enrollUrl),
      audit: { act: 'invite', subject: user, outcome },
    };
  },
});
