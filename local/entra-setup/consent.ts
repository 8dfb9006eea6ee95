import type { PermissionGrant } from './graph-types.ts';
import type { Step } from './plan.ts';
import type { Registration } from './registration.ts';
import { microsoftGraph } from './well-known.ts';

/** What the sign-in page asks of Entra: who the person is, and nothing else. */
const SCOPES = ['openid', 'profile'];

/** The consents that were given to a registration. */
export function grantsOf({ graph, servicePrincipal }: Registration): Promise<PermissionGrant[]> {
  if (!servicePrincipal) return Promise.resolve([]);
  const filter = encodeURIComponent(`clientId eq '${servicePrincipal.id}'`);
  return graph.list<PermissionGrant>(`/v1.0/oauth2PermissionGrants?$filter=${filter}`);
}

const forEverybody = ({ consentType }: PermissionGrant) => consentType === 'AllPrincipals';
const scopesOf = ({ scope }: PermissionGrant) => scope.split(' ').filter((name) => name !== '');

/**
 * Consents for everybody: else each person would be asked in the window of Windows, and where people may not consent
 * themselves, or have to be assigned, nobody could go on.
 */
export function consentSteps(registration: Registration, grants: PermissionGrant[]): Step[] {
  const given = grants.filter(forEverybody);
  if (SCOPES.every((scope) => given.some((grant) => scopesOf(grant).includes(scope)))) return [];
  return [{ text: 'Consent for everybody to openid and profile', run: () => consent(registration, given) }];
}

async function consent(registration: Registration, given: PermissionGrant[]): Promise<void> {
  const { id: resourceId } = await microsoftGraph(registration.graph);
  const here = given.find((grant) => grant.resourceId === resourceId);
  if (here) {
    const scope = [...new Set([...scopesOf(here), ...SCOPES])].join(' ');
    await registration.call('PATCH', `/v1.0/oauth2PermissionGrants/${here.id}`, { scope });
    return;
  }
  const clientId = registration.principal.id;
  const body = { clientId, consentType: 'AllPrincipals', resourceId, scope: SCOPES.join(' ') };
  await registration.add('/v1.0/oauth2PermissionGrants', body);
}

/** @returns the consent that is exactly ours; one that grants more was given by somebody else too */
export function ourConsent(grants: PermissionGrant[]): PermissionGrant | undefined {
  return grants.find((grant) => forEverybody(grant) && scopesOf(grant).toSorted().join() === SCOPES.join());
}
