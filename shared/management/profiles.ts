import { type Decision, decide, decideAgain, goesAlone, type Moment } from '../profiles/decision.ts';
import { noteReading, READS_PER_SESSION, readingsDue } from '../profiles/drift.ts';
import { noteAborted, noteAnswered, noteSent, noteUnreadable } from '../profiles/outcome.ts';
import { problemsOf } from '../profiles/problems.ts';
import type { SettingState } from '../profiles/setting-state.ts';
import { type DesiredState, desiredState, type Wanted } from '../profiles/wanted.ts';
import type { ServerCommand } from '../wire/syncml-writer.ts';
import { MAX_COMMANDS } from './reply-builder.ts';
import type { Asked, Session } from './session.ts';
import type { Turn } from './turn-state.ts';

/**
 * The profiles of a device in a message: what they should be is computed when it calls, compared with what was set and
 * what it said, and only the difference is sent. They come behind the queue. A command is what a person waits for, and one
 * that may have broken a device goes alone; profiles are sent for as long as they differ, in the same session when the
 * queue is empty.
 */

type SettingAsked = Extract<Asked, { kind: 'setting' | 'settingAtomic' | 'settingRead' }>;
type Sendable = Extract<Decision, { act: 'set' | 'remove' }>;

/**
 * A row takes 1 MiB, of two bytes a character. Settings that a device does not let go fill it in time; nothing new is begun
 * then, until some of them have gone. 300 settings with the longest names stay below.
 */
const MAX_STATE_CHARACTERS = 380_000;

/** With the Atomic itself as much as a reply carries. */
const MAX_ATOMIC_ITEMS = MAX_COMMANDS - 1;

/** One change that is due: of a node, with what is wanted of it when something is. */
interface Due {
  node: string;
  wanted?: Wanted;
  decision: Sendable;
}

/** Puts into the reply what is due; what does not fit waits for the next message. */
export function chooseProfiles(turn: Turn): void {
  const { copy } = turn;
  const { profiles } = turn.input;
  const isKnown = Object.keys(copy.profiles.settings).length > 0 || copy.device.profileProblems !== undefined;
  if (!profiles || (profiles.length === 0 && !isKnown)) return;
  const desired = desiredState(copy.device, profiles);
  const due = collectDue(turn, desired);
  if (sendUnits(turn, unitsOf(turn, desired, due))) askReadings(turn, desired);
  const problems = problemsOf(desired, copy.profiles, momentOf(turn), copy.device.profileProblems);
  const { profileProblems: _, ...device } = copy.device;
  copy.device = problems ? { ...device, profileProblems: problems } : device;
}

/** Devices begin to count anew at times, and one instant may see two sessions. */
function nameOf({ startedAt, sessionId }: Session): string {
  return `${startedAt} ${sessionId}`;
}

function momentOf({ input, session, copy }: Turn): Moment {
  const osVersion = copy.device.facts['osVersion']?.value;
  const userIsThere = session.loginStatus === 'user';
  return { now: input.now, session: nameOf(session), userIsThere, ...(osVersion !== undefined && { osVersion }) };
}

/** Removals first, so that what goes makes room for what comes. What is to be forgotten is forgotten here. */
function collectDue(turn: Turn, { settings, together }: DesiredState): Due[] {
  const moment = momentOf(turn);
  const removals: Due[] = [];
  const changes: Due[] = [];
  for (const [node, state] of Object.entries(turn.copy.profiles.settings)) {
    if (settings.has(node)) continue;
    const decision = decide(undefined, state, moment);
    if (decision.act === 'forget') noteState(turn, node, undefined);
    else if (decision.act === 'remove') removals.push({ node, decision });
  }
  const isFull = JSON.stringify(turn.copy.profiles).length > MAX_STATE_CHARACTERS;
  const decided = [...settings].map(([node, wanted]) => {
    const state = turn.copy.profiles.settings[node];
    return { node, wanted, state, decision: decide(wanted, state, moment) };
  });
  const differ = decided.flatMap(({ wanted: { group = '' }, decision }) => (decision.act === 'set' ? [group] : []));
  const whole = new Set(differ.filter((group) => together.has(group)));
  for (const { node, wanted, state, decision: own } of decided) {
    if (isFull && !state) continue;
    const isThere = own.act === 'rest' && own.verdict === 'done';
    const decision = isThere && whole.has(wanted.group ?? '') ? decideAgain(wanted, state) : own;
    if (decision.act === 'set' && canBeOpened(turn, node, wanted)) changes.push({ node, wanted, decision });
  }
  return [...removals, ...changes];
}

/** A secret that the key does not open any more fails; one whose key could not be read at this moment waits. */
function canBeOpened(turn: Turn, node: string, wanted: Wanted): boolean {
  if (wanted.sealed === undefined) return true;
  const { profileSecrets, now } = turn.input;
  if (!profileSecrets?.has(wanted.sealed)) return false;
  if (profileSecrets.get(wanted.sealed) !== undefined) return true;
  const before = turn.copy.profiles.settings[node];
  const { hash, target } = wanted;
  const session = nameOf(turn.session);
  noteState(turn, node, noteUnreadable(before, { target, hash, verb: 'Replace', now, session }));
  return false;
}

/** What goes together: an Atomic's changes, or a single one. */
interface Unit {
  atomic: boolean;
  due: Due[];
}

function unitsOf(turn: Turn, desired: DesiredState, due: readonly Due[]): Unit[] {
  const units: Unit[] = [];
  const groups = new Map<string, Due[]>();
  for (const each of due) {
    const group = each.wanted ? each.wanted.group : turn.copy.profiles.settings[each.node]?.group;
    if (group === undefined) {
      units.push({ atomic: false, due: [each] });
      continue;
    }
    // What of a profile goes and what comes are two Atomics, since Windows takes no two changes of a node in one.
    const key = `${each.decision.act} ${group}`;
    const known = groups.get(key);
    if (known && known.length < MAX_ATOMIC_ITEMS) known.push(each);
    else {
      const members = [each];
      groups.set(key, members);
      units.push({ atomic: true, due: members });
    }
  }
  return units.filter((unit) => isWhole(turn, desired, unit));
}

/** All or none: while one setting of an Atomic profile cannot be, the others are not sent without it. */
function isWhole(turn: Turn, desired: DesiredState, { atomic, due }: Unit): boolean {
  const group = due[0]?.wanted?.group;
  if (!atomic || group === undefined) return true;
  const moment = momentOf(turn);
  const sendable = new Set(due.map(({ node }) => node));
  return [...desired.settings.values()].every((wanted) => {
    if (wanted.group !== group || sendable.has(wanted.node)) return true;
    const decision = decide(wanted, turn.copy.profiles.settings[wanted.node], moment);
    return decision.act === 'rest' && decision.verdict === 'done';
  });
}

/** @returns whether all of them went, so that there may be room for more */
function sendUnits(turn: Turn, units: readonly Unit[]): boolean {
  for (const unit of units) {
    const alone = unit.due.some(({ node }) => goesAlone(turn.copy.profiles.settings[node]));
    // What may have broken the device goes last, when nothing else is in the message.
    if (alone && turn.reply.commandCount > 0) continue;
    if (!sendUnit(turn, unit)) return false;
    if (!alone) continue;
    turn.reply.close();
    return false;
  }
  return units.every(({ due }) => due.every(({ node }) => wasSent(turn, node)));
}

function wasSent({ copy, session }: Turn, node: string): boolean {
  return copy.profiles.settings[node]?.attempt?.session === nameOf(session);
}

function sendUnit(turn: Turn, { atomic, due }: Unit): boolean {
  const { reply, session, input } = turn;
  const commands = due.map((each) => commandOf(turn, each));
  const msgRef = Number(input.message.header.msgId);
  const whole = atomic ? reply.atomic(commands) : undefined;
  const cmdIds = atomic ? whole?.inner : reply.commands(commands);
  if (!cmdIds) return false;
  due.forEach((each, index) => {
    const { node, wanted, decision } = each;
    const target = wanted?.target ?? turn.copy.profiles.settings[node]?.target ?? '';
    const hash = decision.act === 'set' ? decision.hash : undefined;
    const now = input.now;
    const sending = { target, verb: decision.verb, now, session: nameOf(session) };
    const marks = { ...(hash !== undefined && { hash }), ...(wanted?.group !== undefined && { group: wanted.group }) };
    noteState(turn, node, noteSent(turn.copy.profiles.settings[node], { ...sending, ...marks }));
    // A late word on what was sent before says nothing of this.
    session.asked = session.asked.filter((before) => before.kind !== 'setting' || before.node !== node);
    session.asked.push({ kind: 'setting', msgRef, cmdId: cmdIds[index] ?? '', node });
    if (decision.act === 'set' && wanted?.sealed !== undefined) turn.secretSent = true;
  });
  // Behind its parts: what they say themselves counts.
  if (whole) {
    session.asked.push({ kind: 'settingAtomic', msgRef, cmdId: whole.cmdId, nodes: due.map(({ node }) => node) });
  }
  return true;
}

function commandOf({ copy, input }: Turn, { node, wanted, decision }: Due): ServerCommand {
  if (decision.act === 'set' && wanted) {
    const { target, sealed, value, format, type } = wanted;
    const data = sealed === undefined ? value : input.profileSecrets?.get(sealed);
    return { verb: decision.verb, items: [{ target, data, format, type }] };
  }
  const target = copy.profiles.settings[node]?.target ?? '';
  if (decision.act === 'remove' && decision.verb === 'Delete') {
    return { verb: 'Delete', items: [{ target: decision.target }] };
  }
  const { value, format } = decision as Extract<Decision, { act: 'remove'; verb: 'Replace' }>;
  return { verb: 'Replace', items: [{ target, data: value, format }] };
}

/** What was set is read back once a day, when there is nothing to change. */
function askReadings(turn: Turn, desired: DesiredState): void {
  const { session, copy, reply, input } = turn;
  const userIsThere = session.loginStatus === 'user';
  for (const node of readingsDue(desired.settings, copy.profiles.settings, input.now)) {
    const asked = session.settingsRead ?? 0;
    if (asked >= READS_PER_SESSION) return;
    const target = desired.settings.get(node)?.target ?? '';
    const isAsked = session.asked.some((each) => each.kind === 'settingRead' && each.node === node);
    if (isAsked || (node.startsWith('user:') && !userIsThere)) continue;
    const cmdId = reply.commands([{ verb: 'Get', items: [{ target }] }])?.[0];
    if (cmdId === undefined) return;
    session.settingsRead = asked + 1;
    const state = copy.profiles.settings[node];
    if (state) noteState(turn, node, { ...state, askedAt: input.now.toISOString() });
    session.asked.push({ kind: 'settingRead', msgRef: Number(input.message.header.msgId), cmdId, node });
  }
}

export interface SettingAnswer {
  code: number;
  originalError?: string | undefined;
  /** The value that came with it, and whether more of it follows. */
  value?: string | undefined;
  partial?: boolean | undefined;
}

/** Takes the device's word about a setting. @returns the question once more where the rest of the answer may follow */
export function noteSetting(turn: Turn, asked: SettingAsked, answer: SettingAnswer): SettingAsked | undefined {
  if (asked.kind === 'setting') {
    answerOf(turn, asked.node, answer);
    return undefined;
  }
  if (asked.kind === 'settingAtomic') return noteAtomic(turn, asked, answer.code);
  const { value, code: status } = answer;
  if (status === 200 && value === undefined && !turn.input.message.final) return { ...asked, code: status };
  const state = turn.copy.profiles.settings[asked.node];
  if (!state) return undefined;
  const wanted = desiredState(turn.copy.device, turn.input.profiles ?? []).settings.get(asked.node);
  const reading = { status, now: turn.input.now, ...(answer.partial ? {} : { value }) };
  noteState(turn, asked.node, noteReading(state, wanted, reading));
  return undefined;
}

function answerOf(turn: Turn, node: string, { code, originalError }: SettingAnswer): void {
  const state = turn.copy.profiles.settings[node];
  if (!state) return;
  const osVersion = turn.copy.device.facts['osVersion']?.value;
  noteState(turn, node, noteAnswered(state, { status: code, originalError, now: turn.input.now, osVersion }));
}

/** What is said of an Atomic holds for the parts of which nothing is said. */
function noteAtomic(
  turn: Turn,
  asked: Extract<SettingAsked, { kind: 'settingAtomic' }>,
  code: number,
): SettingAsked | undefined {
  if (!turn.input.message.final) return { ...asked, code };
  for (const node of asked.nodes) answerOf(turn, node, { code });
  return undefined;
}

/** The device gave up over a message: whatever of it is unanswered may be why. */
export function noteProfileAborts(turn: Turn): void {
  for (const asked of turn.session.asked) {
    if (asked.kind !== 'setting') continue;
    const state = turn.copy.profiles.settings[asked.node];
    if (state) noteState(turn, asked.node, noteAborted(state, turn.input.now));
  }
}

function noteState({ copy }: Turn, node: string, state: SettingState | undefined): void {
  const { [node]: _, ...others } = copy.profiles.settings;
  copy.profiles = { settings: state ? { ...others, [node]: state } : others };
}
