import { type Attempt, isOpenAttempt, type SettingState } from './setting-state.ts';

/** What becomes of the state of a setting when something of it is sent, answered, or goes under. Pure. */

const DAY_MS = 86_400_000;
const MAX_DAYS = 7;
/** Sessions that a device gives up over one setting before it is set aside. */
const MAX_ABORTS = 3;
const MAX_WORD = 64;

export interface Sending {
  target: string;
  group?: string;
  hash?: string;
  verb: Attempt['verb'];
  now: Date;
  session: string;
}

/** @returns the state after it went out; what was tried before of the same value is remembered */
export function noteSent(before: SettingState | undefined, sending: Sending): SettingState {
  const { target, group, hash, verb, now, session } = sending;
  const last = before?.attempt;
  const same = last && last.hash === hash ? last : undefined;
  // Of a Delete as well: the value may be gone.
  const wasOpen = isOpenAttempt(last);
  const attempt: Attempt = {
    ...same,
    verb,
    at: now.toISOString(),
    session,
    sends: same?.session === session ? same.sends + 1 : 1,
  };
  if (hash !== undefined) attempt.hash = hash;
  if (same && same.status === undefined) attempt.unanswered = (same.unanswered ?? 0) + 1;
  if (same?.accepted) attempt.acceptedBefore = true;
  // Whether the node is there may be another matter by the next session.
  if (same?.session !== session) delete attempt.swapped;
  for (const member of ['status', 'originalError', 'accepted', 'again', 'retryAt', 'ended', 'osVersion'] as const) {
    delete attempt[member];
  }
  const after: SettingState = { ...before, target, attempt };
  if (group) after.group = group;
  if (wasOpen) after.unsure = true;
  return after;
}

export interface Answered {
  status: number;
  originalError?: string | undefined;
  now: Date;
  osVersion?: string | undefined;
}

/**
 * @returns the state after the device's word; undefined when nothing of ours is there any more. A word on what was not
 *   sent, or was answered, changes nothing.
 */
export function noteAnswered(state: SettingState, answered: Answered): SettingState | undefined {
  const { attempt } = state;
  if (!attempt || attempt.status !== undefined) return state;
  const { status } = answered;
  // Told to go twice and accepted twice: a reading would say no more.
  if (status === 202 && !(attempt.hash === undefined && attempt.acceptedBefore)) return accepted(state, attempt);
  if (attempt.hash === undefined) return removed(state, attempt, answered);
  if (isSuccess(status)) return arrived(state, attempt.hash, answered);
  const known = withDoubt(state, attempt, status);
  const swap = swapped(attempt, status);
  if (swap) return { ...known, attempt: { ...attempt, status, ...swap, again: true, swapped: true } };
  if (status === 404 || status === 406) return { ...known, attempt: notApplicable(attempt, answered) };
  return { ...known, attempt: failed(attempt, answered) };
}

/** What was there, went once more with its group and is refused now may be gone; not so what was taken back with the others. */
function withDoubt(state: SettingState, { hash }: Attempt, status: number): SettingState {
  const isRefused = status !== 507 && !ROLLED_BACK.includes(status);
  return isRefused && state.set === hash ? { ...state, unsure: true } : state;
}

function accepted(state: SettingState, attempt: Attempt): SettingState {
  return { ...state, attempt: { ...attempt, status: 202, accepted: true } };
}

/** For so long a value that was accepted need not be there. */
const ACCEPTED_FOR_MS = DAY_MS;

/**
 * What was accepted (202) has been read.
 * @param isThere whether the value is there; undefined where the node cannot be read, so that the 202 is the last word
 */
export function settleAccepted(state: SettingState, isThere: boolean | undefined, now: Date): SettingState {
  const { attempt } = state;
  const readAt = now.toISOString();
  if (!attempt?.accepted || attempt.hash === undefined) return { ...state, readAt };
  if (isThere !== false) {
    return { ...arrived(state, attempt.hash, { now }), readAt, ...(isThere === undefined && { unreadable: true }) };
  }
  if (now.getTime() - Date.parse(attempt.at) < ACCEPTED_FOR_MS) return { ...state, readAt };
  const { accepted: _, ...rest } = attempt;
  return { ...state, readAt, attempt: failed(rest, { status: 202, now }) };
}

function arrived(state: SettingState, hash: string, { now }: Pick<Answered, 'now'>): SettingState {
  const { unsure: _, attempt: __, readAt: ___, askedAt: ____, unreadable: _____, ...rest } = state;
  return { ...rest, set: hash, setAt: now.toISOString() };
}

/** Replace of a node that is not there is 404, Add of one that is 418 (MS-MDM 3.1.5.1.7): the other verb then, once. */
function swapped({ verb, swapped: done }: Attempt, status: number): Pick<Attempt, 'verb'> | undefined {
  if (done) return undefined;
  if (verb === 'Replace' && status === 404) return { verb: 'Add' };
  return verb === 'Add' && status === 418 ? { verb: 'Replace' } : undefined;
}

/** A node that is gone is gone. One that cannot be deleted stays, and is not asked to go for ever. */
function removed(state: SettingState, attempt: Attempt, answered: Answered): SettingState | undefined {
  const { status } = answered;
  if (isSuccess(status) || status === 404) return undefined;
  if (status === 405 || status === 406) {
    return { ...state, attempt: { ...failed(attempt, answered), ended: 'stays' } };
  }
  return { ...state, attempt: failed(attempt, answered) };
}

function notApplicable(attempt: Attempt, answered: Answered): Attempt {
  const { osVersion } = answered;
  return { ...failed(attempt, answered), ended: 'notApplicable', ...(osVersion !== undefined && { osVersion }) };
}

/** Part of an Atomic that was taken back, or not begun: nothing is wrong with it. */
const ROLLED_BACK = [215, 216, 516];

/** 214 to 216 say that it was cancelled, not begun, or taken back. */
function isSuccess(status: number): boolean {
  return status >= 200 && status < 300 && status !== 214 && !ROLLED_BACK.includes(status);
}

/** First with the next session, then after 1, 2, 4 and 7 days. */
function failed(attempt: Attempt, { status, originalError, now }: Answered): Attempt {
  const { retryAt: _, unanswered: __, aborts: ___, ...rest } = attempt;
  const failures = (attempt.failures ?? 0) + 1;
  const days = failures < 2 ? 0 : Math.min(2 ** (failures - 2), MAX_DAYS);
  return {
    ...rest,
    status,
    ...(originalError && { originalError: originalError.slice(0, MAX_WORD) }),
    failures,
    since: attempt.since ?? now.toISOString(),
    ...(days > 0 && { retryAt: new Date(now.getTime() + days * DAY_MS).toISOString() }),
    ...(ROLLED_BACK.includes(status) && { again: true as const }),
  };
}

/** @returns the state of a secret that the key does not open any more, so that it was not sent */
export function noteUnreadable(before: SettingState | undefined, sending: Sending): SettingState {
  const state = noteSent(before, sending);
  const attempt = state.attempt as Attempt;
  return { ...state, attempt: { ...failed(attempt, { status: UNREADABLE, now: sending.now }), sends: 0 } };
}

/** In place of the device's word, which was not asked. */
export const UNREADABLE = 0;

/** The device gave the session up over a message that held this: it goes alone from now on, and not for ever. */
export function noteAborted(state: SettingState, now: Date): SettingState {
  const { attempt } = state;
  if (!attempt || attempt.status !== undefined) return state;
  const aborts = (attempt.aborts ?? 0) + 1;
  const since = attempt.since ?? now.toISOString();
  return { ...state, attempt: { ...attempt, aborts, since, ...(aborts >= MAX_ABORTS && { ended: 'rejected' }) } };
}
