import type { Policy } from '../../catalogue/policy.ts';
import { enrollmentDeepLink } from './deep-link.ts';
import type { Invitation } from './invitations.ts';
import { joinAddress } from './join-link.ts';
import { provisioningPackage } from './provisioning-package.ts';

/** An invitation as its maker sees it, this once: nothing here can be made again without the secret. */
export interface InvitationView {
  id: string;
  user: string;
  secret: string;
  expiresAt: string;
  maxDevices: number;
  ownership?: Invitation['ownership'];
  deviceIdentifier?: string;
  tenantIdentifier?: string;
  bulk?: boolean;
  /** Opens Windows Settings; without the secret, unless the setting `invitations.secretInLink` says otherwise. */
  deepLink: string;
  /** The page with the link, the steps and the secret; the secret is behind the `#`. */
  joinPage: string;
  /** `customizations.xml`, for an invitation in bulk. */
  provisioningPackage?: string;
}

/** @param enrollUrl origin of the enroll app */
export function invitationView(
  { invitation, secret }: { invitation: Invitation; secret: string },
  policy: Policy,
  enrollUrl: string,
): InvitationView {
  const { id, user, expiresAt, maxDevices, ownership, deviceIdentifier, tenantIdentifier, bulk } = invitation;
  const { secretInLink } = policy.invitations;
  const said = { ownership, deviceIdentifier, tenantIdentifier };
  const accessToken = secretInLink ? secret : undefined;
  return {
    id,
    user,
    secret,
    expiresAt,
    maxDevices,
    ...said,
    deepLink: enrollmentDeepLink({ mode: 'mdm', user, server: enrollUrl, accessToken, ...said }),
    joinPage: joinAddress({
      user,
      secret,
      server: enrollUrl,
      expires: expiresAt,
      organisation: policy.organisation,
      ...said,
      ...(secretInLink ? { secretInLink } : {}),
    }),
    ...(bulk ? { bulk, provisioningPackage: provisioningPackage({ invitationId: id, user, secret, enrollUrl }) } : {}),
  };
}
