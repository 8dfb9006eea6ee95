import { createHmac } from 'node:crypto';
import { digestMatches } from '../wire/digest.ts';
import type { SyncHdr } from '../wire/syncml.ts';
import { statusElement, writeSyncML } from '../wire/syncml-writer.ts';
import type { Session } from './session.ts';

/**
 * OMA-DM MD5 authentication (OMA-DM Security 5.1.3), for deployments that cannot ask for client certificates.
 *
 * The challenge stores nothing: its nonce is an HMAC over the device, the session and the minute. A credential does not
 * say which nonce it was made from, so a nonce cannot carry a random part; the server tries the minutes of the last ten.
 * A nonce opens one session and is kept in the session row from then on.
 */

const MINUTE_MS = 60_000;
const NONCE_MINUTES = 10;

export type DigestVerdict =
  /** No credential yet, or a wrong one: the reply is the challenge and nothing else. */
  | { kind: 'challenge'; code: 401 | 407 }
  /** Proved with a fresh nonce: this message opens a session. */
  | { kind: 'opens'; nonce: string }
  /** Proved with the nonce of the running session. */
  | { kind: 'continues' };

/** @returns the nonce (base64, 16 bytes) of one session in the minute `minutesAgo` before `now`. */
export function challengeNonce(key: Buffer, header: SyncHdr, now: Date, minutesAgo = 0): string {
  const minute = Math.floor(now.getTime() / MINUTE_MS) - minutesAgo;
  const { source, sessionId } = header;
  const mac = createHmac('sha256', key)
    .update(JSON.stringify(['digest nonce', source, sessionId, minute]))
    .digest();
  return mac.subarray(0, 16).toString('base64');
}

/**
 * @param stored B64(MD5(name:secret)) of the enrollment that LocName names; undefined when there is none, and then the
 *   same work is done and the same challenge given
 */
export function verifyDigest(
  key: Buffer,
  header: SyncHdr,
  stored: string | undefined,
  session: Session | undefined,
  now: Date,
): DigestVerdict {
  const { cred } = header;
  if (!cred) return { kind: 'challenge', code: 407 };
  const matches = (nonce: string) => digestMatches(cred.data, stored ?? '', Buffer.from(nonce, 'base64'));
  const known = stored !== undefined && cred.type === 'syncml:auth-md5';

  if (session?.nonce && session.sessionId === header.sessionId && matches(session.nonce) && known) {
    return { kind: 'continues' };
  }
  let opening: string | undefined;
  for (let minutesAgo = 0; minutesAgo <= NONCE_MINUTES; minutesAgo += 1) {
    const nonce = challengeNonce(key, header, now, minutesAgo);
    if (matches(nonce)) opening = nonce;
  }
  const isSpent = opening === session?.nonce || (session?.spentNonces?.some(({ nonce }) => nonce === opening) ?? false);
  const usable = known && opening !== undefined && !isSpent;
  return usable && opening ? { kind: 'opens', nonce: opening } : { kind: 'challenge', code: 401 };
}

/** @returns the nonces that a session that opens now after `before` has to refuse, as long as they would be taken. */
export function spentNonces(before: Session | undefined, now: Date): Session['spentNonces'] {
  if (!before?.nonce) return undefined;
  const spent = [...(before.spentNonces ?? []), { nonce: before.nonce, spentAt: before.startedAt }];
  return spent.filter(({ spentAt }) => now.getTime() - Date.parse(spentAt) <= (NONCE_MINUTES + 1) * MINUTE_MS);
}

/** The reply to a message without a credential (407) or with a wrong one (401): one Status, no Final. */
export function challengeReply(key: Buffer, header: SyncHdr, code: 401 | 407, now: Date): Buffer {
  const status = statusElement(1, {
    msgRef: header.msgId,
    cmdRef: '0',
    cmd: 'SyncHdr',
    targetRef: header.target,
    sourceRef: header.source,
    code,
    chal: { type: 'syncml:auth-md5', format: 'b64', nextNonce: challengeNonce(key, header, now) },
  });
  const { sessionId, msgId, target, source } = header;
  return writeSyncML({ sessionId, msgId: Number(msgId), target: source, source: target, body: [status], final: false });
}
