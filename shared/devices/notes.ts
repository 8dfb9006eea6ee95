import type { Device } from './device.ts';

/** What an administrator should know about a device and cannot tell from its record at a glance, a sentence each. */
export function notesOf(device: Device): string[] {
  return [
    ...leavingNotes(device),
    ...returnNotes(device),
    ...domainNotes(device),
    ...bulkNotes(device),
    ...nameNotes(device),
  ];
}

/** What shows that a device has left may turn out to be wrong; then it says so itself, by calling. */
function leavingNotes({ calledAfterLeaving, state }: Device): string[] {
  if (!calledAfterLeaving) return [];
  const at = calledAfterLeaving.slice(0, 16).replace('T', ' ');
  return [
    `It has not left: it is ${state} here, and it called on ${at} UTC. It is offered Unenroll, once in each session, and nothing else.`,
  ];
}

function returnNotes({ formerIds = [], tags = [] }: Device): string[] {
  if (formerIds.length === 0) return [];
  const kept = tags.length > 0 ? `It kept its tags (${tags.join(', ')}), and what` : 'What';
  return [
    `The PC was enrolled before, as ${formerIds.join(', ')}. ${kept} is assigned to it by that id holds on. Commands that waited are not sent to it.`,
  ];
}

/** Microsoft Learn, "Mobile device enrollment", enrollment support for domain-joined devices. */
function domainNotes({ context, join, user }: Device): string[] {
  const domain = join && join.kind !== 'unknown' ? join.domainName : context['DomainName'];
  if (!domain) return [];
  return [
    `Joined to the domain ${domain}: settings for the user reach ${user} alone, as the one who enrolled it; ` +
      'settings for the device hold for all its users.',
  ];
}

function bulkNotes({ admission, enrollmentType, user }: Device): string[] {
  if (!admission.bulk) return [];
  const person = `Enrolled by a provisioning package: ${user} is the name of the package and no person.`;
  if (enrollmentType === 'Device') return [person];
  return [`${person} The PC enrolled as one of a user (EnrollmentType Full): perhaps somebody typed the secret.`];
}

function nameNotes({ defaults, join }: Device): string[] {
  const named = defaults?.['deviceDefaults.nameTemplate'];
  if (named?.status === undefined || named.status >= 300) return [];
  if (join?.kind === 'domain' || join?.kind === 'hybrid') return [];
  return [`It was given a name by the template on ${named.at.slice(0, 10)}, which holds after its next restart.`];
}
