import type { AppliedDefault, Device, JoinKind } from '../devices/device.ts';
import { sha256 } from '../platform/ids.ts';
import type { ServerCommand } from '../wire/syncml-writer.ts';
import type { Asked } from './session.ts';
import type { Turn } from './turn-state.ts';
import { NAME_TEMPLATE, PUSH_NAME, type WantedDefault } from './wanted-defaults.ts';

/**
 * What every PC of the organisation is given without a command in its queue: the help desk's data, its name, whether its
 * user may disconnect, the "all done" page. Written by Replace in the first session and again when the setting changes;
 * the record keeps a hash of what was last sent, so only differences go out, and a part that a PC refuses is not sent
 * for ever.
 */

/** Sessions in which the same part is sent without a word about it that settles it. */
const MAX_UNANSWERED = 5;
const ACCEPTED = 202;

interface Node {
  target: string;
  format: 'chr' | 'int';
  /** False where Windows has no way back. */
  removable: boolean;
}

const ALLOW_MANUAL_UNENROLLMENT = './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment';
/** Accounts CSP: the node of PCs from Windows 10 2004 on, in place of Accounts/Domain/ComputerName, which can only be added. */
const COMPUTER_NAME = './DevDetail/Ext/Microsoft/DNSComputerName';

/** Setting -> node (DMClient, Policy and DevDetail CSPs). `{provider}` is the PROVIDER-ID of the enrollment. */
const NODES: Record<string, Node> = {
  'support.phone': provider('HelpPhoneNumber'),
  'support.email': provider('HelpEmailAddress'),
  'support.website': provider('HelpWebsite'),
  [NAME_TEMPLATE]: { target: COMPUTER_NAME, format: 'chr', removable: false },
  'deviceDefaults.userMayDisconnect': { target: ALLOW_MANUAL_UNENROLLMENT, format: 'int', removable: true },
  'deviceDefaults.completePage.title': provider('CustomEnrollmentCompletePage/Title'),
  'deviceDefaults.completePage.text': provider('CustomEnrollmentCompletePage/BodyText'),
  'deviceDefaults.completePage.linkAddress': provider('CustomEnrollmentCompletePage/HyperlinkHref'),
  'deviceDefaults.completePage.linkText': provider('CustomEnrollmentCompletePage/HyperlinkText'),
  [PUSH_NAME]: provider('Push/PFN'),
};

function provider(node: string): Node {
  return { target: `./Device/Vendor/MSFT/DMClient/Provider/{provider}/${node}`, format: 'chr', removable: true };
}

/** Windows does not rename a PC of a domain (DevDetail CSP), and of a PC whose join is not known nobody can say. */
const RENAMED: readonly JoinKind[] = ['none', 'registered', 'joined'];

/** Puts the parts that are due into the reply; those that do not fit wait for the next message. */
export function chooseDefaults(turn: Turn): void {
  for (const wanted of turn.input.defaults ?? []) {
    const asked = turn.session.asked.some((each) => each.kind === 'default' && each.name === wanted.name);
    if (!asked && isDue(turn.copy.device, wanted, turn.session.startedAt)) send(turn, wanted);
  }
}

function isDue(device: Device, { name, value }: WantedDefault, since: string): boolean {
  const applied = device.defaults?.[name];
  if (value === undefined)
    return applied !== undefined && NODES[name]?.removable === true && awaitsRemoval(applied, since);
  if (name === NAME_TEMPLATE && !RENAMED.includes(device.join?.kind ?? 'unknown')) return false;
  return applied?.hash !== hashOf(value) || isOpen(applied, since);
}

/** What a PC refused to take need not be taken away. */
function awaitsRemoval(applied: AppliedDefault, since: string): boolean {
  if (applied.hash === undefined) return isOpen(applied, since);
  return applied.status === undefined || wentWell(applied.status);
}

/** No word has come of it; or it was only accepted (202), and then it is sent once more in each session. */
function isOpen({ status, sent, at }: AppliedDefault, sessionStartedAt: string): boolean {
  const isUnsettled = status === undefined || (status === ACCEPTED && at < sessionStartedAt);
  return isUnsettled && sent < MAX_UNANSWERED;
}

function send(turn: Turn, { name, value }: WantedDefault): void {
  const { copy, reply, session, input } = turn;
  const node = NODES[name];
  if (!node) return;
  const hash = value === undefined ? undefined : hashOf(value);
  const known = copy.device.defaults?.[name];
  const before = known?.hash === hash ? known : undefined;
  const target = node.target.replace('{provider}', copy.device.providerId);
  const command: ServerCommand =
    value === undefined
      ? { verb: 'Delete', items: [{ target }] }
      : { verb: before?.add ? 'Add' : 'Replace', items: [{ target, data: value, format: node.format }] };
  const cmdId = reply.commands([command])?.[0];
  if (cmdId === undefined) return;
  session.asked.push({ kind: 'default', msgRef: Number(input.message.header.msgId), cmdId, name });
  note(turn, name, { ...before, hash, at: input.now.toISOString(), sent: (before?.sent ?? 0) + 1 });
}

/** Takes the PC's word about a part. @returns nothing: it is settled, whatever the word is */
export function noteDefault(turn: Turn, asked: Extract<Asked, { kind: 'default' }>, status: number): undefined {
  const applied = turn.copy.device.defaults?.[asked.name];
  if (!applied) return undefined;
  const at = turn.input.now.toISOString();
  const isGone = applied.hash === undefined && ((wentWell(status) && status !== ACCEPTED) || status === 404);
  // MS-MDM 3.1.5.1.7: Replace makes no node that is not there. Add does, and is tried once.
  const isAdded = applied.hash !== undefined && status === 404 && !applied.add;
  if (isAdded) note(turn, asked.name, { ...applied, at, add: true });
  else note(turn, asked.name, isGone ? undefined : { ...applied, at, status });
  return undefined;
}

function wentWell(status: number): boolean {
  return status >= 200 && status < 300;
}

function note({ copy }: Turn, name: string, applied: AppliedDefault | undefined): void {
  const { [name]: _, ...others } = copy.device.defaults ?? {};
  copy.device = { ...copy.device, defaults: applied ? { ...others, [name]: applied } : others };
}

/** Enough to tell one setting from the next; the value itself stands in the settings. */
function hashOf(value: string): string {
  return sha256(value).toString('hex').slice(0, 16);
}
