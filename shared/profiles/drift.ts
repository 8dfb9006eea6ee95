import { nodePath, relation } from '../wire/node-path.ts';
import { isDone } from './decision.ts';
import { settleAccepted } from './outcome.ts';
import type { ProfileSetting } from './profile.ts';
import type { SettingState } from './setting-state.ts';
import type { Wanted } from './wanted.ts';

/**
 * Finds what somebody else has changed, by reading back the nodes that we set: each once a day. Of a policy the node below
 * `Policy/Config` is read, which holds what management set, and not `Policy/Result`: that one holds what Windows made of
 * all sources, and may rightly differ from ours (Microsoft Learn, Policy CSP).
 */

/** How often a setting is read back. */
export const READ_EVERY_MS = 86_400_000;
/** What was accepted (202) is read by each session until it is there, but not by the one that it was sent in. */
const READ_ACCEPTED_AFTER_MS = 5 * 60_000;
/** Readings of one session; the oldest first, so that all have their turn. */
export const READS_PER_SESSION = 20;

/** @returns the nodes that are to be read back now, the longest unread first */
export function readingsDue(
  wanted: ReadonlyMap<string, Wanted>,
  states: Readonly<Record<string, SettingState>>,
  now: Date,
): string[] {
  const due = [...wanted.values()].flatMap(({ node, hash, held }): { node: string; at: string }[] => {
    const state = states[node];
    if (!held && state && isAccepted(state, hash)) return acceptedDue(node, state, now);
    if (held || !state || !isDone(state, hash) || state.unreadable) return [];
    // Without an answer it is asked for again as late: the device may give its session up over it.
    const at = state.askedAt ?? state.readAt ?? state.setAt ?? '';
    return now.getTime() - (Date.parse(at) || 0) >= READ_EVERY_MS ? [{ node, at }] : [];
  });
  return due.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.node < b.node ? -1 : 1)).map(({ node }) => node);
}

function isAccepted({ attempt }: SettingState, hash: string): boolean {
  return attempt?.accepted === true && attempt.hash === hash;
}

function acceptedDue(
  node: string,
  { attempt, askedAt, readAt }: SettingState,
  now: Date,
): { node: string; at: string }[] {
  const at = [attempt?.at ?? '', askedAt ?? '', readAt ?? ''].sort().at(-1) ?? '';
  return now.getTime() - Date.parse(at) >= READ_ACCEPTED_AFTER_MS ? [{ node, at }] : [];
}

/** What a Get of a node brought: `value` is there when the status is 200 and it came whole. */
export interface Reading {
  status: number;
  value?: string | undefined;
  now: Date;
}

/** @returns the state after a reading; without `set` where the value is not ours any more, so that it is sent again */
export function noteReading(asked: SettingState, wanted: Wanted | undefined, reading: Reading): SettingState {
  const { askedAt: _, ...state } = asked;
  const readAt = reading.now.toISOString();
  const shown = wanted && isThere(wanted, reading);
  if (wanted && isAccepted(state, wanted.hash)) return settleAccepted(state, shown, reading.now);
  if (state.set === undefined || wanted?.hash !== state.set) return { ...state, readAt };
  if (shown === undefined) return { ...state, readAt, unreadable: true };
  if (shown) return { ...state, readAt };
  const { set: __, setAt: ___, ...rest } = state;
  // What there is now is somebody else's or nothing, but ours is the node: it is taken away with the profile.
  const { count, since } = driftsOf(state, reading.now) ?? { count: 0, since: readAt };
  return { ...rest, readAt, unsure: true, drifts: count + 1, driftSince: since, driftAt: readAt };
}

/** @returns whether a value is there; undefined where the node cannot be read */
function isThere(wanted: Wanted, { status, value }: Reading): boolean | undefined {
  if (status === 404) return false;
  if (status !== 200) return undefined;
  return value === undefined || showsOtherwise(wanted) || isSame(wanted, value);
}

/** What was not undone for so long is not undone again and again. */
const QUIET_MS = 7 * 86_400_000;

/** @returns how often in a row it was undone, and since when; undefined where that is over */
export function driftsOf(
  { drifts, driftSince, driftAt }: SettingState,
  now: Date,
): { count: number; since: string } | undefined {
  if (!drifts || !driftAt || now.getTime() - Date.parse(driftAt) > QUIET_MS) return undefined;
  return { count: drifts, since: driftSince ?? driftAt };
}

/** Nodes that answer a Get with a state, or in words of their own, and not with what was set. */
const SHOW_OTHERWISE = [
  // BitLocker CSP: the answer is whether it is enforced by now
  'BitLocker/RequireDeviceEncryption',
  'BitLocker/RequireStorageCardEncryption',
];

/** Of these only that the node is there can be seen: Windows writes XML anew, and does not give secrets out. */
function showsOtherwise({ target, format, value, secret }: Wanted): boolean {
  const isMarkup = format === 'xml' || value?.trimStart().startsWith('<');
  return (
    secret === true || isMarkup === true || SHOW_OTHERWISE.some((node) => relation(nodePath(target), node) === 'at')
  );
}

function isSame({ value = '', format }: Wanted, read: string): boolean {
  return plain(format, value) === plain(format, read);
}

/** A value as it is compared: what Windows writes in another way is the same. */
function plain(format: ProfileSetting['format'], value: string): string {
  if (format === 'b64') return value.replace(/\s/g, '');
  if (format === 'bool') return value.trim().toLowerCase();
  const text = value.trim();
  return format === 'int' && /^-?\d+$/.test(text) ? String(Number(text)) : text;
}
