import { ENTRA_CALLBACK_PATH } from '../../shared/wire/paths.ts';
import { administratorsMark } from './administrator-roles.ts';
import { planAdministrators } from './administrators.ts';
import type { Topic } from './arguments.ts';
import { caller } from './caller.ts';
import type { Context } from './context.ts';
import { SetupError } from './outside.ts';
import type { Plan } from './plan.ts';
import { findRegistration } from './registration.ts';
import { planAdministratorsRemoval } from './remove-administrators.ts';
import { planSignInRemoval } from './remove-sign-in.ts';
import { planSignIn, signInMark } from './sign-in.ts';

/** @returns the plan of what was typed. @throws {SetupError} when something about the deployment is not known */
export function planOf(topic: Topic, context: Context): Promise<Plan> {
  switch (topic) {
    case 'administrators':
      return administrators(context);
    case 'sign-in':
      return signIn(context);
    default:
      throw new SetupError(`${topic} is not known`);
  }
}

async function administrators(context: Context): Promise<Plan> {
  const { graph, args, azd } = context;
  const environment = context.needed('environment', 'AZURE_ENV_NAME');
  const lastClientId = context.optional('client-id', 'LANYARD_ENTRA_CLIENT_ID');
  const { approver: named } = args.options;
  const approver = named ? { id: named.toLowerCase(), name: named } : await caller(graph);
  const registration = await findRegistration(graph, {
    mark: administratorsMark(environment),
    clientId: args.options['client-id'],
    lastClientId,
  });
  const notes = lastClientId && registration.application?.appId !== lastClientId ? [goneNote(lastClientId)] : [];
  const wanted = { environment, approver, azd, notes };
  return args.flags.remove ? planAdministratorsRemoval(registration, wanted) : planAdministrators(registration, wanted);
}

function goneNote(clientId: string): string {
  return `LANYARD_ENTRA_CLIENT_ID is ${clientId}, which is no app registration of this tenant: it was deleted, or the tenant is another one (--tenant).`;
}

async function signIn(context: Context): Promise<Plan> {
  const { graph, args, settings, tenantId } = context;
  const environment = context.needed('environment', 'AZURE_ENV_NAME');
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
  return args.flags.remove ? planSignInRemoval(registration, wanted) : planSignIn(registration, wanted);
}
