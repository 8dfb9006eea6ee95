import * as z from 'zod';
import { MAX_DEVICES, type Policy } from '../../catalogue/policy.ts';
import { writable } from '../../catalogue/policy-text.ts';
import { badRequest } from '../../platform/problem.ts';
import { isSameTenant } from '../authentication/tenant.ts';
import type { InvitationTerms } from './invitations.ts';

const HOUR_MS = 3_600_000;
const MAX_HOURS = 8_760;

const ENTRA_MODE =
  'must be mdm: awa (add a work account) and aadj (join) enroll through Entra and take no invitation. ' +
  'Such a link needs nothing of the server: ms-device-enrollment:?mode=awa&username=…';

/** What a caller asks for in `POST /api/invitations`. */
export const invitationRequestSchema = z.strictObject({
  user: z
    .string()
    .trim()
    .max(320)
    .regex(
      /^[^\s\p{C}@\\/]+@[^\s\p{C}@\\/]+\.[^\s\p{C}@\\/]+$/u,
      'must look like user@domain: Windows Settings takes nothing else',
    ),
  expiresInHours: z.int().min(1).max(MAX_HOURS).optional(),
  /** In place of `expiresInHours`. */
  expiresAt: z.iso.datetime({ offset: true }).optional(),
  maxDevices: z.int().min(1).max(MAX_DEVICES).optional(),
  mode: z.literal('mdm', { error: ENTRA_MODE }).optional(),
  ownership: z.enum(['unknown', 'personal', 'corporate']).optional(),
  deviceIdentifier: z.guid('must be a GUID').toLowerCase().optional(),
  tenantIdentifier: writable(z.string().trim().min(1).max(200)).optional(),
  /** For a provisioning package: the PCs have no personal user. */
  bulk: z.boolean().optional(),
});

export type InvitationRequest = z.infer<typeof invitationRequestSchema>;

/**
 * The terms of the invitation that is asked for, with the organisation's defaults where nothing was said.
 * @throws {Problem} 400 for fields that do not go together, an end that is past or too far, another tenant's identifier,
 *   a package that could not enroll
 */
export function invitationTerms(asked: InvitationRequest, policy: Policy, now: Date): InvitationTerms {
  const { user, ownership, deviceIdentifier, bulk } = asked;
  const maxDevices = asked.maxDevices ?? policy.invitations.maxDevices;
  if (deviceIdentifier !== undefined && maxDevices > 1) {
    throw badRequest([{ field: 'deviceIdentifier', message: 'names one device, and the invitation is for several' }]);
  }
  if (bulk && !policy.ways.includes('OnPremise')) {
    const message = 'a package enrolls by user and secret, and the setting ways leaves OnPremise out';
    throw badRequest([{ field: 'bulk', message }]);
  }
  return {
    user,
    expiresAt: endOf(asked, policy, now),
    maxDevices,
    ownership,
    deviceIdentifier,
    tenantIdentifier: tenantOf(asked, policy),
    ...(bulk ? { bulk } : {}),
  };
}

function endOf({ expiresAt, expiresInHours }: InvitationRequest, policy: Policy, now: Date): string {
  if (expiresAt === undefined) {
    const hours = expiresInHours ?? policy.invitations.expiresInHours;
    return new Date(now.getTime() + hours * HOUR_MS).toISOString();
  }
  const wrong = (message: string) => badRequest([{ field: 'expiresAt', message }]);
  if (expiresInHours !== undefined) throw wrong('cannot be given together with expiresInHours');
  const end = new Date(expiresAt);
  if (end <= now) throw wrong('is past');
  if (end.getTime() - now.getTime() > MAX_HOURS * HOUR_MS) throw wrong(`is more than ${MAX_HOURS} hours away`);
  return end.toISOString();
}

function tenantOf({ tenantIdentifier }: InvitationRequest, policy: Policy): string | undefined {
  const own = policy.invitations.tenantIdentifier || undefined;
  if (tenantIdentifier === undefined || !own || isSameTenant(tenantIdentifier, own)) return own ?? tenantIdentifier;
  const message = `is not this organisation's, which the setting invitations.tenantIdentifier gives as ${own}`;
  throw badRequest([{ field: 'tenantIdentifier', message }]);
}
