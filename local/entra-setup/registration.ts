import { printable } from '../cli/printable.ts';
import { type GraphClient, GraphError } from './graph-client.ts';
import type {
  ApiApplication,
  Application,
  AppRole,
  AppRoleAssignment,
  FederatedCredential,
  OptionalClaims,
  PermissionScope,
  ServicePrincipal,
} from './graph-types.ts';
import { SetupError } from './outside.ts';
import type { Step } from './plan.ts';

/**
 * An app registration with its service principal, as it was found and as the steps of a plan have changed it since. What is
 * wanted is added to what is there; nothing that somebody else put there is taken away.
 */
export class Registration {
  readonly graph: GraphClient;
  application: Application | undefined;
  servicePrincipal: ServicePrincipal | undefined;
  /** Whether the caller or the settings name its client id; false where our mark alone speaks for it. */
  isNamed = true;
  constructor(graph: GraphClient, application?: Application, servicePrincipal?: ServicePrincipal) {
    this.graph = graph;
    this.application = application;
    this.servicePrincipal = servicePrincipal;
  }

  /** For steps that come after the one that makes it. */
  get made(): Application {
    if (!this.application) throw new Error('the step that makes the registration comes first');
    return this.application;
  }

  get principal(): ServicePrincipal {
    if (!this.servicePrincipal) throw new Error('the step that makes the service principal comes first');
    return this.servicePrincipal;
  }

  async make(displayName: string, mark: string): Promise<void> {
    const body = { displayName, signInAudience: 'AzureADMyOrg', tags: [mark] };
    this.application = complete(await this.graph.call<Application>('POST', '/v1.0/applications', body));
  }

  /** Changes properties of the application. Of `api` and `web` only what is named changes. */
  async change(properties: Change): Promise<void> {
    await this.call('PATCH', `/v1.0/applications/${this.made.id}`, properties);
    const { api, web } = this.made;
    Object.assign(this.made, properties, { api: { ...api, ...properties.api }, web: { ...web, ...properties.web } });
  }

  async makePrincipal(properties: Partial<ServicePrincipal>): Promise<void> {
    // The tag puts it on the page Enterprise applications, where people are assigned (servicePrincipal resource type, tags).
    const body = { appId: this.made.appId, tags: ['WindowsAzureActiveDirectoryIntegratedApp'], ...properties };
    this.servicePrincipal = await this.call<ServicePrincipal>('POST', '/v1.0/servicePrincipals', body).catch((error) =>
      this.#principalThatIsThere(error),
    );
  }

  async changePrincipal(properties: Partial<ServicePrincipal>): Promise<void> {
    await this.call('PATCH', `/v1.0/servicePrincipals/${this.principal.id}`, properties);
    Object.assign(this.principal, properties);
  }

  /** An earlier run made it, and it was not known yet where this one looked for it. */
  async #principalThatIsThere(error: unknown): Promise<ServicePrincipal> {
    if (!isThereAlready(error)) throw error;
    return this.call<ServicePrincipal>('GET', `/v1.0/servicePrincipals(appId='${this.made.appId}')`);
  }

  /** A call about this registration, which this run or the one before may have made a moment ago. */
  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.graph.call<T>(method, path, body, { justMade: true });
  }

  /** Makes something that belongs to it, unless it is there. */
  async add(path: string, body: unknown): Promise<void> {
    await this.call('POST', path, body).catch((error: unknown) => {
      if (!isThereAlready(error)) throw error;
    });
  }

  /** The credentials by which others' tokens prove to be the application. */
  federatedCredentials(): Promise<FederatedCredential[]> {
    const { application } = this;
    if (!application) return Promise.resolve([]);
    return this.graph.list(`/v1.0/applications/${application.id}/federatedIdentityCredentials`);
  }

  /** Who holds an app role of it. */
  assignments(): Promise<AppRoleAssignment[]> {
    const { servicePrincipal } = this;
    if (!servicePrincipal) return Promise.resolve([]);
    return this.graph.list(`/v1.0/servicePrincipals/${servicePrincipal.id}/appRoleAssignedTo`);
  }
}

/** What may be changed of an application. */
export interface Change extends Partial<Omit<Application, 'api' | 'web'>> {
  api?: Partial<ApiApplication>;
  web?: Partial<Application['web']>;
}

/** Graph says 409, and of role assignments 400. */
function isThereAlready(error: unknown): boolean {
  return error instanceof GraphError && (error.status === 409 || /already exists on the object/.test(error.message));
}

/** By what a registration of ours is found again. */
export interface Wanted {
  /** A tag of the application that this command sets, or a filter for what it does not make itself. */
  mark: string | { filter: string };
  /** The client id that the caller names; it alone counts then. */
  clientId?: string | undefined;
  /** The client id that the settings name. It may be of a registration that was deleted. */
  lastClientId?: string | undefined;
}

const FIELDS =
  'id,appId,displayName,signInAudience,tags,identifierUris,appRoles,api,web,spa,publicClient,optionalClaims,passwordCredentials,keyCredentials,requiredResourceAccess';

/**
 * Finds a registration by its client id or by our mark, with its service principal.
 * @throws {SetupError} when the client id is nobody's in this tenant, or when several registrations bear the mark
 */
export async function findRegistration(graph: GraphClient, wanted: Wanted): Promise<Registration> {
  const named = await findNamed(graph, wanted);
  const application = named ?? (await byMark(graph, wanted.mark));
  if (!application) return new Registration(graph);
  const principal = await graph.find<ServicePrincipal>(`/v1.0/servicePrincipals(appId='${application.appId}')`);
  const registration = new Registration(graph, application, principal);
  registration.isNamed = named !== undefined;
  return registration;
}

async function findNamed(graph: GraphClient, { clientId, lastClientId }: Wanted): Promise<Application | undefined> {
  if (!clientId) return lastClientId ? byClientId(graph, lastClientId) : undefined;
  const found = await byClientId(graph, clientId);
  if (found) return found;
  throw new SetupError(
    `There is no app registration with the client id ${clientId} in this tenant. Is it another (--tenant)?`,
  );
}

async function byClientId(graph: GraphClient, clientId: string): Promise<Application | undefined> {
  const found = await graph.find<Application>(`/v1.0/applications(appId='${clientId}')?$select=${FIELDS}`);
  return found && complete(found);
}

async function byMark(graph: GraphClient, mark: Wanted['mark']): Promise<Application | undefined> {
  const condition = typeof mark === 'string' ? `tags/any(t:t eq '${mark}')` : mark.filter;
  const filter = encodeURIComponent(condition);
  const found = await graph.list<Application>(`/v1.0/applications?$filter=${filter}&$select=${FIELDS}`);
  if (found.length > 1) {
    const ids = found.map(({ appId }) => appId).join(', ');
    throw new SetupError(`Several app registrations fit (${condition}): ${ids}. Name the right one with --client-id.`);
  }
  return found[0] && complete(found[0]);
}

/** `origin` is told of a role or scope and must not be sent back (appRole resource type). */
function writable<T extends AppRole | PermissionScope>(entitlements: T[] | undefined): T[] {
  return (entitlements ?? []).map((each) => {
    const { origin: _, ...rest } = each as T & { origin?: string };
    return rest as unknown as T;
  });
}

/** What Graph leaves out or gives as null is empty. */
function complete(application: Application): Application {
  const { api, web } = application;
  return {
    ...application,
    tags: application.tags ?? [],
    identifierUris: application.identifierUris ?? [],
    appRoles: writable(application.appRoles),
    web: { ...web, redirectUris: web?.redirectUris ?? [] },
    optionalClaims: application.optionalClaims ?? null,
    passwordCredentials: application.passwordCredentials ?? [],
    keyCredentials: application.keyCredentials ?? [],
    requiredResourceAccess: application.requiredResourceAccess ?? [],
    api: {
      ...api,
      requestedAccessTokenVersion: api?.requestedAccessTokenVersion ?? null,
      oauth2PermissionScopes: writable(api?.oauth2PermissionScopes),
      preAuthorizedApplications: api?.preAuthorizedApplications ?? [],
    },
  };
}

/** @returns the roles or scopes of `here` and those of `wanted` whose value is not there; what was disabled is enabled */
export function withEnabled<T extends AppRole | PermissionScope>(here: T[], wanted: readonly T[]): T[] {
  const values = wanted.map(({ value }) => value);
  const kept = here.map((each) => (values.includes(each.value) ? { ...each, isEnabled: true } : each));
  return [...kept, ...wanted.filter(({ value }) => !here.some((each) => each.value === value))];
}

export function hasEnabled<T extends AppRole | PermissionScope>(here: T[], wanted: readonly T[]): boolean {
  return wanted.every(({ value }) => here.some((each) => each.value === value && each.isEnabled));
}

/** @returns the clients, with one more that asks nobody for consent to the scope */
export function withPreAuthorized(
  api: ApiApplication,
  appId: string,
  scopeId: string,
): Pick<ApiApplication, 'preAuthorizedApplications'> {
  const others = api.preAuthorizedApplications.filter((each) => each.appId !== appId);
  const before = api.preAuthorizedApplications.find((each) => each.appId === appId)?.delegatedPermissionIds ?? [];
  const delegatedPermissionIds = [...new Set([...before, scopeId])];
  return { preAuthorizedApplications: [...others, { appId, delegatedPermissionIds }] };
}

/** @returns the claims with those that are wanted and not there */
export function withClaims(claims: OptionalClaims | null, kind: 'idToken' | 'accessToken', names: string[]) {
  const here = claims?.[kind] ?? [];
  const missing = names.filter((name) => !here.some((each) => each.name === name));
  return { ...claims, [kind]: [...here, ...missing.map((name) => ({ name }))] };
}

export function hasClaims(claims: OptionalClaims | null, kind: 'idToken' | 'accessToken', names: string[]): boolean {
  return names.every((name) => claims?.[kind]?.some((each) => each.name === name));
}

/** The steps that make a registration and its service principal where there are none. */
export function makingSteps(registration: Registration, displayName: string, mark: string): Step[] {
  if (registration.application) return [];
  const text = `Make the app registration "${displayName}", for accounts of this tenant only, with the tag ${mark}`;
  return [{ text, run: () => registration.make(displayName, mark) }];
}

/** Of a registration that somebody else made. */
export function audienceNotes({ application }: Registration): string[] {
  if (!application || application.signInAudience === 'AzureADMyOrg') return [];
  return [`The registration is for accounts of other tenants too (${printable(application.signInAudience)}).`];
}

/** What an application holds that this command does not put there, in words. */
export function foreignParts({ application }: Registration, mark: string): string[] {
  if (!application) return [];
  const { passwordCredentials, keyCredentials, requiredResourceAccess, spa, publicClient } = application;
  const counted: [string, number][] = [
    ['client secrets', passwordCredentials.length],
    ['certificates', keyCredentials.length],
    ['permissions of other APIs', requiredResourceAccess.length],
    ['redirect URIs of other kinds', (spa?.redirectUris.length ?? 0) + (publicClient?.redirectUris.length ?? 0)],
  ];
  const parts = counted.filter(([, count]) => count > 0).map(([what, count]) => `${what} (${count})`);
  return application.tags.includes(mark)
    ? parts
    : ['the registration itself, which this command did not make', ...parts];
}

export function deletion(registration: Registration): Step {
  const { id, displayName, appId } = registration.made;
  const text = `Delete the app registration "${printable(displayName)}" (${appId}). For 30 days it can be restored under Deleted applications`;
  return { text, run: () => registration.graph.remove(`/v1.0/applications/${id}`) };
}
