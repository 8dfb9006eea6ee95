import { tokenLine } from '../azure/shell-lines.ts';
import { printable } from '../cli/printable.ts';
import { AZURE_CLI, administratorsMark, ROLES, SCOPE, uriOf } from './administrator-roles.ts';
import type { AppRoleAssignment, PermissionScope } from './graph-types.ts';
import type { Plan, Step } from './plan.ts';
import {
  audienceNotes,
  hasClaims,
  hasEnabled,
  makingSteps,
  type Registration,
  withClaims,
  withEnabled,
  withPreAuthorized,
} from './registration.ts';

/** The app registration by which administrators sign in (`LANYARD_ADMIN_AUTH=entra`), as infra/modules/sign-in.bicep expects it. */
export interface AdministratorsWanted {
  environment: string;
  tenantId: string;
  /** Whose shell the printed commands are for. */
  platform: NodeJS.Platform;
  /** Object id of the user, group or application that gets the role Approver; undefined for nobody. */
  approver: { id: string; name: string } | undefined;
  /** What else the caller should know. */
  notes: string[];
  /** Writes what the deployment needs into the azd environment; undefined where there is none. */
  azd: { values: Record<string, string>; set(name: string, value: string): Promise<void> } | undefined;
}

/** @returns what is there and what is missing, for a plan that makes it whole */
export async function planAdministrators(registration: Registration, wanted: AdministratorsWanted): Promise<Plan> {
  const assignments = await registration.assignments();
  return {
    title: 'Administrators sign in with Microsoft Entra (docs/deployment.md)',
    found: describeAdministrators(registration, assignments),
    notes: wanted.approver
      ? [...wanted.notes, ...audienceNotes(registration)]
      : [
          ...wanted.notes,
          ...audienceNotes(registration),
          'Nobody gets the role Approver: the Azure CLI is signed in as an application. Name somebody with --approver OBJECT-ID.',
        ],
    steps: [
      ...makingSteps(
        registration,
        `Lanyard administrators (${wanted.environment})`,
        administratorsMark(wanted.environment),
      ),
      ...rememberingSteps(registration, wanted.azd),
      ...applicationSteps(registration),
      ...principalSteps(registration),
      ...approverSteps(registration, assignments, wanted.approver),
      ...azdSteps(wanted.azd),
    ],
    left: () => whatIsLeft(registration, wanted),
  };
}

export function describeAdministrators(
  { application, servicePrincipal }: Registration,
  assignments: AppRoleAssignment[],
): string[] {
  if (!application) return ['There is no app registration of ours.'];
  const required = servicePrincipal?.appRoleAssignmentRequired ? 'assignment required' : 'assignment not required';
  return [
    `App registration "${printable(application.displayName)}", client id ${application.appId}`,
    `Roles: ${application.appRoles.map(({ value, isEnabled }) => `${value}${isEnabled ? '' : ' (disabled)'}`).join(', ') || 'none'}`,
    servicePrincipal ? `Service principal: ${required}, ${holders(assignments)}` : 'There is no service principal.',
  ];
}

export function holders(assignments: AppRoleAssignment[]): string {
  const names = assignments.map(({ principalDisplayName, principalId }) =>
    printable(principalDisplayName ?? principalId),
  );
  return names.length === 0 ? 'nobody is assigned' : `assigned: ${[...new Set(names)].join(', ')}`;
}

/** Each part in a call of its own: what a run that broke off did not do is seen and done by the next. */
function applicationSteps(registration: Registration): Step[] {
  const { application } = registration;
  const steps: Step[] = [];
  if (!hasEnabled(application?.appRoles ?? [], ROLES)) {
    steps.push({
      text: 'Add the app roles Reader, Operator and Approver, as far as they are missing',
      run: () => registration.change({ appRoles: withEnabled(registration.made.appRoles, ROLES) }),
    });
  }
  if (!hasEnabled(application?.api.oauth2PermissionScopes ?? [], [SCOPE]) || !isVersion2(registration)) {
    steps.push({
      // App Service checks the issuer of version 2 (infra/modules/sign-in.bicep), and null means version 1.
      text: 'Add the scope user_impersonation, and ask for access tokens of version 2',
      run: () => registration.change({ api: withScope(registration) }),
    });
  }
  if (!application?.identifierUris.includes(uriOf(application.appId))) {
    steps.push({
      text: 'Set the Application ID URI api://THE-CLIENT-ID',
      run: () =>
        registration.change({ identifierUris: [...registration.made.identifierUris, uriOf(registration.made.appId)] }),
    });
  }
  if (!isPreAuthorized(registration)) {
    steps.push({
      // In a call after the one that adds the scope: in the same one, Graph does not find the scope's id yet.
      text: 'Authorize the Azure CLI as a client, which gives the command line its token',
      run: () =>
        registration.change({ api: withPreAuthorized(registration.made.api, AZURE_CLI, scopeOf(registration).id) }),
    });
  }
  if (!hasClaims(application?.optionalClaims ?? null, 'accessToken', ['upn'])) {
    steps.push({
      text: 'Add the optional claim upn to access tokens, which puts the name of the person into the audit',
      run: () =>
        registration.change({ optionalClaims: withClaims(registration.made.optionalClaims, 'accessToken', ['upn']) }),
    });
  }
  return steps;
}

const isVersion2 = ({ application }: Registration) => application?.api.requestedAccessTokenVersion === 2;

function withScope({ made }: Registration) {
  const oauth2PermissionScopes = withEnabled(made.api.oauth2PermissionScopes, [SCOPE]);
  return { requestedAccessTokenVersion: 2, oauth2PermissionScopes };
}

/** Somebody else's scope of that name does as well. */
function scopeOf({ application }: Registration): PermissionScope {
  return application?.api.oauth2PermissionScopes.find(({ value }) => value === SCOPE.value) ?? SCOPE;
}

function isPreAuthorized(registration: Registration): boolean {
  const { id } = scopeOf(registration);
  const clients = registration.application?.api.preAuthorizedApplications ?? [];
  return clients.some((each) => each.appId === AZURE_CLI && each.delegatedPermissionIds.includes(id));
}

function principalSteps(registration: Registration): Step[] {
  const required = { appRoleAssignmentRequired: true };
  if (!registration.servicePrincipal) {
    const text = 'Make its service principal (enterprise application), with assignment required';
    return [{ text, run: () => registration.makePrincipal(required) }];
  }
  if (registration.servicePrincipal.appRoleAssignmentRequired) return [];
  return [{ text: 'Set assignment required', run: () => registration.changePrincipal(required) }];
}

function approverSteps(
  registration: Registration,
  assignments: AppRoleAssignment[],
  approver: AdministratorsWanted['approver'],
): Step[] {
  if (!approver) return [];
  const roles = registration.application?.appRoles ?? [];
  const wantedRole = () => registration.made.appRoles.find(({ value }) => value === 'Approver')!.id;
  const held = roles.find(({ value }) => value === 'Approver')?.id;
  if (assignments.some(({ principalId, appRoleId }) => principalId === approver.id && appRoleId === held)) return [];
  return [
    {
      text: `Assign ${approver.name} the role Approver`,
      async run() {
        const { id } = registration.principal;
        const body = { principalId: approver.id, resourceId: id, appRoleId: wantedRole() };
        await registration.add(`/v1.0/servicePrincipals/${id}/appRoleAssignedTo`, body);
      },
    },
  ];
}

/** At once, so that the next run finds the registration by it, should this one break off. */
function rememberingSteps(registration: Registration, azd: AdministratorsWanted['azd']): Step[] {
  const clientId = registration.application?.appId;
  if (!azd || (clientId && azd.values['LANYARD_ENTRA_CLIENT_ID'] === clientId)) return [];
  const text = `azd env set LANYARD_ENTRA_CLIENT_ID ${clientId ?? 'THE-CLIENT-ID'}`;
  return [{ text, run: () => azd.set('LANYARD_ENTRA_CLIENT_ID', registration.made.appId) }];
}

function azdSteps(azd: AdministratorsWanted['azd']): Step[] {
  if (!azd || azd.values['LANYARD_ADMIN_AUTH'] === 'entra') return [];
  const text = 'azd env set LANYARD_ADMIN_AUTH entra; it holds from the next azd up on';
  return [{ text, run: () => azd.set('LANYARD_ADMIN_AUTH', 'entra') }];
}

function whatIsLeft({ application }: Registration, { azd, platform, tenantId }: AdministratorsWanted): string[] {
  if (!application) return [];
  const { appId } = application;
  const settings = azd
    ? []
    : [
        'There is no azd environment here. Set both where you deploy from:',
        `  azd env set LANYARD_ENTRA_CLIENT_ID ${appId}`,
        '  azd env set LANYARD_ADMIN_AUTH entra',
        `  Without azd: the parameters entraClientId=${appId} adminAuth=entra of infra/main.bicep`,
        '  With the link of a release: the fields Entra Client Id and Admin Auth of the form, and all others as they were',
      ];
  return [
    ...settings,
    'azd up. From then on keys open nothing any more.',
    'Give your colleagues their roles: Enterprise applications, this application, Users and groups.',
    'On the command line:',
    `  ${tokenLine(platform, appId, ` --tenant ${tenantId}`)}`,
  ];
}
