import { printable } from '../cli/printable.ts';
import type { AppRoleAssignment, DirectoryObject, FederatedCredential } from './graph-types.ts';
import { SetupError } from './outside.ts';
import type { Registration } from './registration.ts';

/** What of a registration is the caller's own or this command's. */
export interface OwnAccess {
  /** Object id of the caller; undefined where the Azure CLI is signed in as an application. */
  callerId: string | undefined;
  /** Client ids that this command authorizes. */
  clients: string[];
  redirectUris: string[];
  isOurs(credential: FederatedCredential): boolean;
  /** Who holds roles by this command; undefined where roles of a registration give nothing. */
  holders: string[] | undefined;
}

/**
 * By what somebody else can change a registration or act as it: an owner may do all with it (Microsoft Learn, "Overview of
 * enterprise application ownership": credentials, roles, further owners), and who holds a credential is the application.
 *
 * @returns a few words for each. @throws {GraphError}
 */
export async function foreignAccess(registration: Registration, own: OwnAccess): Promise<string[]> {
  const { graph, application, servicePrincipal } = registration;
  if (!application) return [];
  const ownersOf = (path: string) => graph.list<DirectoryObject>(`/v1.0/${path}/owners`);
  const owners = await ownersOf(`applications/${application.id}`);
  if (servicePrincipal) owners.push(...(await ownersOf(`servicePrincipals/${servicePrincipal.id}`)));
  const federated = await registration.federatedCredentials();
  const assignments = own.holders ? await registration.assignments() : [];
  const { web, spa, publicClient, api } = application;
  const uris = [web, spa, publicClient].flatMap((each) => each?.redirectUris ?? []);
  const clients = api.preAuthorizedApplications.map(({ appId }) => appId);
  return [
    ...named('owner', owners.filter(({ id }) => id !== own.callerId).map(nameOf)),
    ...secretsOf(registration),
    ...named(
      'federated credential',
      federated.filter((each) => !own.isOurs(each)).map(({ name }) => name),
    ),
    ...named('authorized client', without(clients, own.clients)),
    ...named('redirect URI', without(uris, own.redirectUris)),
    ...named('role of', assignments.filter(({ principalId }) => !own.holders?.includes(principalId)).map(holderOf)),
  ];
}

const without = (all: string[], ours: string[]) => all.filter((each) => !ours.includes(each));
const named = (what: string, names: string[]) => [...new Set(names)].map((name) => `${what} ${printable(name)}`);
const nameOf = ({ displayName, userPrincipalName, id }: DirectoryObject) => displayName ?? userPrincipalName ?? id;
const holderOf = ({ principalDisplayName, principalId }: AppRoleAssignment) => principalDisplayName ?? principalId;

/** A service principal has credentials of its own, which App registrations does not show. */
function secretsOf({ application, servicePrincipal }: Registration): string[] {
  const counted: [string, unknown[] | undefined][] = [
    ['client secrets', application?.passwordCredentials],
    ['certificates', application?.keyCredentials],
    ['client secrets of the service principal', servicePrincipal?.passwordCredentials],
    ['certificates of the service principal', servicePrincipal?.keyCredentials],
  ];
  return counted.flatMap(([what, found]) => (found?.length ? [`${what} (${found.length})`] : []));
}

/**
 * Every member of a tenant may register applications, unless that was switched off, and write any tag into his own. So a tag
 * alone, or an address, proves nothing: who made the registration beforehand would own what administrators sign in to.
 *
 * @throws {SetupError} for a registration that was found in this way and that others have a hold on
 */
export function refuseUnlessNamed({ application, isNamed }: Registration, foreign: string[]): void {
  if (!application || isNamed || foreign.length === 0) return;
  const { appId, displayName } = application;
  throw new SetupError(
    `The app registration "${printable(displayName)}" (${appId}) bears our mark, which anybody of the tenant can give it. ` +
      `Others can change it or act as it: ${foreign.join(', ')}.\n` +
      `If you know all of that and want to use it: --client-id ${appId}. Otherwise delete it first.`,
  );
}

/** The same for a registration that is taken all the same. */
export function foreignNotes(foreign: string[]): string[] {
  return foreign.length === 0 ? [] : [`Others can change the registration or act as it: ${foreign.join(', ')}.`];
}
