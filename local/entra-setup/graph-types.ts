/** The parts of Microsoft Graph's objects that are read and written here (Microsoft Graph v1.0 resource types). */

export interface AppRole {
  id: string;
  value: string | null;
  displayName: string;
  description: string;
  allowedMemberTypes: string[];
  isEnabled: boolean;
}

export interface PermissionScope {
  id: string;
  value: string | null;
  type: string;
  isEnabled: boolean;
  adminConsentDisplayName: string;
  adminConsentDescription: string;
  userConsentDisplayName?: string | null;
  userConsentDescription?: string | null;
}

export interface PreAuthorizedApplication {
  appId: string;
  delegatedPermissionIds: string[];
}

export interface ApiApplication {
  requestedAccessTokenVersion: number | null;
  oauth2PermissionScopes: PermissionScope[];
  preAuthorizedApplications: PreAuthorizedApplication[];
}

export interface OptionalClaim {
  name: string;
}

export interface OptionalClaims {
  idToken?: OptionalClaim[];
  accessToken?: OptionalClaim[];
  saml2Token?: OptionalClaim[];
}

export interface Application {
  /** Object id. */
  id: string;
  /** Client id. */
  appId: string;
  displayName: string;
  signInAudience: string;
  tags: string[];
  identifierUris: string[];
  appRoles: AppRole[];
  api: ApiApplication;
  web: { redirectUris: string[] };
  spa?: { redirectUris: string[] };
  publicClient?: { redirectUris: string[] };
  optionalClaims: OptionalClaims | null;
  passwordCredentials: unknown[];
  keyCredentials: unknown[];
  requiredResourceAccess: unknown[];
}

export interface ServicePrincipal {
  id: string;
  appId: string;
  displayName: string;
  servicePrincipalType?: string;
  appRoleAssignmentRequired: boolean;
  appRoles: AppRole[];
  passwordCredentials?: unknown[];
  keyCredentials?: unknown[];
}

/** An owner: a user or a service principal. Of one that the token may not read there is the id alone. */
export interface DirectoryObject {
  id: string;
  displayName?: string | null;
  userPrincipalName?: string | null;
}

export interface AppRoleAssignment {
  id: string;
  appRoleId: string;
  principalId: string;
  principalDisplayName?: string | null;
  resourceId: string;
}

export interface FederatedCredential {
  id: string;
  name: string;
  issuer: string;
  subject: string;
  audiences: string[];
}

export interface PermissionGrant {
  id: string;
  clientId: string;
  consentType: string;
  resourceId: string;
  scope: string;
}
