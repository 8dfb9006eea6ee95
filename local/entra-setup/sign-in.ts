import { printable } from '../cli/printable.ts';
import { consentSteps, grantsOf } from './consent.ts';
import type { FederatedCredential } from './graph-types.ts';
import { type LanyardSettings, type Settings, settingsByHand, settingsStep } from './lanyard-settings.ts';
import type { Plan, Step } from './plan.ts';
import { audienceNotes, hasClaims, makingSteps, type Registration, withClaims } from './registration.ts';

/** The app registration with which people sign in on the enrollment page (shared/enrollment/sign-in/openid-connect.ts). */
export interface SignInWanted {
  environment: string;
  tenantId: string;
  /** Where Entra sends people back to. */
  redirectUri: string;
  /** Object id of the enroll app's managed identity. */
  principal: string;
  /** Whether only people may sign in who are assigned; false leaves it as it is. */
  assignedOnly: boolean;
  /** What else the caller should know. */
  notes: string[];
  /** Undefined where the admin API cannot be reached with what was given. */
  settings: LanyardSettings | undefined;
}

export const signInMark = (environment: string) => `lanyard-sign-in:${environment}`;

const CREDENTIAL = 'lanyard-enroll-app';
const AUDIENCE = 'api://AzureADTokenExchange';
/** Without them the name of the user has to be guessed from preferred_username, and guests look like members. */
const CLAIMS = ['upn', 'acct'];

/** @returns what is there and what is missing, for a plan that makes it whole */
export async function planSignIn(registration: Registration, wanted: SignInWanted): Promise<Plan> {
  const credentials = await registration.federatedCredentials();
  const grants = await grantsOf(registration);
  const settings = await wanted.settings?.read();
  return {
    title: 'People sign in with their work account on the enrollment page (docs/enrollment.md)',
    found: describeSignIn(registration, credentials, settings),
    notes: [...wanted.notes, ...audienceNotes(registration)],
    steps: [
      ...makingSteps(registration, `Lanyard sign-in (${wanted.environment})`, signInMark(wanted.environment)),
      ...applicationSteps(registration, wanted),
      ...credentialSteps(registration, wanted, credentials),
      ...principalSteps(registration, wanted),
      ...consentSteps(registration, grants),
      ...settingsSteps(registration, wanted, settings),
    ],
    left: () => whatIsLeft(registration, wanted, settings),
  };
}

export function describeSignIn(
  { application, servicePrincipal }: Registration,
  credentials: FederatedCredential[],
  settings: Settings | undefined,
): string[] {
  if (!application) return ['There is no app registration of ours.'];
  const entra = settings?.signIn.entra;
  const inSettings = entra?.clientId === application.appId ? 'they name it' : 'they do not name it';
  return [
    `App registration "${printable(application.displayName)}", client id ${application.appId}`,
    `Redirect URIs: ${application.web.redirectUris.map(printable).join(', ') || 'none'}`,
    `Federated credentials: ${credentials.map(({ name }) => printable(name)).join(', ') || 'none'}`,
    servicePrincipal
      ? `Service principal: assignment ${servicePrincipal.appRoleAssignmentRequired ? '' : 'not '}required`
      : 'There is no service principal.',
    `Settings of Lanyard: ${settings ? inSettings : 'not looked at'}`,
  ];
}

function applicationSteps(registration: Registration, { redirectUri }: SignInWanted): Step[] {
  const { application } = registration;
  const steps: Step[] = [];
  if (!application?.web.redirectUris.includes(redirectUri)) {
    steps.push({
      text: `Add the redirect URI ${redirectUri}`,
      run() {
        const { web } = registration.made;
        return registration.change({ web: { redirectUris: [...web.redirectUris, redirectUri] } });
      },
    });
  }
  if (!hasClaims(application?.optionalClaims ?? null, 'idToken', CLAIMS)) {
    steps.push({
      text: `Add the optional claims ${CLAIMS.join(' and ')} to ID tokens`,
      run: () =>
        registration.change({ optionalClaims: withClaims(registration.made.optionalClaims, 'idToken', CLAIMS) }),
    });
  }
  return steps;
}

type Identity = Pick<SignInWanted, 'tenantId' | 'principal'>;

/** Microsoft Learn, "Configure an application to trust a managed identity": issuer, the identity's object id, one audience. */
export function isOurs(credential: FederatedCredential, wanted: Identity): boolean {
  return isOf(credential, wanted) && credential.audiences.includes(AUDIENCE);
}

/** There is at most one of an issuer and subject. */
function isOf({ issuer, subject }: FederatedCredential, { tenantId, principal }: Identity): boolean {
  return issuer === issuerOf(tenantId) && subject === principal;
}

const issuerOf = (tenantId: string) => `https://login.microsoftonline.com/${tenantId}/v2.0`;

function credentialSteps(registration: Registration, wanted: SignInWanted, credentials: FederatedCredential[]): Step[] {
  if (credentials.some((each) => isOurs(each, wanted))) return [];
  const named = credentials.find((each) => each.name === CREDENTIAL || isOf(each, wanted));
  const trust = { issuer: issuerOf(wanted.tenantId), subject: wanted.principal, audiences: [AUDIENCE] };
  const path = () => `/v1.0/applications/${registration.made.id}/federatedIdentityCredentials`;
  if (named) {
    const text = `Point the federated credential ${printable(named.name)} to the managed identity ${wanted.principal}`;
    return [{ text, run: () => registration.call('PATCH', `${path()}/${named.id}`, trust) }];
  }
  const text = `Trust the managed identity of the enroll app (${wanted.principal}), as federated credential ${CREDENTIAL}`;
  return [{ text, run: () => registration.call('POST', path(), { name: CREDENTIAL, ...trust }) }];
}

function principalSteps(registration: Registration, { assignedOnly }: SignInWanted): Step[] {
  const required = { appRoleAssignmentRequired: true };
  if (!registration.servicePrincipal) {
    const who = assignedOnly ? 'only people who are assigned' : 'everybody of the tenant';
    const text = `Make its service principal (enterprise application), for ${who}`;
    return [{ text, run: () => registration.makePrincipal(assignedOnly ? required : {}) }];
  }
  if (!assignedOnly || registration.servicePrincipal.appRoleAssignmentRequired) return [];
  return [{ text: 'Set assignment required', run: () => registration.changePrincipal(required) }];
}

function settingsSteps(registration: Registration, wanted: SignInWanted, settings: Settings | undefined): Step[] {
  if (!wanted.settings || !settings) return [];
  const { tenantId, clientId } = settings.signIn.entra;
  if (tenantId === wanted.tenantId && clientId !== '' && clientId === registration.application?.appId) return [];
  const before = clientId === '' ? '' : `, in place of the client ${printable(clientId)}`;
  const text = `Write tenant and client id into signIn.entra of Lanyard's settings${before}`;
  return [settingsStep(wanted.settings, text, (now) => signInFragment(registration, wanted, now))];
}

function signInFragment({ made }: Registration, { tenantId }: SignInWanted, now?: Settings): Pick<Settings, 'signIn'> {
  return { signIn: { ...now?.signIn, entra: { tenantId, clientId: made.appId } } };
}

function whatIsLeft(registration: Registration, wanted: SignInWanted, settings: Settings | undefined): string[] {
  if (!registration.application) return [];
  const people = registration.servicePrincipal?.appRoleAssignmentRequired
    ? ['Assign the people who may sign in: Enterprise applications, this application, Users and groups.']
    : [];
  if (!settings) {
    const hint = 'See that "ways" in the settings has "Federated": without it there is no sign-in page.';
    return [...settingsByHand(signInFragment(registration, wanted)), hint, ...people];
  }
  if (settings.ways.includes('Federated')) return people;
  return [
    'Add "Federated" to "ways" in the settings: without it there is no sign-in page (docs/enrollment.md).',
    ...people,
  ];
}
