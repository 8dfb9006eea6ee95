import { printable } from '../cli/printable.ts';
import type { GraphClient } from './graph-client.ts';
import { GRAPH_RIGHTS, type GraphRight } from './graph-rights.ts';
import type { AppRoleAssignment, ServicePrincipal } from './graph-types.ts';
import { SetupError } from './outside.ts';
import type { Plan, Step } from './plan.ts';
import { microsoftGraph } from './well-known.ts';

/** What the admin app's identity is to hold at Microsoft Graph. */
export interface RightsWanted {
  /** Object id of the admin app's managed identity. */
  principal: string;
  /** `all`, those that read and no other of ours, or none of ours. */
  amount: 'all' | 'read' | 'none';
}

const UNUSED = 'Nothing in Lanyard uses these rights yet. There is no reason to grant them before it does.';

/**
 * @returns a plan at whose end the identity holds of our rights those that are wanted; rights that are not ours stay
 * @throws {SetupError} when the identity is not in this tenant, or Graph does not know a right that is wanted
 */
export async function planDirectoryRights(graph: GraphClient, wanted: RightsWanted): Promise<Plan> {
  const identity = await findIdentity(graph, wanted.principal);
  const resource = await microsoftGraph(graph);
  const path = `/v1.0/servicePrincipals/${identity.id}/appRoleAssignments`;
  const held = (await graph.list<AppRoleAssignment>(path)).filter(({ resourceId }) => resourceId === resource.id);
  const holds = (right: GraphRight) => held.find(({ appRoleId }) => appRoleId === roleId(resource, right.value));
  const isWanted = ({ access }: GraphRight) => wanted.amount === 'all' || wanted.amount === access;
  const missing = GRAPH_RIGHTS.filter((right) => isWanted(right) && !holds(right));
  const surplus = GRAPH_RIGHTS.filter((right) => !isWanted(right) && holds(right));
  return {
    title: 'Rights of the admin app at Microsoft Graph, for retiring devices (docs/entra.md)',
    found: describe(identity, resource, held),
    notes: missing.length > 0 ? [UNUSED] : [],
    steps: [
      ...surplus.map((right) => revocation(graph, resource, right, holds(right)!)),
      ...missing.map((right) => granting(graph, resource, right, identity.id)),
    ],
    left: () => [],
  };
}

async function findIdentity(graph: GraphClient, id: string): Promise<ServicePrincipal> {
  const path = `/v1.0/servicePrincipals/${id}?$select=id,appId,displayName,servicePrincipalType`;
  const found = await graph.find<ServicePrincipal>(path);
  if (!found) {
    throw new SetupError(`There is no identity ${id} in this tenant. Is it the tenant of the deployment (--tenant)?`);
  }
  if (found.servicePrincipalType !== 'ManagedIdentity') {
    throw new SetupError(
      `${printable(found.displayName)} (${id}) is no managed identity, so not that of the admin app.`,
    );
  }
  return found;
}

/** Ids of rights are looked up in the tenant. @returns undefined where Graph does not know the right */
function roleId({ appRoles }: ServicePrincipal, value: string): string | undefined {
  return appRoles.find((role) => role.value === value && role.allowedMemberTypes.includes('Application'))?.id;
}

function describe(identity: ServicePrincipal, { appRoles }: ServicePrincipal, held: AppRoleAssignment[]): string[] {
  const names = held.map(({ appRoleId }) => appRoles.find(({ id }) => id === appRoleId)?.value ?? appRoleId);
  const ours = names.filter((name) => GRAPH_RIGHTS.some(({ value }) => value === name));
  const others = names.filter((name) => !ours.includes(name));
  return [
    `Managed identity "${printable(identity.displayName)}" (${identity.id})`,
    `Holds of our rights: ${ours.join(', ') || 'none'}`,
    ...(others.length > 0 ? [`Others, which stay: ${others.map(printable).join(', ')}`] : []),
  ];
}

function granting(graph: GraphClient, resource: ServicePrincipal, right: GraphRight, principalId: string): Step {
  const appRoleId = roleId(resource, right.value);
  if (!appRoleId) throw new SetupError(`Microsoft Graph of this tenant has no application permission ${right.value}.`);
  const path = `/v1.0/servicePrincipals/${resource.id}/appRoleAssignedTo`;
  const body = { principalId, resourceId: resource.id, appRoleId };
  return {
    text: `Grant ${right.value}: ${right.reason}`,
    // The identity may have been made by a deployment a minute ago.
    run: () => graph.call('POST', path, body, { justMade: true }),
  };
}

function revocation(graph: GraphClient, resource: ServicePrincipal, right: GraphRight, held: AppRoleAssignment): Step {
  const path = `/v1.0/servicePrincipals/${resource.id}/appRoleAssignedTo/${held.id}`;
  return { text: `Take ${right.value} away`, run: () => graph.remove(path) };
}
