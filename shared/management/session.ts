import type { Fact, Join } from '../devices/device.ts';
import type { InventoryRow } from '../devices/inventory.ts';
import type { FactName } from './facts.ts';

/**
 * The running (or last) OMA-DM session of a device: row `1session`. It is rewritten by every message, so its ETag is what
 * two writers race for, and an administrator's act that must stop a running message writes it as well.
 */
export interface Session {
  /** Opaque, as the device sent it. */
  sessionId: string;
  startedAt: string;
  /** What the device said about who is signed in; decides about the ./User tree. */
  loginStatus?: 'user' | 'others' | 'none';
  /** What the last reply asked for, so that answers find what they answer. */
  asked: Asked[];
  /** Answers to the questions of the gate that came in this session. */
  joinFacts: Partial<Record<FactName, Fact>>;
  /** The join as read in this session; the gate believes no older one. */
  join?: Join;
  joinAsked: boolean;
  factsAsked: boolean;
  /** How many settings of profiles were read back in this session. */
  settingsRead?: number;
  /** What LAPS did was asked for in this session, for the command that is named. */
  lapsAsked?: string;
  /** Unenroll goes out at most once a session. */
  unenrollSent: boolean;
  /** Commands for the user's part of the tree that the device refused because it is not there yet: not again in this session. */
  heldForUser?: string[];
  /** The nonce under which a digest session was opened, base64. */
  nonce?: string;
  /** Nonces that opened sessions before this one and have not run out: none opens a second. */
  spentNonces?: { nonce: string; spentAt: string }[];
  /** The last message that was answered: if it comes again, it gets the same answer. */
  lastMsgId: number;
  lastBodyHash: string;
  lastCredential: string;
  lastAt: string;
  /** The reply, deflated; empty when it cannot be given again. */
  lastReply: Buffer;
  /** The reply holds secret data and is encrypted. */
  replySealed?: boolean;
}

export type Asked =
  | {
      kind: 'command';
      msgRef: number;
      cmdId: string;
      id: string;
      item: number;
      target: string;
      code?: number;
      originalError?: string;
      received?: Received;
      /** It was answered 202; a later Status is its result. Nothing waits for it meanwhile. */
      accepted?: true;
    }
  | { kind: 'atomic'; msgRef: number; cmdId: string; id: string }
  /** How far an installation is that command `id` began. */
  | {
      kind: 'installation';
      msgRef: number;
      cmdId: string;
      id: string;
      item: number;
      leaf: 'Status' | 'LastError';
      code?: number;
    }
  | { kind: 'fact'; msgRef: number; cmdId: string; name: FactName; code?: number; received?: Received }
  | { kind: 'inventory'; msgRef: number; cmdId: string; name: string; code?: number; rows?: InventoryRow[] }
  | { kind: 'default'; msgRef: number; cmdId: string; name: string }
  | { kind: 'push'; msgRef: number; cmdId: string; name: 'uri' | 'status'; code?: number }
  | { kind: 'setting'; msgRef: number; cmdId: string; node: string }
  /** The Atomic around settings of a profile. */
  | { kind: 'settingAtomic'; msgRef: number; cmdId: string; nodes: string[]; code?: number }
  | { kind: 'settingRead'; msgRef: number; cmdId: string; node: string; code?: number }
  | { kind: 'unenroll'; msgRef: number; cmdId: string };

/** The pieces of a value that have come, when more of it follows. */
export interface Received {
  /** What is not in a blob yet. */
  data: string;
  format?: string;
  /** What was so large that it lies in blobs: their common name, how many, and bytes and beginning of the whole so far. */
  stored?: { blob: string; parts: number; size: number; head: string };
}

/** For so long a repeated message gets the reply it had. */
export const REPLAY_FOR_MS = 15 * 60_000;
