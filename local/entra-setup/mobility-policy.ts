import { type GraphClient, GraphError } from './graph-client.ts';
import type { Application, ServicePrincipal } from './graph-types.ts';

/**
 * Automatic enrollment of one MDM application ("Mobility" in the portal): where devices enroll, and for whom. The calls are of
 * Graph's beta (mobilityManagementPolicy resource type): list, get, update and groups. There is no call that makes one.
 */
export interface MobilityPolicy {
  id: string;
  displayName: string;
  appliesTo: 'none' | 'all' | 'selected' | 'unknownFutureValue';
  discoveryUrl: string | null;
  termsOfUseUrl: string | null;
  isValid?: boolean;
  includedGroups?: { id: string }[];
}

const PATH = '/beta/policies/mobileDeviceManagementPolicies';

/**
 * @param policyGraph Graph with a token that was given for this; a refusal is then an error
 * @returns undefined where the token of the Azure CLI may not read them (Policy.Read.All). @throws {GraphError}
 */
export async function readPolicies(clients: {
  graph: GraphClient;
  policyGraph: GraphClient | undefined;
}): Promise<MobilityPolicy[] | undefined> {
  const path = `${PATH}?$expand=includedGroups`;
  if (clients.policyGraph) return clients.policyGraph.list<MobilityPolicy>(path);
  try {
    return await clients.graph.list<MobilityPolicy>(path);
  } catch (error) {
    if (error instanceof GraphError && error.status === 403) return undefined;
    throw error;
  }
}

/** The reference says that the id is the application's object id; those of Intune, which others write down, are client ids. */
export function policyOf(
  policies: MobilityPolicy[],
  { id, appId }: Application,
  principal: ServicePrincipal | undefined,
): MobilityPolicy | undefined {
  return policies.find((policy) => [id, appId, principal?.id].includes(policy.id));
}

export function setUrls(graph: GraphClient, { id }: MobilityPolicy, discoveryUrl: string, termsOfUseUrl: string) {
  return graph.call<void>('PATCH', `${PATH}/${id}`, { discoveryUrl, termsOfUseUrl });
}

/** In a call of its own: the scope of users cannot be set together with the addresses. */
export function setScope(graph: GraphClient, { id }: MobilityPolicy, appliesTo: 'none' | 'all') {
  return graph.call<void>('PATCH', `${PATH}/${id}`, { appliesTo });
}

/** The first group makes the scope `selected`, which cannot be said otherwise. */
export function addGroup(graph: GraphClient, { id }: MobilityPolicy, group: string) {
  const reference = { '@odata.id': graph.linkTo(`/beta/groups/${group}`) };
  return graph.call<void>('POST', `${PATH}/${id}/includedGroups/$ref`, reference);
}
