import type { EnrollmentPolicy } from '../../catalogue/policy-enrollment.ts';
import type { Storage } from '../../storage/storage.ts';
import type { EnrollmentContext } from '../enrollment-context.ts';
import { normaliseUser } from '../grants.ts';
import { EnrollmentRefusal } from '../refusal.ts';
import type { Block, DecommissionHold } from './refusal-rows.ts';
import { findRefusals } from './refusals-list.ts';

/** What the decision goes by, out of the catalogue. */
export interface Rules {
  policy: EnrollmentPolicy;
  /** False where nobody was ever refused by name: then there is nothing to look for. */
  hasRefusals: boolean;
}

/** Who has proved himself, and with what. */
export interface Candidate {
  user: string;
  context: EnrollmentContext;
  /** The user is the name of a package and no person: what the settings say of people does not hold for it. */
  bulk: boolean;
}

/**
 * Decides whether this user may enroll this device at all. Asked only after the credential has proved right, so that a
 * stranger learns nothing of it. One call, none without refusals. How many devices there may be is decided where a use is counted.
 * @throws {EnrollmentRefusal} with the cause; StorageUnavailable
 */
export async function checkEligibility(storage: Storage, rules: Rules, candidate: Candidate): Promise<void> {
  const { policy, hasRefusals } = rules;
  checkOpen(policy, candidate);
  checkUser(policy, candidate);
  checkWindows(policy, candidate.context);
  if (!hasRefusals) return;
  const { user, context } = candidate;
  const subject = { user, serial: context.values['SerialNumber'] ?? '', hardwareId: context.hwDevId };
  const [first] = (await findRefusals(storage, subject)).sort((one, other) => rank(one) - rank(other));
  if (first) throw refusalOf(first);
}

function checkOpen(policy: EnrollmentPolicy, { user, context, bulk }: Candidate): void {
  if (policy.maintenance) throw new EnrollmentRefusal('maintenance', 'enrollment.maintenance is on.');
  const domain = domainOf(user);
  const closedFor = policy.open ? (!bulk && policy.closedDomains.includes(domain) ? domain : undefined) : 'everybody';
  if (closedFor === undefined) return;
  const reason = `Enrollment is closed for ${closedFor}.`;
  if (policy.closedMessage !== '' && showsOwnText(context)) {
    throw new EnrollmentRefusal('closedWithMessage', reason, policy.closedMessage);
  }
  throw new EnrollmentRefusal('closed', reason);
}

/** The first build that shows the text of CustomServerError, 20H2; an older one would call it an unknown error. */
const OWN_TEXT_SINCE = '10.0.19042';

function showsOwnText({ values }: EnrollmentContext): boolean {
  const version = values['OSVersion'];
  return version !== undefined && !isOlder(version, OWN_TEXT_SINCE);
}

function checkUser({ domains, users }: EnrollmentPolicy, { user, bulk }: Candidate): void {
  if (bulk) return;
  const domain = domainOf(user);
  if (domains.length > 0 && !domains.includes(domain)) {
    throw new EnrollmentRefusal('foreignDomain', `${domain || 'The name'} is not in enrollment.domains.`);
  }
  if (users.length > 0 && !users.includes(normaliseUser(user))) {
    throw new EnrollmentRefusal('userNotListed', `${normaliseUser(user)} is not in enrollment.users.`);
  }
}

/** What a device does not say of itself it does not have. */
function checkWindows({ editions, minimumVersion }: EnrollmentPolicy, { values }: EnrollmentContext): void {
  const edition = values['OSEdition'] ?? '';
  if (editions.length > 0 && !(/^\d+$/.test(edition) && editions.includes(Number(edition)))) {
    const reason = `Edition ${edition || 'unknown'} is not in enrollment.editions.`;
    throw new EnrollmentRefusal('editionNotServed', reason);
  }
  const version = values['OSVersion'] ?? '';
  if (minimumVersion !== '' && isOlder(version, minimumVersion)) {
    const reason = `Version ${version || 'unknown'} is older than ${minimumVersion}.`;
    throw new EnrollmentRefusal('versionTooOld', reason);
  }
}

/** Compares versions part by part as numbers; what is no version is older than any, a part that is left out is 0. */
export function isOlder(version: string, than: string): boolean {
  if (!/^\d+(\.\d+)*$/.test(version)) return true;
  const [given, wanted] = [version, than].map((text) => text.split('.').map(Number));
  for (const [index, part] of (wanted ?? []).entries()) {
    const own = given?.[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

function domainOf(user: string): string {
  const name = normaliseUser(user);
  return name.slice(name.lastIndexOf('@') + 1);
}

/** Where several stand against somebody, the one is told that lasts longest. */
function rank({ kind }: Block | DecommissionHold): number {
  return ['user', 'hardwareId', 'serial', 'decommission'].indexOf(kind);
}

function refusalOf(found: Block | DecommissionHold): EnrollmentRefusal {
  if (found.kind === 'decommission') {
    const { deviceId, person, at, reason } = found;
    const words = `Device ${deviceId} is being taken out of service, by ${person} since ${at.slice(0, 10)}: ${reason}`;
    return new EnrollmentRefusal('decommissioning', words);
  }
  const { kind, value, reason, person, at } = found;
  const words = `Blocked by ${person} on ${at.slice(0, 10)} (${kind} ${value}): ${reason}`;
  return new EnrollmentRefusal(kind === 'user' ? 'userBlocked' : 'deviceBlocked', words);
}
