import { randomUUID } from 'node:crypto';
import type {
  Application,
  AppRoleAssignment,
  FederatedCredential,
  PermissionGrant,
  ServicePrincipal,
} from '../../local/entra-setup/graph-types.ts';
import { checkChange } from './application-rules.ts';
import { badRequest, DirectoryError, denied, notFound } from './directory-error.ts';

/** A tenant of Microsoft Entra in memory, as Microsoft Graph shows it to the Azure CLI. */
export const TENANT_ID = '6d8769e6-0f8b-418d-b385-1a53968781c9';
export const MICROSOFT_GRAPH = '00000003-0000-0000-c000-000000000000';

export interface MobilityPolicy {
  id: string;
  displayName: string;
  appliesTo: 'none' | 'all' | 'selected';
  discoveryUrl: string | null;
  termsOfUseUrl: string | null;
  complianceUrl: string | null;
  isValid: boolean;
  includedGroups: { id: string; displayName: string }[];
}

export interface Principal {
  id: string;
  displayName: string;
}

type StoredApplication = Application & { federated: FederatedCredential[] };

/** What others saw in the token of the Azure CLI. Rights over policies and devices are not among it. */
export const CLI_SCOPES = [
  'Application.ReadWrite.All',
  'AppRoleAssignment.ReadWrite.All',
  'DelegatedPermissionGrant.ReadWrite.All',
  'Directory.AccessAsUser.All',
];
const SHOWN_AT_ONCE = 2;

export class Directory {
  applications: StoredApplication[] = [];
  servicePrincipals: ServicePrincipal[] = [];
  /** Object ids of owners, by the object id of the application or service principal. */
  owners = new Map<string, string[]>();
  assignments: AppRoleAssignment[] = [];
  grants: PermissionGrant[] = [];
  policies: MobilityPolicy[] = [];
  verifiedDomains = ['contoso.example'];
  /** Who may be assigned a role, besides service principals. */
  people: Principal[] = [];
  /** Undefined: the token is an application's. */
  me: (Principal & { userPrincipalName: string }) | undefined;
  /** Tokens that are good, with their scopes. */
  tokens = new Map<string, string[]>();
  /** Whether the person holds the roles that changes ask for. */
  mayWrite = true;
  /** So many times something new is not known yet where a call about it arrives. */
  unknownFor = 0;
  /** So many calls are told to come later, with this header. */
  busy: { calls: number; retryAfter: string | undefined } = { calls: 0, retryAfter: undefined };
  /** Every call: method and path without query. */
  calls: string[] = [];
  #unknown = new Map<string, number>();

  constructor() {
    this.tokens.set('cli-token', CLI_SCOPES);
    this.me = this.person('Kim', 'kim@contoso.example');
  }

  person(displayName: string, userPrincipalName: string) {
    const person = { id: randomUUID(), displayName, userPrincipalName };
    this.people.push(person);
    return person;
  }

  /** Changes that were made, in the order in which they came. */
  get writes(): string[] {
    return this.calls.filter((call) => !call.startsWith('GET'));
  }

  /** @param path with query. @returns status and JSON. @throws {DirectoryError} */
  answer(method: string, path: string, token: string | undefined, body: unknown): { status: number; json?: unknown } {
    const url = new URL(path, 'https://graph.example');
    this.calls.push(`${method} ${decodeURIComponent(url.pathname)}`);
    const scopes = this.tokens.get(token ?? '');
    if (!scopes) throw new DirectoryError(401, 'InvalidAuthenticationToken', 'Access token is empty or has expired.');
    if (this.busy.calls > 0) {
      this.busy.calls -= 1;
      throw new DirectoryError(429, 'TooManyRequests', 'Too many requests.');
    }
    const route = ROUTES.find(([verb, form]) => verb === method && form.test(decodeURIComponent(url.pathname)));
    if (!route) throw badRequest(`Resource not found for the segment '${url.pathname}'.`, 'BadRequest');
    const [, form, handle, isWrite] = route;
    if (isWrite && !this.mayWrite) throw denied();
    const parts = form.exec(decodeURIComponent(url.pathname))!.slice(1);
    return handle({ directory: this, parts, query: url.searchParams, body: (body ?? {}) as Body, scopes });
  }

  addApplication(properties: Partial<Application>): StoredApplication {
    const application: StoredApplication = {
      id: randomUUID(),
      appId: randomUUID(),
      displayName: '',
      signInAudience: 'AzureADandPersonalMicrosoftAccount',
      tags: [],
      identifierUris: [],
      appRoles: [],
      api: { requestedAccessTokenVersion: null, oauth2PermissionScopes: [], preAuthorizedApplications: [] },
      web: { redirectUris: [] },
      optionalClaims: null,
      passwordCredentials: [],
      keyCredentials: [],
      requiredResourceAccess: [],
      federated: [],
      ...properties,
    };
    this.applications.push(application);
    return application;
  }

  addPrincipal(properties: Partial<ServicePrincipal>): ServicePrincipal {
    const { appId = randomUUID() } = properties;
    const displayName = this.applications.find((each) => each.appId === appId)?.displayName ?? '';
    const defaults = { id: randomUUID(), appId, displayName, appRoleAssignmentRequired: false, appRoles: [] };
    const principal = { ...defaults, ...properties };
    this.servicePrincipals.push(principal);
    return principal;
  }

  /** Somebody owns an application or a service principal from now on. */
  own(objectId: string, ownerId: string): void {
    this.owners.set(objectId, [...(this.owners.get(objectId) ?? []), ownerId]);
  }

  /** From now on it is new, and not known at once. */
  isNew(id: string): void {
    this.#unknown.set(id, this.unknownFor);
  }

  /** Whether a call about this object arrives where it is not known yet. */
  isUnknown(id: string): boolean {
    const left = this.#unknown.get(id) ?? 0;
    if (left > 0) this.#unknown.set(id, left - 1);
    return left > 0;
  }

  application(key: string): StoredApplication {
    const found = this.applications.find(({ id, appId }) => key === id || key === `(appId='${appId}')`);
    if (!found || this.isUnknown(found.id)) throw notFound(key);
    return found;
  }

  principal(key: string): ServicePrincipal {
    const found = this.servicePrincipals.find(({ id, appId }) => key === id || key === `(appId='${appId}')`);
    if (!found || this.isUnknown(found.id)) throw notFound(key);
    return this.shown(found);
  }

  /** A service principal has the roles of its application. */
  shown(principal: ServicePrincipal): ServicePrincipal {
    const { appRoles } = this.applications.find(({ appId }) => appId === principal.appId) ?? principal;
    return Object.assign(principal, { appRoles });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: bodies are whatever a client sends.
type Body = Record<string, any>;

interface Call {
  directory: Directory;
  parts: string[];
  query: URLSearchParams;
  body: Body;
  scopes: string[];
}
type Handler = (call: Call) => { status: number; json?: unknown };

const KEY = "(?:/([0-9a-f-]{36})|(\\(appId='[0-9a-f-]{36}'\\)))";
const route = (path: string) => new RegExp(`^/v1\\.0${path.replaceAll('{key}', KEY)}$`);
const beta = (path: string) => new RegExp(`^/beta${path}$`);
const keyOf = ([id, alternate]: string[]) => id ?? alternate ?? '';

/** Method, path, what it does, and whether it takes a role of Entra. */
const ROUTES: [string, RegExp, Handler, boolean][] = [
  ['GET', route('/me'), me, false],
  ['GET', route('/applications'), listApplications, false],
  ['POST', route('/applications'), createApplication, true],
  [
    'GET',
    route('/applications{key}'),
    ({ directory, parts }) => ok(shownApplication(directory.application(keyOf(parts)))),
    false,
  ],
  [
    'GET',
    route('/applications{key}/owners'),
    ({ directory, parts, query }) =>
      ownersOf(directory, directory.application(keyOf(parts)).id, query, `/v1.0/applications/${parts[0]}/owners`),
    false,
  ],
  ['PATCH', route('/applications{key}'), changeApplication, true],
  ['DELETE', route('/applications{key}'), deleteApplication, true],
  [
    'GET',
    route('/applications{key}/federatedIdentityCredentials'),
    ({ directory, parts, query }) =>
      page(
        directory.application(keyOf(parts)).federated,
        query,
        `/v1.0/applications/${parts[0]}/federatedIdentityCredentials`,
      ),
    false,
  ],
  ['POST', route('/applications{key}/federatedIdentityCredentials'), addFederated, true],
  ['PATCH', route('/applications{key}/federatedIdentityCredentials/([0-9a-f-]{36})'), changeFederated, true],
  ['DELETE', route('/applications{key}/federatedIdentityCredentials/([0-9a-f-]{36})'), deleteFederated, true],
  ['POST', route('/servicePrincipals'), createPrincipal, true],
  ['GET', route('/servicePrincipals{key}'), ({ directory, parts }) => ok(directory.principal(keyOf(parts))), false],
  [
    'GET',
    route('/servicePrincipals{key}/owners'),
    ({ directory, parts, query }) =>
      ownersOf(directory, directory.principal(keyOf(parts)).id, query, `/v1.0/servicePrincipals/${parts[0]}/owners`),
    false,
  ],
  ['PATCH', route('/servicePrincipals{key}'), changePrincipal, true],
  ['GET', route('/servicePrincipals{key}/appRoleAssignedTo'), listAssigned, false],
  ['GET', route('/servicePrincipals{key}/appRoleAssignments'), listHeld, false],
  ['POST', route('/servicePrincipals{key}/appRoleAssignedTo'), assign, true],
  ['DELETE', route('/servicePrincipals{key}/appRoleAssignedTo/(.+)'), unassign, true],
  ['GET', route('/oauth2PermissionGrants'), listGrants, false],
  ['POST', route('/oauth2PermissionGrants'), createGrant, true],
  ['PATCH', route('/oauth2PermissionGrants/(.+)'), changeGrant, true],
  ['DELETE', route('/oauth2PermissionGrants/(.+)'), deleteGrant, true],
  ['GET', beta('/policies/mobileDeviceManagementPolicies'), listPolicies, false],
  ['PATCH', beta('/policies/mobileDeviceManagementPolicies/([0-9a-f-]{36})'), changePolicy, true],
  ['POST', beta('/policies/mobileDeviceManagementPolicies/([0-9a-f-]{36})/includedGroups/\\$ref'), addGroup, true],
  [
    'DELETE',
    beta('/policies/mobileDeviceManagementPolicies/([0-9a-f-]{36})/includedGroups/([0-9a-f-]{36})/\\$ref'),
    removeGroup,
    true,
  ],
];

const ok = (json: unknown) => ({ status: 200, json });
const NO_CONTENT = { status: 204 };

/** Pages of two, so that whoever forgets the second one is found out. */
function page<T>(all: T[], query: URLSearchParams, path: string) {
  const from = Number(query.get('$skiptoken') ?? '0');
  const rest = new URLSearchParams(query);
  rest.set('$skiptoken', String(from + SHOWN_AT_ONCE));
  const more = from + SHOWN_AT_ONCE < all.length ? { '@odata.nextLink': `ADDRESS${path}?${rest}` } : {};
  return ok({ value: all.slice(from, from + SHOWN_AT_ONCE), ...more });
}

/** Users with their names; of what the token may not read there is the id alone (application: list owners). */
function ownersOf(directory: Directory, objectId: string, query: URLSearchParams, path: string) {
  const known = (id: string) => [...directory.people, ...directory.servicePrincipals].find((each) => each.id === id);
  const owners = (directory.owners.get(objectId) ?? []).map((id) => known(id) ?? { id, displayName: null });
  return page(owners, query, path);
}

function me({ directory }: Call) {
  if (!directory.me) throw badRequest('/me request is only valid with delegated authentication flow.', 'BadRequest');
  return ok(directory.me);
}

function shownApplication({ federated: _, ...application }: StoredApplication): Application {
  const { api, web } = application;
  return {
    ...application,
    appRoles: application.appRoles.map((role) => ({ ...role, origin: 'Application' })),
    api: {
      ...api,
      oauth2PermissionScopes: api.oauth2PermissionScopes.map((scope) => ({ ...scope, origin: 'Application' })),
    },
    web: Object.assign({ redirectUriSettings: web.redirectUris.map((uri) => ({ uri, index: null })) }, web),
  };
}

function listApplications({ directory, query }: Call) {
  const filter = query.get('$filter') ?? '';
  const [, property, value = ''] = /^(tags|identifierUris)\/any\((?:t:t|u:u) eq '([^']*)'\)$/.exec(filter) ?? [];
  if (!property) throw badRequest('Unsupported or invalid query filter clause.', 'Request_UnsupportedQuery');
  const holds = (each: Application) => (property === 'tags' ? each.tags : each.identifierUris).includes(value);
  const found = directory.applications.filter((each) => holds(each) && !directory.isUnknown(each.id));
  return page(found.map(shownApplication), query, '/v1.0/applications');
}

function createApplication({ directory, body }: Call) {
  if (!body['displayName']) throw badRequest("Property 'displayName' is required.");
  const made = directory.addApplication({});
  try {
    checkChange(made, body, { others: [], verifiedDomains: directory.verifiedDomains });
  } catch (error) {
    directory.applications = directory.applications.filter((each) => each !== made);
    throw error;
  }
  Object.assign(made, body);
  if (directory.me) directory.own(made.id, directory.me.id);
  directory.isNew(made.id);
  return { status: 201, json: shownApplication(made) };
}

function changeApplication({ directory, parts, body }: Call) {
  const before = directory.application(keyOf(parts));
  const others = directory.applications.filter((each) => each !== before);
  checkChange(before, body, { others, verifiedDomains: directory.verifiedDomains });
  const { api, web } = body;
  Object.assign(before, body, { api: { ...before.api, ...api }, web: { ...before.web, ...web } });
  return NO_CONTENT;
}

/** Its service principal, and what is assigned and granted there, go with it. */
function deleteApplication({ directory, parts }: Call) {
  const application = directory.application(keyOf(parts));
  const principals = directory.servicePrincipals.filter(({ appId }) => appId === application.appId).map(({ id }) => id);
  directory.applications = directory.applications.filter((each) => each !== application);
  directory.servicePrincipals = directory.servicePrincipals.filter(({ id }) => !principals.includes(id));
  directory.assignments = directory.assignments.filter(({ resourceId }) => !principals.includes(resourceId));
  directory.grants = directory.grants.filter(({ clientId }) => !principals.includes(clientId));
  return NO_CONTENT;
}

function addFederated({ directory, parts, body }: Call) {
  const { federated } = directory.application(keyOf(parts));
  checkFederated(federated, body);
  const made = { id: randomUUID(), ...(body as Omit<FederatedCredential, 'id'>) };
  federated.push(made);
  return { status: 201, json: made };
}

/** Limits of federatedIdentityCredential: 20 an application, one audience, issuer with subject unique, so is the name. */
function checkFederated(others: FederatedCredential[], { name, issuer, subject, audiences }: Body): void {
  const isWhole = [name, issuer, subject].every((text) => typeof text === 'string' && text !== '');
  if (!isWhole || !Array.isArray(audiences) || audiences.length !== 1)
    throw badRequest('Required property is missing.');
  if (!/^[A-Za-z0-9_-]{1,120}$/.test(name)) throw badRequest('name must be URL friendly.');
  if (others.length >= 20) throw badRequest('The maximum number of credentials is reached.');
  const isTaken = others.some((each) => each.name === name || (each.issuer === issuer && each.subject === subject));
  if (!isTaken) return;
  const message = 'FederatedIdentityCredential with this name, or with this issuer and subject, already exists.';
  throw new DirectoryError(409, 'Request_MultipleObjectsWithSameKeyValue', message);
}

function changeFederated({ directory, parts, body }: Call) {
  const { federated } = directory.application(keyOf(parts));
  const found = federated.find(({ id }) => id === parts[2]);
  if (!found) throw notFound(parts[2]!);
  if ('name' in body) throw badRequest('name is immutable.');
  const others = federated.filter((each) => each !== found);
  checkFederated(others, { ...found, ...body });
  Object.assign(found, body);
  return NO_CONTENT;
}

function deleteFederated({ directory, parts }: Call) {
  const application = directory.application(keyOf(parts));
  if (!application.federated.some(({ id }) => id === parts[2])) throw notFound(parts[2]!);
  application.federated = application.federated.filter(({ id }) => id !== parts[2]);
  return NO_CONTENT;
}

function createPrincipal({ directory, body }: Call) {
  const { appId } = body;
  const application = directory.applications.find((each) => each.appId === appId);
  if (!application || directory.isUnknown(application.id)) {
    const message = `The appId '${appId}' of the service principal does not reference a valid application object.`;
    throw new DirectoryError(400, 'Request_BadRequest', message, [
      { code: 'NoBackingApplicationObject', target: 'appId' },
    ]);
  }
  if (directory.servicePrincipals.some((each) => each.appId === appId)) {
    const message = `The service principal cannot be created because the service principal name ${appId} is already in use.`;
    throw new DirectoryError(409, 'Request_MultipleObjectsWithSameKeyValue', message);
  }
  const made = directory.addPrincipal(body);
  if (directory.me) directory.own(made.id, directory.me.id);
  directory.isNew(made.id);
  return { status: 201, json: directory.shown(made) };
}

function changePrincipal({ directory, parts, body }: Call) {
  Object.assign(directory.principal(keyOf(parts)), body);
  return NO_CONTENT;
}

function listAssigned({ directory, parts, query }: Call) {
  const { id } = directory.principal(keyOf(parts));
  const all = directory.assignments.filter(({ resourceId }) => resourceId === id);
  return page(all, query, `/v1.0/servicePrincipals/${id}/appRoleAssignedTo`);
}

function listHeld({ directory, parts, query }: Call) {
  const { id } = directory.principal(keyOf(parts));
  const all = directory.assignments.filter(({ principalId }) => principalId === id);
  return page(all, query, `/v1.0/servicePrincipals/${id}/appRoleAssignments`);
}

function assign({ directory, parts, body }: Call) {
  const { principalId, resourceId, appRoleId } = body;
  const resource = directory.principal(keyOf(parts));
  const who = [...directory.people, ...directory.servicePrincipals].find(({ id }) => id === principalId);
  const role = resource.appRoles.find(({ id, isEnabled }) => id === appRoleId && isEnabled);
  if (!who || directory.isUnknown(principalId) || resourceId !== resource.id)
    throw badRequest('Not a valid reference update.');
  if (!role) throw badRequest('Permission being assigned was not found on application');
  const isThere = directory.assignments.some(
    (each) => each.principalId === principalId && each.resourceId === resourceId && each.appRoleId === appRoleId,
  );
  if (isThere) throw badRequest('Permission being assigned already exists on the object');
  const id = randomUUID().replaceAll('-', '');
  const made = { id, principalId, resourceId, appRoleId, principalDisplayName: who.displayName };
  directory.assignments.push(made);
  return { status: 201, json: made };
}

function unassign({ directory, parts }: Call) {
  const found = directory.assignments.find(({ id }) => id === parts[2]);
  if (!found) throw badRequest('EntitlementGrant being updated or deleted is not found.');
  directory.assignments = directory.assignments.filter((each) => each !== found);
  return NO_CONTENT;
}

function listGrants({ directory, query }: Call) {
  const client = /^clientId eq '([^']*)'$/.exec(query.get('$filter') ?? '')?.[1];
  if (client === undefined) throw badRequest('Unsupported or invalid query filter clause.', 'Request_UnsupportedQuery');
  return page(
    directory.grants.filter(({ clientId }) => clientId === client),
    query,
    '/v1.0/oauth2PermissionGrants',
  );
}

function createGrant({ directory, body }: Call) {
  const grant = body as PermissionGrant;
  if (directory.isUnknown(grant.clientId)) throw notFound(grant.clientId);
  const isThere = directory.grants.some(
    (each) =>
      each.clientId === grant.clientId &&
      each.resourceId === grant.resourceId &&
      each.consentType === grant.consentType,
  );
  if (isThere)
    throw new DirectoryError(409, 'Request_MultipleObjectsWithSameKeyValue', 'Permission entry already exists.');
  const made = { ...grant, id: randomUUID().replaceAll('-', '') };
  directory.grants.push(made);
  return { status: 201, json: made };
}

function changeGrant({ directory, parts, body }: Call) {
  const found = directory.grants.find(({ id }) => id === parts[0]);
  if (!found) throw notFound(parts[0]!);
  if (Object.keys(body).join() !== 'scope') throw badRequest('Only scope can be updated.');
  Object.assign(found, body);
  return NO_CONTENT;
}

function deleteGrant({ directory, parts }: Call) {
  directory.grants = directory.grants.filter(({ id }) => id !== parts[0]);
  return NO_CONTENT;
}

function allowed(scopes: string[], ...any: string[]): void {
  if (any.some((scope) => scopes.includes(scope))) return;
  throw new DirectoryError(
    403,
    'AccessDenied',
    'You cannot perform the requested operation, required scopes are missing in the token.',
  );
}

function listPolicies({ directory, query, scopes }: Call) {
  allowed(scopes, 'Policy.Read.All', 'Policy.ReadWrite.MobilityManagement');
  return page(directory.policies, query, '/beta/policies/mobileDeviceManagementPolicies');
}

function policyOf({ directory, parts, scopes }: Call): MobilityPolicy {
  allowed(scopes, 'Policy.ReadWrite.MobilityManagement');
  const found = directory.policies.find(({ id }) => id === parts[0]);
  if (!found) throw notFound(parts[0]!);
  return found;
}

/** mobilityManagementPolicy: update. The scope of users goes alone, and `selected` is not said but comes with a group. */
function changePolicy(call: Call) {
  const policy = policyOf(call);
  const names = Object.keys(call.body);
  const isScope = names.join() === 'appliesTo' && ['none', 'all'].includes(call.body['appliesTo']);
  const isUrls = names.every((name) => ['complianceUrl', 'discoveryUrl', 'termsOfUseUrl'].includes(name));
  if (!isScope && !isUrls) throw badRequest('appliesTo cannot be updated with other properties.');
  Object.assign(policy, call.body, isScope ? { includedGroups: [] } : {});
  return NO_CONTENT;
}

function addGroup(call: Call) {
  const policy = policyOf(call);
  const id = /\/groups\/([0-9a-f-]{36})$/.exec(call.body['@odata.id'])?.[1];
  if (!id) throw badRequest('Invalid @odata.id.');
  policy.includedGroups.push({ id, displayName: id });
  policy.appliesTo = 'selected';
  return NO_CONTENT;
}

function removeGroup(call: Call) {
  const policy = policyOf(call);
  policy.includedGroups = policy.includedGroups.filter(({ id }) => id !== call.parts[1]);
  return NO_CONTENT;
}
