import { printable } from '../cli/printable.ts';
import { AZURE_CLI, administratorsMark, ROLES, SCOPE, uriOf } from './administrator-roles.ts';
import { type AdministratorsWanted, describeAdministrators, holders } from './administrators.ts';
import type { AppRoleAssignment } from './graph-types.ts';
import type { Plan, Step } from './plan.ts';
import { deletion, foreignParts, type Registration } from './registration.ts';

/** @returns a plan that takes away what this command made; what others added stays */
export async function planAdministratorsRemoval(
  registration: Registration,
  wanted: AdministratorsWanted,
): Promise<Plan> {
  const assignments = await registration.assignments();
  const mine = assignments.filter(({ principalId }) => principalId === wanted.approver?.id);
  const others = assignments.filter((each) => !mine.includes(each));
  const foreign = [
    ...foreignParts(registration, administratorsMark(wanted.environment)),
    ...foreignDetails(registration),
  ];
  const notes: string[] = [];
  let steps: Step[] = [];
  if (others.length > 0) {
    notes.push(`The registration stays, since others hold roles of it (${holders(others)}). Take them away first.`);
    steps = assignmentRemoval(registration, mine);
  } else if (foreign.length > 0) {
    notes.push(`The registration stays, since it holds what this command did not put there: ${foreign.join(', ')}.`);
    steps = [...assignmentRemoval(registration, mine), ...strippingSteps(registration)];
  } else if (registration.application) {
    steps = [deletion(registration)];
  }
  return {
    title: 'Take away the sign-in of administrators',
    found: describeAdministrators(registration, assignments),
    notes,
    steps: [...azdRemoval(wanted.azd), ...steps],
    left: () =>
      registration.application
        ? ['If the deployment still asks for it (LANYARD_ADMIN_AUTH=entra): azd up. Until then nobody gets in.']
        : [],
  };
}

/** Roles, scopes, addresses and claims that this command does not know. */
function foreignDetails({ application }: Registration): string[] {
  if (!application) return [];
  const { appRoles, api, identifierUris, web, appId } = application;
  const ourRoles = ROLES.map(({ id }) => id);
  const lists: [string, string[]][] = [
    ['the role', appRoles.filter(({ id }) => !ourRoles.includes(id)).map(({ value, id }) => value ?? id)],
    ['the scope', api.oauth2PermissionScopes.filter(({ id }) => id !== SCOPE.id).map(({ value, id }) => value ?? id)],
    ['the client', api.preAuthorizedApplications.map((each) => each.appId).filter((client) => client !== AZURE_CLI)],
    ['the address', identifierUris.filter((uri) => uri !== uriOf(appId))],
    ['the redirect URI', web.redirectUris],
  ];
  return lists.flatMap(([what, names]) => names.map((name) => `${what} ${name}`));
}

function assignmentRemoval(registration: Registration, mine: AppRoleAssignment[]): Step[] {
  return mine.map(({ id, principalDisplayName, principalId }) => ({
    text: `Take the role of ${printable(principalDisplayName ?? principalId)} away`,
    run: () =>
      registration.graph.remove(`/v1.0/servicePrincipals/${registration.principal.id}/appRoleAssignedTo/${id}`),
  }));
}

/** A role or scope has to be disabled before it can be removed, in a call of its own (Graph, application: update). */
function strippingSteps(registration: Registration): Step[] {
  const { appRoles, api, identifierUris, appId } = registration.made;
  const ours = ROLES.map(({ id }) => id);
  const steps: Step[] = [];
  if (api.preAuthorizedApplications.some(({ delegatedPermissionIds: ids }) => ids.includes(SCOPE.id))) {
    steps.push({
      text: 'Take the Azure CLI out of the authorized clients',
      run: () => registration.change({ api: withoutClient(registration) }),
    });
  }
  if (api.oauth2PermissionScopes.some(({ id }) => id === SCOPE.id)) {
    steps.push({
      text: 'Disable and remove the scope user_impersonation',
      async run() {
        const scopes = registration.made.api.oauth2PermissionScopes;
        const off = scopes.map((each) => (each.id === SCOPE.id ? { ...each, isEnabled: false } : each));
        await registration.change({ api: { oauth2PermissionScopes: off } });
        const rest = off.filter(({ id }) => id !== SCOPE.id);
        await registration.change({ api: { oauth2PermissionScopes: rest } });
      },
    });
  }
  if (appRoles.some(({ id }) => ours.includes(id))) {
    steps.push({
      text: 'Disable and remove the app roles Reader, Operator and Approver that are ours',
      async run() {
        const off = appRoles.map((each) => (ours.includes(each.id) ? { ...each, isEnabled: false } : each));
        await registration.change({ appRoles: off });
        await registration.change({ appRoles: off.filter(({ id }) => !ours.includes(id)) });
      },
    });
  }
  if (identifierUris.includes(uriOf(appId))) {
    const rest = identifierUris.filter((uri) => uri !== uriOf(appId));
    steps.push({
      text: `Remove the Application ID URI ${uriOf(appId)}`,
      run: () => registration.change({ identifierUris: rest }),
    });
  }
  return steps;
}

function withoutClient({ made }: Registration) {
  const clients = made.api.preAuthorizedApplications.map(({ appId, delegatedPermissionIds }) => ({
    appId,
    delegatedPermissionIds: delegatedPermissionIds.filter((id) => id !== SCOPE.id),
  }));
  return { preAuthorizedApplications: clients.filter((each) => each.delegatedPermissionIds.length > 0) };
}

function azdRemoval(azd: AdministratorsWanted['azd']): Step[] {
  if (azd?.values['LANYARD_ADMIN_AUTH'] !== 'entra') return [];
  const text = 'azd env set LANYARD_ADMIN_AUTH keys; it holds from the next azd up on';
  return [{ text, run: () => azd.set('LANYARD_ADMIN_AUTH', 'keys') }];
}
