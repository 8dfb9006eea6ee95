import { printable } from '../cli/printable.ts';
import { grantsOf, ourConsent } from './consent.ts';
import type { AppRoleAssignment, FederatedCredential, PermissionGrant } from './graph-types.ts';
import { type Settings, settingsStep } from './lanyard-settings.ts';
import type { Plan, Step } from './plan.ts';
import { deletion, foreignParts, type Registration } from './registration.ts';
import { describeSignIn, isOurs, type SignInWanted, signInMark } from './sign-in.ts';

/** @returns a plan that takes away what this command made; what others added stays, and with it the registration */
export async function planSignInRemoval(registration: Registration, wanted: SignInWanted): Promise<Plan> {
  const credentials = await registration.federatedCredentials();
  const assignments = await registration.assignments();
  const settings = await wanted.settings?.read();
  const foreign = [
    ...foreignParts(registration, signInMark(wanted.environment)),
    ...foreignDetails(registration, wanted, credentials, assignments),
  ];
  const stays = `The registration stays, since it holds what this command did not put there: ${foreign.join(', ')}.`;
  const steps = () =>
    foreign.length > 0 ? strippingSteps(registration, wanted, credentials) : [deletion(registration)];
  return {
    title: 'Take away the sign-in with work accounts',
    found: describeSignIn(registration, credentials, settings),
    notes: foreign.length > 0 ? [stays] : [],
    steps: [...settingsSteps(registration, wanted, settings), ...(registration.application ? await steps() : [])],
    left: () =>
      registration.application && !settings
        ? ['Take signIn.entra out of the settings of Lanyard: the page offers Microsoft until then (docs/api.md).']
        : [],
  };
}

function settingsSteps({ application }: Registration, wanted: SignInWanted, settings: Settings | undefined): Step[] {
  if (!wanted.settings || !application || settings?.signIn.entra.clientId !== application.appId) return [];
  const entra = { tenantId: '', clientId: '' };
  const text = "Empty signIn.entra in Lanyard's settings";
  return [settingsStep(wanted.settings, text, (now) => ({ signIn: { ...now.signIn, entra } }))];
}

function foreignDetails(
  { application }: Registration,
  wanted: SignInWanted,
  credentials: FederatedCredential[],
  assignments: AppRoleAssignment[],
): string[] {
  if (!application) return [];
  const { web, appRoles, api, identifierUris } = application;
  const lists: [string, string[]][] = [
    ['the redirect URI', web.redirectUris.filter((uri) => uri !== wanted.redirectUri)],
    ['the federated credential', credentials.filter((each) => !isOurs(each, wanted)).map(({ name }) => name)],
    ['the role', appRoles.map(({ value, id }) => value ?? id)],
    ['the scope', api.oauth2PermissionScopes.map(({ value, id }) => value ?? id)],
    ['the address', identifierUris],
    ['the assignment of', assignments.map((each) => each.principalDisplayName ?? each.principalId)],
  ];
  return lists.flatMap(([what, names]) => names.map((name) => `${what} ${printable(name)}`));
}

async function strippingSteps(
  registration: Registration,
  wanted: SignInWanted,
  credentials: FederatedCredential[],
): Promise<Step[]> {
  const { id, web } = registration.made;
  const steps: Step[] = credentials
    .filter((each) => isOurs(each, wanted))
    .map((credential) => ({
      text: `Trust the managed identity of the enroll app no longer (federated credential ${printable(credential.name)})`,
      run: () => registration.graph.remove(`/v1.0/applications/${id}/federatedIdentityCredentials/${credential.id}`),
    }));
  if (web.redirectUris.includes(wanted.redirectUri)) {
    const redirectUris = web.redirectUris.filter((uri) => uri !== wanted.redirectUri);
    const text = `Remove the redirect URI ${wanted.redirectUri}`;
    steps.push({ text, run: () => registration.change({ web: { redirectUris } }) });
  }
  const consent = ourConsent(await grantsOf(registration));
  return consent ? [...steps, withdrawal(registration, consent)] : steps;
}

function withdrawal({ graph }: Registration, { id }: PermissionGrant): Step {
  const text = 'Withdraw the consent for everybody to openid and profile';
  return { text, run: () => graph.remove(`/v1.0/oauth2PermissionGrants/${id}`) };
}
