import type { GraphClient } from './graph-client.ts';
import type { ServicePrincipal } from './graph-types.ts';

/** Microsoft Graph's own application, the same in every tenant (Microsoft Learn, "Verify first-party Microsoft applications"). */
export const MICROSOFT_GRAPH = '00000003-0000-0000-c000-000000000000';

/** @returns Microsoft Graph as an application of this tenant: whoever is granted something of it is granted it there */
export async function microsoftGraph(graph: GraphClient): Promise<ServicePrincipal> {
  const path = `/v1.0/servicePrincipals(appId='${MICROSOFT_GRAPH}')?$select=id,appId,displayName,appRoles`;
  return graph.call<ServicePrincipal>('GET', path);
}
