import { printable } from '../cli/printable.ts';
import { type GraphClient, GraphError } from './graph-client.ts';
import { type LanyardSettings, type Settings, settingsByHand, settingsStep } from './lanyard-settings.ts';
import { addGroup, type MobilityPolicy, policyOf, readPolicies, setScope, setUrls } from './mobility-policy.ts';
import type { Plan, Step } from './plan.ts';
import type { Registration } from './registration.ts';

/** Automatic enrollment: the MDM application of the tenant, and what Lanyard has to know of it (docs/entra.md). */
export interface EnrollmentWanted {
  tenantId: string;
  /** Such as `https://mdm.contoso.com`; it is the Application ID URI too. */
  enrollUrl: string;
  discoveryUrl: string;
  termsOfUseUrl: string;
  /** Undefined leaves the scope of users as it is. */
  scope: 'all' | 'none' | undefined;
  /** Object ids of groups whose users are in the scope. */
  groups: string[];
  settings: LanyardSettings | undefined;
  /** What else the caller should know. */
  notes: string[];
  /** Graph with the token of the Azure CLI, and with one for MDM policies if there is one. */
  graph: GraphClient;
  policyGraph: GraphClient | undefined;
}

/** What was found, and what steps could not do. */
export interface EnrollmentState {
  registration: Registration;
  /** Undefined where the token may not read them. */
  policies: MobilityPolicy[] | undefined;
  settings: Settings | undefined;
}

export async function readEnrollment(registration: Registration, wanted: EnrollmentWanted): Promise<EnrollmentState> {
  const [policies, settings] = await Promise.all([readPolicies(wanted), wanted.settings?.read()]);
  return { registration, policies, settings };
}

/** @returns what is there, what is missing, and as a list what only a person can do */
export async function planEnrollment(registration: Registration, wanted: EnrollmentWanted): Promise<Plan> {
  const state = await readEnrollment(registration, wanted);
  const steps = registration.application
    ? [...addressSteps(registration, wanted), ...policySteps(state, wanted), ...settingsSteps(state, wanted)]
    : [];
  return {
    title: 'PCs enroll by themselves when they join Microsoft Entra (docs/entra.md)',
    found: describeEnrollment(state),
    notes: [...wanted.notes, ...notesOf(state)],
    steps,
    left: () => (registration.application ? whatIsLeft(state, wanted) : ADDING),
  };
}

/** Nobody can add it by Graph: see mobility-policy.ts. */
const ADDING = [
  'Add the MDM application by hand; Microsoft Graph has no call for it. At https://entra.microsoft.com:',
  '  Mobility (MDM and WIP), Add application, On-premises MDM application (or: Create your own application).',
  '  Name it, for instance, Lanyard.',
  'Then run this command again with the Application (client) ID that App registrations shows for it:',
  '  node lanyard entra enrollment --client-id THE-CLIENT-ID',
];

export function describeEnrollment({ registration, policies, settings }: EnrollmentState): string[] {
  const { application, servicePrincipal } = registration;
  if (!application) return ['There is no MDM application that this command knows.'];
  const policy = policyOf(policies ?? [], application, servicePrincipal);
  const mobility = policy ? describePolicy(policy) : 'not listed there';
  const named = settings?.entra.audiences.includes(application.appId) ? 'they name it' : 'they do not name it';
  return [
    `App registration "${printable(application.displayName)}", client id ${application.appId}`,
    `Application ID URI: ${application.identifierUris.map(printable).join(', ') || 'none'}`,
    `Mobility: ${policies ? mobility : 'not looked at, the token may not'}`,
    `Settings of Lanyard: ${settings ? named : 'not looked at'}`,
  ];
}

function describePolicy({ appliesTo, includedGroups, discoveryUrl, termsOfUseUrl }: MobilityPolicy): string {
  const groups = includedGroups?.length ? ` (${includedGroups.length} groups)` : '';
  const urls = [discoveryUrl, termsOfUseUrl].map((url) => printable(url ?? 'none')).join(', terms of use ');
  return `user scope ${appliesTo}${groups}, discovery ${urls}`;
}

function notesOf({ registration, policies }: EnrollmentState): string[] {
  const { application, servicePrincipal } = registration;
  const ours = application && policyOf(policies ?? [], application, servicePrincipal);
  const others = (policies ?? []).filter((policy) => policy !== ours && policy.appliesTo !== 'none');
  const names = others.map(({ displayName, appliesTo }) => `${printable(displayName)} (user scope ${appliesTo})`);
  const invalid =
    ours?.isValid === false ? ['Entra says that the MDM policy is not valid, and takes no changes of it.'] : [];
  if (names.length === 0) return invalid;
  return [...invalid, `A user must be in the scope of one MDM application only. Others have one: ${names.join(', ')}.`];
}

function addressSteps(registration: Registration, { enrollUrl }: EnrollmentWanted): Step[] {
  const { identifierUris } = registration.made;
  if (identifierUris.includes(enrollUrl)) return [];
  const add = () => registration.change({ identifierUris: [...registration.made.identifierUris, enrollUrl] });
  return [{ text: `Add the Application ID URI ${enrollUrl}`, run: () => add().catch(withoutDomain) }];
}

/** The rest can be done all the same. */
function withoutDomain(error: unknown): string {
  const isDomain = error instanceof GraphError && /HostNameNotOnVerifiedDomain|verified domain/.test(error.message);
  if (!isDomain) throw error;
  return 'its host is in no verified domain of the tenant. Give the enroll app an address of yours (docs/deployment.md, "A domain"), verify the domain in Entra, and run this again';
}

function policySteps({ registration, policies }: EnrollmentState, wanted: EnrollmentWanted): Step[] {
  const { discoveryUrl, termsOfUseUrl, scope, groups } = wanted;
  const graph = wanted.policyGraph ?? wanted.graph;
  const policy = policyOf(policies ?? [], registration.made, registration.servicePrincipal);
  if (!policy || policy.isValid === false) return [];
  const steps: Step[] = [];
  if (policy.discoveryUrl !== discoveryUrl || policy.termsOfUseUrl !== termsOfUseUrl) {
    const text = `Set MDM discovery URL ${discoveryUrl} and MDM terms of use URL ${termsOfUseUrl}`;
    steps.push({ text, run: () => setUrls(graph, policy, discoveryUrl, termsOfUseUrl) });
  }
  if (scope && policy.appliesTo !== scope) {
    steps.push({ text: `Set the MDM user scope to ${scope}`, run: () => setScope(graph, policy, scope) });
  }
  const here = policy.includedGroups?.map(({ id }) => id) ?? [];
  for (const group of groups.filter((id) => !here.includes(id))) {
    steps.push({ text: `Add the group ${group} to the MDM user scope`, run: () => addGroup(graph, policy, group) });
  }
  return steps;
}

function settingsSteps({ registration, settings }: EnrollmentState, wanted: EnrollmentWanted): Step[] {
  if (!wanted.settings || !settings) return [];
  const { tenantId, audiences } = settings.entra;
  const missing = audiencesOf(registration, wanted).filter((audience) => !audiences.includes(audience));
  if (tenantId === wanted.tenantId && missing.length === 0) return [];
  const before = tenantId === '' || tenantId === wanted.tenantId ? '' : `, in place of the tenant ${tenantId}`;
  const text = `Write tenant and audiences into entra of Lanyard's settings${before}`;
  return [settingsStep(wanted.settings, text, (now) => fragment(registration, wanted, now))];
}

/** A token of version 2 is for the client id, one of version 1 for the Application ID URI; the application says which. */
export function audiencesOf({ made }: Registration, { enrollUrl }: EnrollmentWanted): string[] {
  return [made.appId, enrollUrl];
}

/** Audiences of another tenant would be none. */
function fragment(registration: Registration, wanted: EnrollmentWanted, now?: Settings): Pick<Settings, 'entra'> {
  const { tenantId } = wanted;
  const kept = now?.entra.tenantId === tenantId ? now.entra.audiences : [];
  return {
    entra: { ...now?.entra, tenantId, audiences: [...new Set([...kept, ...audiencesOf(registration, wanted)])] },
  };
}

function whatIsLeft({ registration, policies, settings }: EnrollmentState, wanted: EnrollmentWanted): string[] {
  const policy = policyOf(policies ?? [], registration.made, registration.servicePrincipal);
  return [
    ...(policy && policy.isValid !== false ? [] : mobilityByHand(wanted, policies !== undefined)),
    ...(settings ? [] : settingsByHand(fragment(registration, wanted))),
  ];
}

function mobilityByHand({ discoveryUrl, termsOfUseUrl, graph }: EnrollmentWanted, isReadable: boolean): string[] {
  const why = isReadable
    ? 'The MDM application is not among those that can be changed by Graph.'
    : 'The token of the Azure CLI may not read or write MDM policies (Policy.ReadWrite.MobilityManagement), and Graph lets no application do it.';
  const otherToken = isReadable
    ? []
    : [
        '  Or give this command a token that may, in the variable LANYARD_GRAPH_TOKEN: for instance that of Graph Explorer',
        `  (https://aka.ms/ge), with consent to Policy.ReadWrite.MobilityManagement. It goes to ${graph.address} alone.`,
      ];
  return [
    `${why} At https://entra.microsoft.com, Mobility (MDM and WIP), the application:`,
    `  MDM terms of use URL  ${termsOfUseUrl}`,
    `  MDM discovery URL     ${discoveryUrl}`,
    '  MDM user scope        Some, with a group of test users. All comes when it works.',
    ...otherToken,
  ];
}
