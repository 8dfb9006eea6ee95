import * as z from 'zod';
import { invitationsOf, withdrawInvitation } from '../../shared/enrollment/invitations/invitation-administration.ts';
import { invalid } from '../../shared/platform/body.ts';
import { type AdminCall, adminDoor } from './admin-door.ts';

/** Invitations are kept by user, so that enrolling costs one read: whoever asks for them names the user. */
const userQuery = z.object({ user: z.string('is needed').trim().min(1).max(320) });

function userOf({ request }: AdminCall): string {
  const parsed = userQuery.safeParse(Object.fromEntries(request.query));
  if (!parsed.success) throw invalid(parsed.error);
  return parsed.data.user;
}

/** `GET /api/invitations?user=` -> `{items}`, the newest first, at most 100; never with the secret */
adminDoor('invitations-of-user', {
  route: 'api/invitations',
  methods: ['GET'],
  async handler(call) {
    return { status: 200, value: { items: await invitationsOf(call.services.storage, userOf(call), call.now) } };
  },
});

/** `DELETE /api/invitations/{id}?user=` withdraws it: 200 and the invitation, 404 */
adminDoor('invitation', {
  route: 'api/invitations/{id}',
  methods: ['DELETE'],
  async handler(call) {
    const { services, actor, now, request } = call;
    const asked = { user: userOf(call), id: request.params['id'] ?? '', by: actor };
    const invitation = await withdrawInvitation(services.storage, asked, now);
    const { id, user, state, devices } = invitation;
    const outcome = `invitation ${id} is ${state} after ${devices.length} device(s)`;
    return { status: 200, value: invitation, audit: { act: 'withdraw invitation', subject: user, outcome } };
  },
});
