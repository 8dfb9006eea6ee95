import { ENTRA_CALLBACK_PATH, ENTRA_DISCOVERY_PATH, TERMS_OF_USE_PATH } from '../../shared/wire/paths.ts';
import { AZURE_CLI, administratorsMark } from './administrator-roles.ts';
import { planAdministrators } from './administrators.ts';
import type { Topic } from './arguments.ts';
import { tenantOfSubscription } from './azure-cli.ts';
import { caller } from './caller.ts';
import type { Context } from './context.ts';
import { planDirectoryRights } from './directory-rights.ts';
import { planEnrollment } from './enrollment.ts';
import { foreignAccess, foreignNotes, type OwnAccess, refuseUnlessNamed } from './foreign-access.ts';
import { SetupError } from './outside.ts';
import type { Plan } from './plan.ts';
import { findRegistration, type Registration } from './registration.ts';
import { planAdministratorsRemoval } from './remove-administrators.ts';
import { planEnrollmentRemoval } from './remove-enrollment.ts';
import { planSignInRemoval } from './remove-sign-in.ts';
import { isOurs, planSignIn, signInMark } from './sign-in.ts';

/** The name of the deployment: as azd has it, and as it is among the outputs. */
const ENVIRONMENT = ['AZURE_ENV_NAME', 'LANYARD_ENVIRONMENT'] as const;

/** @returns the plan of what was typed. @throws {SetupError} when something about the deployment is not known */
export function planOf(topic: Exclude<Topic, 'show'>, context: Context): Promise<Plan> {
  switch (topic) {
    case 'administrators':
      return administrators(context);
    case 'sign-in':
      return signIn(context);
    case 'enrollment':
      return enrollment(context);
    case 'directory-rights':
      return directoryRights(context);
  }
}

async function administrators(context: Context): Promise<Plan> {
  const { graph, args, azd, tenantId } = context;
  const environment = context.needed('environment', ...ENVIRONMENT);
  const lastClientId = context.optional('client-id', 'LANYARD_ENTRA_CLIENT_ID', 'LANYARD_DEPLOYED_ENTRA_CLIENT_ID');
  const placeNotes = args.flags.remove ? [] : await notesOfTenant(context);
  const { approver: named } = args.options;
  const me = await caller(graph);
  const approver = named ? { id: named.toLowerCase(), name: named } : me;
  const registration = await findRegistration(graph, {
    mark: administratorsMark(environment),
    clientId: args.options['client-id'],
    lastClientId,
  });
  const gone = lastClientId && registration.application?.appId !== lastClientId ? [goneNote(lastClientId)] : [];
  const wanted = { environment, tenantId, platform: context.outside.platform, approver, azd, notes: gone };
  if (args.flags.remove) return planAdministratorsRemoval(registration, wanted);
  const holders = [me?.id, approver?.id].filter((id) => id !== undefined);
  const own = { callerId: me?.id, clients: [AZURE_CLI], redirectUris: [], isOurs: () => false, holders };
  const notes = [...gone, ...placeNotes, ...(await notesOfForeign(registration, own))];
  return planAdministrators(registration, { ...wanted, notes });
}

/**
 * App Service lets in people of the subscription's tenant alone (infra/modules/sign-in.bicep), and the managed identity of the
 * enroll app is of it. With a registration of another one, administrators would be locked out.
 *
 * @throws {SetupError} for another tenant than that
 */
async function notesOfTenant({ outside, subscription, tenantId }: Context): Promise<string[]> {
  const home = await tenantOfSubscription(outside, subscription);
  if (home === tenantId) return [];
  if (home === undefined) {
    return [
      `Your account does not see the subscription. See that it belongs to ${tenantId}: nobody of another tenant gets in.`,
    ];
  }
  throw new SetupError(
    `The subscription belongs to the tenant ${home}, and this is ${tenantId}. Nobody of another tenant than the subscription's ` +
      `gets in. Say --tenant ${home}, and before it az login --tenant ${home} if you have to. If another subscription is meant: --subscription.`,
  );
}

/** @throws {SetupError} where only our mark speaks for a registration that others have a hold on */
async function notesOfForeign(registration: Registration, own: OwnAccess): Promise<string[]> {
  const foreign = await foreignAccess(registration, own);
  refuseUnlessNamed(registration, foreign);
  return foreignNotes(foreign);
}

function goneNote(clientId: string): string {
  return `LANYARD_ENTRA_CLIENT_ID is ${clientId}, which is no app registration of this tenant: it was deleted, or the tenant is another one (--tenant).`;
}

async function signIn(context: Context): Promise<Plan> {
  const { graph, args, settings, tenantId } = context;
  const environment = context.needed('environment', ...ENVIRONMENT);
  const placeNotes = args.flags.remove ? [] : await notesOfTenant(context);
  const wanted = {
    environment,
    tenantId,
    settings,
    redirectUri: `${context.needed('enroll-url', 'LANYARD_ENROLL_URL')}${ENTRA_CALLBACK_PATH}`,
    principal: context.needed('enroll-principal', 'LANYARD_ENROLL_PRINCIPAL').toLowerCase(),
    assignedOnly: args.flags.assignedOnly,
  };
  const lastClientId = (await settings?.read())?.signIn.entra.clientId;
  const mark = signInMark(environment);
  const registration = await findRegistration(graph, { mark, clientId: args.options['client-id'], lastClientId });
  if (args.flags.remove) return planSignInRemoval(registration, { ...wanted, notes: [] });
  const notes = await notesOfForeign(registration, {
    callerId: (await caller(graph))?.id,
    clients: [],
    redirectUris: [wanted.redirectUri],
    isOurs: (credential) => isOurs(credential, wanted),
    holders: undefined,
  });
  return planSignIn(registration, { ...wanted, notes: [...placeNotes, ...notes] });
}

async function enrollment(context: Context): Promise<Plan> {
  const { graph, args, settings, tenantId, policyGraph } = context;
  const enrollUrl = context.needed('enroll-url', 'LANYARD_ENROLL_URL');
  const wanted = {
    tenantId,
    enrollUrl,
    discoveryUrl: `${enrollUrl}${ENTRA_DISCOVERY_PATH}`,
    termsOfUseUrl: `${enrollUrl}${TERMS_OF_USE_PATH}`,
    scope: args.options.scope as 'all' | 'none' | undefined,
    groups: args.groups.map((id) => id.toLowerCase()),
    settings,
    graph,
    policyGraph,
  };
  const mark = { filter: `identifierUris/any(u:u eq '${enrollUrl}')` };
  const lastClientId = (await settings?.read())?.entra.audiences.find((audience) => GUID.test(audience));
  const registration = await findRegistration(graph, { mark, clientId: args.options['client-id'], lastClientId });
  if (args.flags.remove) return planEnrollmentRemoval(registration, { ...wanted, notes: [] });
  const callerId = (await caller(graph))?.id;
  const own = { callerId, clients: [], redirectUris: [], isOurs: () => false, holders: undefined };
  return planEnrollment(registration, { ...wanted, notes: await notesOfForeign(registration, own) });
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function directoryRights({ args, graph, needed }: Context): Promise<Plan> {
  const principal = needed('admin-principal', 'LANYARD_ADMIN_PRINCIPAL').toLowerCase();
  const { remove, readOnly } = args.flags;
  return planDirectoryRights(graph, { principal, amount: remove ? 'none' : readOnly ? 'read' : 'all' });
}
