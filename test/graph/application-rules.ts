import type { Application, AppRole, PermissionScope } from '../../local/entra-setup/graph-types.ts';
import { badRequest, DirectoryError } from './directory-error.ts';

/** What Microsoft Graph refuses of an application (application resource type, appRole, "Restrictions on identifier URIs"). */
export interface ApplicationSurroundings {
  others: Application[];
  verifiedDomains: string[];
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const WRITABLE = [
  'displayName',
  'signInAudience',
  'tags',
  'identifierUris',
  'appRoles',
  'api',
  'web',
  'spa',
  'publicClient',
  'optionalClaims',
  'requiredResourceAccess',
];

/** @throws {DirectoryError} */
export function checkChange(before: Application, change: Partial<Application>, around: ApplicationSurroundings): void {
  for (const name of Object.keys(change)) {
    if (!WRITABLE.includes(name)) throw badRequest(`Invalid property '${name}'.`);
  }
  checkReadOnly(change);
  if (change.appRoles) checkEntitlements(before.appRoles, change.appRoles, 'appRoles');
  for (const role of change.appRoles ?? []) checkRole(role);
  if (change.api?.oauth2PermissionScopes) {
    checkEntitlements(before.api.oauth2PermissionScopes, change.api.oauth2PermissionScopes, 'oauth2PermissionScopes');
  }
  checkClients(before, change);
  checkAddresses(before, change.identifierUris ?? [], around);
}

/** What Graph tells and does not take back: where a role comes from, and a second list of the redirect URIs. */
function checkReadOnly({ appRoles = [], api, web }: Partial<Application>): void {
  const isSentBack = [...appRoles, ...(api?.oauth2PermissionScopes ?? [])].some((each) => 'origin' in each);
  if (isSentBack) throw badRequest("Property 'origin' is read-only and cannot be set.");
  if (web && 'redirectUriSettings' in web && 'redirectUris' in web) {
    throw badRequest('redirectUris and redirectUriSettings cannot both be set.');
  }
}

function checkRole({ displayName, description, allowedMemberTypes }: AppRole): void {
  if (!displayName || !description) throw badRequest('Required property is missing: displayName, description.');
  const known =
    allowedMemberTypes.length > 0 && allowedMemberTypes.every((type) => ['User', 'Application'].includes(type));
  if (!known) throw badRequest('Invalid value specified for property allowedMemberTypes.');
}

function checkEntitlements(before: (AppRole | PermissionScope)[], after: (AppRole | PermissionScope)[], what: string) {
  for (const { id, value } of after) {
    if (!GUID.test(id)) throw badRequest(`Invalid value '${id}' for ${what}.id.`);
    if (after.filter((each) => each.id === id).length > 1) throw badRequest(`Property ${what} has a duplicate id.`);
    if (value !== null && after.filter((each) => each.value === value).length > 1) {
      throw badRequest(`It contains duplicate value. Please Provide unique value: ${value}`, 'InvalidValue');
    }
  }
  const removedWhileOn = before.some((each) => each.isEnabled && !after.some(({ id }) => id === each.id));
  if (removedWhileOn) {
    const message = 'Permission (scope or role) cannot be deleted or updated unless disabled first.';
    throw badRequest(message, 'CannotDeleteOrUpdateEnabledEntitlement');
  }
}

/** A scope that comes with the same call is not found. */
function checkClients(before: Application, { api }: Partial<Application>): void {
  const known = before.api.oauth2PermissionScopes.map(({ id }) => id);
  const ids = (api?.preAuthorizedApplications ?? []).flatMap((each) => each.delegatedPermissionIds);
  if (ids.every((id) => known.includes(id))) return;
  const target = 'api.preAuthorizedApplications.delegatedPermissionIds';
  const message = `Property ${target} has a Permission Id that cannot be found in the AppPermissions sets.`;
  throw new DirectoryError(400, 'InvalidValue', message, [{ code: 'InvalidValue', target }]);
}

function checkAddresses(
  before: Application,
  uris: string[],
  { others, verifiedDomains }: ApplicationSurroundings,
): void {
  for (const uri of uris.filter((each) => !before.identifierUris.includes(each))) {
    if (others.some(({ identifierUris }) => identifierUris.includes(uri))) {
      const message = 'Another object with the same value for property identifierUris already exists.';
      throw new DirectoryError(400, 'Request_BadRequest', message, [
        { code: 'ObjectConflict', target: 'identifierUris' },
      ]);
    }
    const host = /^https:\/\/([^/]+)/.exec(uri)?.[1] ?? '';
    const isVerified = verifiedDomains.some((domain) => host === domain || host.endsWith(`.${domain}`));
    if (uri !== `api://${before.appId}` && !isVerified) {
      const message = `Values of identifierUris property must use a verified domain of the organization or its subdomain: '${uri}'`;
      throw badRequest(message, 'HostNameNotOnVerifiedDomain');
    }
  }
}
