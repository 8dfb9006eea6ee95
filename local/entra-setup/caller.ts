import type { GraphClient } from './graph-client.ts';

/** @returns who the Azure CLI is signed in as; undefined for an application */
export async function caller(graph: GraphClient): Promise<{ id: string; name: string } | undefined> {
  const path = '/v1.0/me?$select=id,userPrincipalName';
  const me = await graph.find<{ id: string; userPrincipalName: string }>(path).catch(withoutUser);
  return me && { id: me.id, name: me.userPrincipalName };
}

/** Graph answers 400 where the token is an application's ("/me request is only valid with delegated authentication flow"). */
function withoutUser(error: { status?: number }): undefined {
  if (error.status === 400) return undefined;
  throw error;
}
