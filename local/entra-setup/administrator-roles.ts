import type { Role } from '../../shared/administrators/roles.ts';
import type { AppRole, PermissionScope } from './graph-types.ts';

/** What the app registration of administrators consists of. */

/** The Azure CLI, by which the command line gets its token (Microsoft Learn, application ids of first-party applications). */
export const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

export const administratorsMark = (environment: string) => `lanyard-administrators:${environment}`;

const role = (id: string, value: Role, description: string): AppRole => ({
  id,
  value,
  displayName: value,
  description,
  allowedMemberTypes: ['User', 'Application'],
  isEnabled: true,
});

/** Ids need to be unique within one application only; these tell our roles from others'. */
export const ROLES: readonly AppRole[] = [
  role('7c1d7b0e-5a0f-4b7a-9a51-0d4c7b2f6e01', 'Reader', 'Sees devices, settings and the audit, and changes nothing'),
  role('7c1d7b0e-5a0f-4b7a-9a51-0d4c7b2f6e02', 'Operator', 'Besides, manages devices, invitations and settings'),
  role('7c1d7b0e-5a0f-4b7a-9a51-0d4c7b2f6e03', 'Approver', 'Besides, makes and changes the certificate authority'),
];
export const SCOPE: PermissionScope = {
  id: '7c1d7b0e-5a0f-4b7a-9a51-0d4c7b2f6e10',
  value: 'user_impersonation',
  type: 'User',
  isEnabled: true,
  adminConsentDisplayName: 'Use Lanyard',
  adminConsentDescription: 'Lets an application call the admin API of Lanyard as the person who is signed in',
  userConsentDisplayName: 'Use Lanyard',
  userConsentDescription: 'Lets an application call the admin API of Lanyard as you',
};

/** The Application ID URI: what the deployment takes tokens for, and what the command line asks one for. */
export const uriOf = (clientId: string) => `api://${clientId}`;
