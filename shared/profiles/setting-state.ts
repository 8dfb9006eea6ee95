import type { Verb } from '../commands/command.ts';

/** What is known of the settings of one device: row `2profiles` of its partition. */
export interface DeviceProfiles {
  /** By node. */
  settings: Record<string, SettingState>;
}

export const PROFILES_OF_DEVICE_ROW = '2profiles';

export interface SettingState {
  /** As it was last sent. */
  target: string;
  /** Its changes go in an Atomic with those of the same group. */
  group?: string;
  /** Hash of the value of ours that the device has, as its answers say. */
  set?: string;
  /** When it said so. */
  setAt?: string;
  /** A write of ours was never answered: something of ours may be there, and what was set may not. */
  unsure?: true;
  /** The last thing that was sent, while it has not come to what it should. */
  attempt?: Attempt;
  /** When the value was last read back. */
  readAt?: string;
  /** When it was last asked for, while no answer has come. */
  askedAt?: string;
  /** The value cannot be read back: the device refused that. */
  unreadable?: true;
  /** How often somebody else had changed it, since when, and when that was last seen; counted anew after a quiet week. */
  drifts?: number;
  driftSince?: string;
  driftAt?: string;
}

export interface Attempt {
  /** Of the value that was sent; absent where it was to be taken away. */
  hash?: string;
  verb: Exclude<Verb, 'Get' | 'Exec'>;
  at: string;
  /** The session it was sent in. */
  session: string;
  /** How often in that session. */
  sends: number;
  /** What the device answered; absent before it has. */
  status?: number;
  originalError?: string;
  /** It was answered 202: the device works on it. Whether it has come to something is read later. */
  accepted?: true;
  /** The one before of the same value was answered so, too. */
  acceptedBefore?: true;
  /** It may go at once: as another verb, or because it was taken back with others. */
  again?: true;
  /** Replace was changed for Add, or back: that is done once in a session. */
  swapped?: true;
  /** Answers in a row that said no, since when, and when it is tried again. */
  failures?: number;
  since?: string;
  retryAt?: string;
  /** How often in a row it was sent again because no answer had come. */
  unanswered?: number;
  /** Sessions that the device gave up over a message with this in it. */
  aborts?: number;
  /** It is not sent any more until the value changes. */
  ended?: 'notApplicable' | 'rejected' | 'stays';
  /** The version of Windows that does not know it; another one may. */
  osVersion?: string;
}

/** Nobody knows yet what has come of it: it was not answered, or only accepted. */
export function isOpenAttempt(attempt: Attempt | undefined): boolean {
  return attempt !== undefined && (attempt.status === undefined || attempt.accepted === true);
}

/** Something that we wrote is there, or may be. */
export function isOurs(state: SettingState): boolean {
  const { attempt } = state;
  const isOpen = isOpenAttempt(attempt) && attempt?.hash !== undefined;
  return state.set !== undefined || state.unsure === true || isOpen;
}
