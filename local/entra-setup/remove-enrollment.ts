import {
  audiencesOf,
  describeEnrollment,
  type EnrollmentState,
  type EnrollmentWanted,
  readEnrollment,
} from './enrollment.ts';
import { settingsStep } from './lanyard-settings.ts';
import { policyOf, setScope } from './mobility-policy.ts';
import type { Plan, Step } from './plan.ts';
import type { Registration } from './registration.ts';

/**
 * @returns a plan after which no PC is sent to Lanyard and no token is good there. The MDM application was added by hand, and
 * is deleted by hand
 */
export async function planEnrollmentRemoval(registration: Registration, wanted: EnrollmentWanted): Promise<Plan> {
  const state = await readEnrollment(registration, wanted);
  return {
    title: 'Take away automatic enrollment',
    found: describeEnrollment(state),
    notes: [],
    steps: registration.application
      ? [...scopeSteps(state, wanted), ...settingsSteps(state, wanted), ...addressSteps(registration, wanted)]
      : [],
    left: () => (registration.application ? whatIsLeft(state) : []),
  };
}

function scopeSteps(
  { registration, policies }: EnrollmentState,
  { graph, policyGraph, discoveryUrl }: EnrollmentWanted,
): Step[] {
  const policy = policyOf(policies ?? [], registration.made, registration.servicePrincipal);
  if (!policy || policy.appliesTo === 'none' || policy.discoveryUrl !== discoveryUrl) return [];
  return [{ text: 'Set the MDM user scope to none', run: () => setScope(policyGraph ?? graph, policy, 'none') }];
}

function settingsSteps({ registration, settings }: EnrollmentState, wanted: EnrollmentWanted): Step[] {
  const ours = audiencesOf(registration, wanted);
  if (!wanted.settings || !settings?.entra.audiences.some((audience) => ours.includes(audience))) return [];
  const text = "Take this application out of entra in Lanyard's settings";
  return [
    settingsStep(wanted.settings, text, ({ entra }) => {
      const audiences = entra.audiences.filter((audience) => !ours.includes(audience));
      return { entra: { ...entra, audiences, tenantId: audiences.length === 0 ? '' : entra.tenantId } };
    }),
  ];
}

function addressSteps(registration: Registration, { enrollUrl }: EnrollmentWanted): Step[] {
  const { identifierUris } = registration.made;
  if (!identifierUris.includes(enrollUrl)) return [];
  const rest = identifierUris.filter((uri) => uri !== enrollUrl);
  return [
    { text: `Remove the Application ID URI ${enrollUrl}`, run: () => registration.change({ identifierUris: rest }) },
  ];
}

function whatIsLeft({ policies, settings }: EnrollmentState): string[] {
  return [
    ...(policies ? [] : ['Set the MDM user scope to None: https://entra.microsoft.com, Mobility (MDM and WIP).']),
    ...(settings ? [] : ['Take entra out of the settings of Lanyard (docs/api.md).']),
    'Delete the MDM application under Mobility (MDM and WIP), if nothing else needs it.',
  ];
}
