import type { Device } from '../devices/device.ts';
import { isUserScope } from '../wire/node-path.ts';
import { removalOf } from './removal.ts';
import { type Attempt, isOpenAttempt, isOurs, type SettingState } from './setting-state.ts';
import type { Wanted } from './wanted.ts';

/**
 * The three-way comparison for one setting: what should be (`wanted`), what we set (`state.set`), and what the device said
 * of it (`state.attempt`). Pure; the session around it collects what it says into messages.
 */

export type SettingVerdict =
  | 'done'
  | 'waiting'
  | 'sent'
  | 'failed'
  | 'notApplicable'
  | 'rejected'
  | 'conflict'
  | 'refused'
  | 'removing'
  | 'stays';

export type Decision =
  /** Nothing is to be sent (now). */
  | { act: 'rest'; verdict: SettingVerdict; waitsFor?: 'userSignIn' | 'join' | 'retry' | 'answer' }
  | { act: 'set'; verb: 'Replace' | 'Add'; hash: string }
  | { act: 'remove'; verb: 'Delete'; target: string }
  | { act: 'remove'; verb: 'Replace'; value: string; format: 'chr' | 'int' | 'bool' }
  /** Nothing of ours is there and nothing is wanted: the state is dropped. */
  | { act: 'forget' };

export interface Moment {
  now: Date;
  /** The running session; empty outside of one. */
  session: string;
  /** Whether the user whose tree `./User` is has signed in. */
  userIsThere: boolean;
  osVersion?: string;
}

/** What is to be said of a device while it does not call. */
export function momentBetweenSessions({ facts }: Pick<Device, 'facts'>, now: Date): Moment {
  const osVersion = facts['osVersion']?.value;
  return { now, session: '', userIsThere: false, ...(osVersion !== undefined && { osVersion }) };
}

/** Repeats without an answer in a row, after which it goes once a day only. */
const PATIENCE = 4;
/** The same in one session: as Replace, as Add, and once more because an Atomic was taken back. */
const MAX_SENDS = 3;
const DAY_MS = 86_400_000;

/** @returns what is to be done about one setting at this moment */
export function decide(wanted: Wanted | undefined, state: SettingState | undefined, moment: Moment): Decision {
  if (wanted) return decideWanted(wanted, state, moment);
  if (!state) return { act: 'forget' };
  return isOurs(state) ? decideRemoval(state, moment) : { act: 'forget' };
}

function decideWanted(wanted: Wanted, state: SettingState | undefined, moment: Moment): Decision {
  if (wanted.held?.because === 'join') return { act: 'rest', verdict: 'waiting', waitsFor: 'join' };
  if (wanted.held) return { act: 'rest', verdict: wanted.held.because === 'conflict' ? 'conflict' : 'refused' };
  if (state && isDone(state, wanted.hash)) return { act: 'rest', verdict: 'done' };
  const tried = state?.attempt?.hash === wanted.hash ? state.attempt : undefined;
  const rest = tried && restOf(tried, moment);
  if (rest) return rest;
  const waits = waitForUser(wanted.target, moment);
  if (waits) return { act: 'rest', verdict: tried?.failures ? 'failed' : 'waiting', waitsFor: waits };
  return decideAgain(wanted, state);
}

/** @returns how a setting that is there goes once more, since another of its group differs */
export function decideAgain(wanted: Wanted, state: SettingState | undefined): Extract<Decision, { act: 'set' }> {
  const tried = state?.attempt?.hash === wanted.hash ? state.attempt : undefined;
  return { act: 'set', verb: tried?.again && tried.verb === 'Add' ? 'Add' : 'Replace', hash: wanted.hash };
}

/** @returns whether the value is there, and no other that we sent has stayed without an answer */
export function isDone({ set, unsure, attempt }: SettingState, hash: string): boolean {
  return set === hash && !unsure && !isOpenAttempt(attempt);
}

function decideRemoval(state: SettingState, moment: Moment): Decision {
  const removal = removalOf(state.target);
  if (removal.kind === 'never') return { act: 'rest', verdict: 'stays' };
  const tried = state.attempt && state.attempt.hash === undefined ? state.attempt : undefined;
  const rest = tried && restOf(tried, moment);
  if (rest) return rest.verdict === 'waiting' || rest.verdict === 'sent' ? { ...rest, verdict: 'removing' } : rest;
  const waits = waitForUser(state.target, moment);
  if (waits) return { act: 'rest', verdict: 'removing', waitsFor: waits };
  if (removal.kind === 'delete') return { act: 'remove', verb: 'Delete', target: removal.target };
  return { act: 'remove', verb: 'Replace', value: removal.value, format: removal.format };
}

/** @returns why what was tried is not tried again now; undefined when it is */
function restOf(attempt: Attempt, moment: Moment): Extract<Decision, { act: 'rest' }> | undefined {
  if (attempt.ended && !mayHaveChanged(attempt, moment)) return { act: 'rest', verdict: attempt.ended };
  const isThisSession = attempt.session === moment.session;
  if (attempt.status === undefined) return restUnanswered(attempt, isThisSession, moment);
  // A value is read by the next session; that something has gone is asked by telling it once more.
  if (attempt.accepted && (isThisSession || attempt.hash !== undefined || moment.session === '')) return ACCEPTED;
  if (attempt.ended) return undefined;
  if (attempt.again && !(isThisSession && attempt.sends >= MAX_SENDS)) return undefined;
  const isLater = attempt.retryAt === undefined || Date.parse(attempt.retryAt) <= moment.now.getTime();
  return !isThisSession && isLater ? undefined : { act: 'rest', verdict: 'failed', waitsFor: 'retry' };
}

const ACCEPTED = { act: 'rest', verdict: 'sent', waitsFor: 'answer' } as const;

function restUnanswered(
  attempt: Attempt,
  isThisSession: boolean,
  { now }: Moment,
): Extract<Decision, { act: 'rest' }> | undefined {
  if (isThisSession) return { act: 'rest', verdict: 'sent', waitsFor: 'answer' };
  const isSilent = (attempt.unanswered ?? 0) >= PATIENCE;
  const isEarly = now.getTime() - Date.parse(attempt.at) < DAY_MS;
  return isSilent && isEarly ? { act: 'rest', verdict: 'failed', waitsFor: 'retry' } : undefined;
}

/** What one version of Windows does not know, the next one may. */
function mayHaveChanged({ ended, osVersion }: Attempt, moment: Moment): boolean {
  return ended === 'notApplicable' && moment.osVersion !== undefined && moment.osVersion !== osVersion;
}

/** Windows answers 500 or 405 for the user's part of the tree while its user is away. */
function waitForUser(target: string, { userIsThere }: Moment): 'userSignIn' | undefined {
  return isUserScope(target) && !userIsThere ? 'userSignIn' : undefined;
}

/** Whether it goes alone: the device gave up over it, or has been silent twice, and nothing else must suffer for that. */
export function goesAlone(state: SettingState | undefined): boolean {
  const { aborts = 0, unanswered = 0 } = state?.attempt ?? {};
  return aborts > 0 || unanswered >= 2;
}
