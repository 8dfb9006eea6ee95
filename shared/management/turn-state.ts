import type { Device } from '../devices/device.ts';
import type { Profile } from '../profiles/profile.ts';
import type { Change } from '../storage/tables.ts';
import type { ClientMessage } from '../wire/syncml.ts';
import type { ReplyBuilder } from './reply-builder.ts';
import type { Session } from './session.ts';
import type { WantedDefault } from './wanted-defaults.ts';
import type { WorkingCopy } from './working-copy.ts';

/** What goes into a turn, what comes out, and what its parts share on the way. */

export interface TurnInput {
  message: ClientMessage;
  /** SHA-256 of the request's bytes, hex. */
  bodyHash: string;
  /** What proved the caller: certificate thumbprint, or the digest. */
  credential: string;
  /** True for the first message of a session that may be answered: MsgID 1, or in digest mode the one after the challenge. */
  opens: boolean;
  nonce?: string;
  now: Date;
  /** What the organisation gives every PC; absent: nothing. */
  defaults?: readonly WantedDefault[];
  /** Days after which the inventory is read again, 0 for only when asked for; absent: it is not read. */
  inventoryDays?: number;
  /** The profiles of the organisation; absent: not known, so that nothing is set and nothing taken away. */
  profiles?: readonly Profile[] | undefined;
  /**
   * The secret values of those that are for this device, by what is stored of them; undefined for what cannot be decrypted.
   * What is not in it waits: the key could not be read at this moment.
   */
  profileSecrets?: ReadonlyMap<string, string | undefined>;
  /**
   * The secret data of the commands that were read, by command and item; undefined for what cannot be decrypted. A command
   * that is not in it stays as it is: the key could not be read at this moment.
   */
  secrets?: ReadonlyMap<string, ReadonlyMap<number, string | undefined>>;
}

export interface TurnOutcome {
  reply: Buffer;
  /** One transaction; empty when the message changes nothing. */
  changes: Change[];
  /** Results too large for a row; they are written before the transaction. */
  blobs: LargeResult[];
  /** Blobs that nothing names any more; they are emptied after the transaction. */
  obsolete: string[];
  /** The reply holds secret data, and so does the session row until its `lastReply` is sealed. */
  holdsSecret: boolean;
  /** The record after this turn. */
  device: Device;
  /** True when the device list has to follow: the record changed, or this is the first contact of a day. */
  listDue: boolean;
  /** True when commands beyond those that were read are needed: nothing else can be sent, or one of them was answered. */
  starved: boolean;
}

/** What the parts of a turn share. */
export interface Turn {
  readonly input: TurnInput;
  readonly copy: WorkingCopy;
  readonly reply: ReplyBuilder;
  readonly blobs: LargeResult[];
  session: Session;
  /** The device aborted the session (alert 1223) or refused the message: it gets statuses and nothing more. */
  aborted: boolean;
  /** Secret data went into the reply. */
  secretSent: boolean;
  /** The device reported that it removes the enrollment, or failed to. */
  unenrollReported: boolean;
  /** An answer is for a command beyond those that were read. */
  answersUnread: boolean;
}

/** A result that is too large for a row; `name` is its blob. */
export interface LargeResult {
  name: string;
  data: Buffer;
}
