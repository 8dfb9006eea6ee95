import { isPending } from '../commands/command.ts';
import { hresult, installationEnd } from '../commands/installation.ts';
import { recordLaterResult } from '../commands/settle.ts';
import { confirm, reportFailure } from '../devices/unenroll.ts';
import { isSameNode } from '../wire/node-path.ts';
import type { ClientCommand, Item } from '../wire/syncml.ts';
import type { Turn } from './turn-state.ts';

type Alert = Extract<ClientCommand, { kind: 'Alert' }>;

/** MS-MDM 2.2.7.2: the alert codes that a device sends. */
const ABORT = 1223;
const CLIENT_EVENT = 1224;
const GENERIC_ALERT = 1226;

const LOGIN_STATUS = 'com.microsoft/MDM/LoginStatus';
const UNENROLL = 'com.microsoft:mdm.unenrollment.userrequest';
/** What came of an installation that was accepted (EnterpriseDesktopAppManagement CSP, whose sample has it in a 1224). */
const INSTALLED = /mdm\.win32csp_install$/;
const MAX_LATER_RESULTS = 50;

/** DevInfo has five nodes; a device that sends more must not fill its record with them. */
const MAX_DEV_INFO = 16;
const MAX_DEV_INFO_VALUE = 256;

/** What the device tells by itself: alerts, and its DevInfo at the start of a session. */
export function takeReports(turn: Turn): void {
  for (const command of turn.input.message.commands) {
    // A Status of the header that is an error says that our whole message was not taken.
    if (command.kind === 'Status' && command.cmdRef === '0' && command.code >= 400) turn.aborted = true;
    if (command.kind === 'Alert') takeAlert(turn, command);
    else if (command.kind === 'Replace') takeDevInfo(turn, command.items);
  }
  for (const item of laterResults(turn.input.message.commands)) takeLaterResult(turn, item);
}

/** Each is looked for in the whole queue, so there is an end to them in one message. */
function laterResults(commands: readonly ClientCommand[]): Item[] {
  const alerts = commands.filter((command): command is Alert => command.kind === 'Alert');
  return alerts
    .filter(({ code }) => code === GENERIC_ALERT || code === CLIENT_EVENT)
    .flatMap(({ items }) => items.filter(({ meta }) => INSTALLED.test(meta.type?.trim() ?? '')))
    .slice(0, MAX_LATER_RESULTS);
}

function takeAlert(turn: Turn, alert: Alert): void {
  if (alert.code === ABORT) turn.aborted = true;
  for (const item of alert.items) {
    const type = item.meta.type?.trim();
    if (alert.code === CLIENT_EVENT && type === LOGIN_STATUS) takeLoginStatus(turn, item);
    if (alert.code === GENERIC_ALERT && type === UNENROLL) takeUnenrollAlert(turn, item);
  }
}

function takeLoginStatus(turn: Turn, item: Item): void {
  const value = item.data?.trim().toLowerCase();
  if (value === 'user' || value === 'others' || value === 'none') turn.session.loginStatus = value;
}

/**
 * Data 1 says that the device removes the enrollment; anything else that it tried and failed: `2` or a text when the
 * Entra join could not be undone. The enrollment is then still there and must not be written off.
 */
function takeUnenrollAlert(turn: Turn, item: Item): void {
  const data = item.data?.trim() ?? '';
  turn.unenrollReported = true;
  const next = data === '1' ? confirm : (device: typeof turn.copy.device, at: Date) => reportFailure(device, data, at);
  turn.copy.device = next(turn.copy.device, turn.input.now);
}

/**
 * The result of an Exec with which the device had only begun: Source names the node, Data is 0 or the HRESULT. The oldest
 * command that waits for one takes it.
 */
function takeLaterResult(turn: Turn, item: Item): void {
  const { copy, input } = turn;
  const source = item.source ?? '';
  for (const command of copy.commands) {
    const index = command.items.findIndex(
      ({ target }, place) => isPending(command.results[place]) && isSameNode(target, source),
    );
    if (index < 0) continue;
    const data = item.data?.trim() ?? '';
    const { done, restart } = installationEnd(data);
    const outcome = done ? { status: 200 } : { status: 500, originalError: hresult(data) };
    const first = `Answered ${command.results[index]?.status} at first; this is what the device reported later.`;
    const note = restart ? `${first} The PC needs a restart.` : first;
    const target = command.items[index]?.target ?? source;
    const after = recordLaterResult(command, index, { target, ...outcome, note }, input.now);
    // What is beyond the room of a transaction is not taken: the command then ends as `unknown`.
    if (copy.hasRoomFor(after)) copy.update(after);
    return;
  }
  if (copy.hasMore) turn.answersUnread = true;
}

function takeDevInfo(turn: Turn, items: readonly Item[]): void {
  const reported = items
    .filter((item) => item.source?.toLowerCase().startsWith('./devinfo/'))
    .map((item): [string, string] => [(item.source ?? '').slice('./DevInfo/'.length), item.data?.trim() ?? ''])
    .filter(([name, value]) => /^[A-Za-z]{1,32}$/.test(name) && value.length <= MAX_DEV_INFO_VALUE);
  if (reported.length === 0) return;
  const devInfo = { ...turn.copy.device.devInfo, ...Object.fromEntries(reported.slice(0, MAX_DEV_INFO)) };
  if (Object.keys(devInfo).length <= MAX_DEV_INFO) turn.copy.device = { ...turn.copy.device, devInfo };
}
