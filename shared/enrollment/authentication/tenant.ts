import type { Policy } from '../../catalogue/policy.ts';
import type { Admission } from '../../devices/device.ts';
import { EnrollmentRefusal } from '../refusal.ts';

/** Tenants are GUIDs or names of domains for the most part: letter case does not tell them apart. */
export function isSameTenant(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

/**
 * A device that came by a deep link with a tenant in it must name the organisation's, where the organisation has set one.
 * A device whose user typed everything names none and passes: the tenant is no proof, it keeps a link of one
 * organisation from leading into another.
 * @throws {EnrollmentRefusal} `wrongTenant`
 */
export function checkTenant({ tenantIdentifier }: Admission, policy: Policy): void {
  const own = policy.invitations.tenantIdentifier;
  if (own === '' || tenantIdentifier === undefined || isSameTenant(tenantIdentifier, own)) return;
  throw new EnrollmentRefusal('wrongTenant', `The deep link names the tenant ${tenantIdentifier.slice(0, 200)}.`);
}
