import * as z from 'zod';
import type { Policy } from '../catalogue/policy.ts';
import { DEVICE_ROW, type Device, hasLeft } from '../devices/device.ts';
import { readDevice, untilWritten } from '../devices/device-rows.ts';
import { SYNC_NOW } from '../devices/next-contact.ts';
import { type Idempotency, recall, remember } from '../idempotency/idempotency.ts';
import { conflict, Problem, serviceUnavailable } from '../platform/problem.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { channelProblem } from './channel.ts';
import { readPushSecret } from './push-secret.ts';
import { type Sent, sendNotification } from './wns.ts';

/** Has a device call now, where the organisation has set up push. It queues nothing. */
export const syncNow = {
  name: 'sync-now',
  summary: 'Wakes the device, so that it calls now. Only where push is set up; it is no promise that it comes.',
  input: z.strictObject({}),
};

export interface SyncNowDone {
  /** What WNS said of it. `received` is no proof that the device got it. */
  wns: Extract<Sent, { kind: 'taken' }>['wns'];
  /** Whether the device is connected to WNS, where that was said. */
  device?: string;
  /** The same in words. */
  warnings: string[];
}

/**
 * Sends one notification to the device's channel. A call that is repeated under its Idempotency-Key sends no second one.
 * @throws {Problem} 404; 409 where push is off or the device has no channel; 502 where the token or the notification is
 *   refused; 503 with Retry-After where WNS wants to be left alone. Each says how somebody at the PC does it by hand
 */
export async function wakeDevice(
  storage: Storage,
  deviceId: string,
  { policy, now, idempotency }: { policy: Policy; now: Date; idempotency: Idempotency | undefined },
): Promise<SyncNowDone> {
  const table = storage.table('devices');
  const { value: device } = await readDevice(storage, deviceId);
  const before = await recall<SyncNowDone>(table, deviceId, idempotency, now);
  if (before) return before;
  const uri = channelOf(device, policy, now);
  const secret = await readPushSecret(storage);
  if (secret === undefined) {
    throw conflict(`Push has no client secret: PUT /api/push-secret gives it one. ${SYNC_NOW}`);
  }
  const sent = await sendNotification(uri, { packageSid: policy.push.packageSid, secret });
  if (sent.kind === 'gone') await forgetChannel(storage, deviceId, uri, now);
  const done = doneOr(sent);
  if (idempotency) await table.write(deviceId, remember(idempotency, done, now));
  return done;
}

function channelOf(device: Device, { push }: Policy, now: Date): string {
  if (hasLeft(device) || device.state === 'blocked') {
    throw conflict(`The device is ${device.state}: it is not woken any more.`);
  }
  if (push.packageFamilyName === '') throw conflict(`Push is not set up (settings: push). ${SYNC_NOW}`);
  const problem = channelProblem(device.push, now);
  if (problem || !device.push?.uri) throw conflict(`${problem} ${SYNC_NOW}`);
  return device.push.uri;
}

function doneOr(sent: Sent): SyncNowDone {
  switch (sent.kind) {
    case 'taken':
      return { wns: sent.wns, ...(sent.device && { device: sent.device }), warnings: wordsOf(sent) };
    case 'gone':
      throw conflict(`WNS says that the device's channel is no more; its next session reads a new one. ${SYNC_NOW}`);
    case 'wait': {
      const { reason, seconds } = sent;
      throw serviceUnavailable(`${reason}. Try again in ${seconds} seconds. ${SYNC_NOW}`, seconds);
    }
    case 'failed':
      throw new Problem(502, 'Push failed', `${sent.reason} ${SYNC_NOW}`);
  }
}

const SAYINGS: Record<SyncNowDone['wns'], string> = {
  received: 'WNS has taken the notification. That is no proof that the device gets it.',
  dropped: 'WNS has dropped the notification: the device does not take any at the moment.',
  throttled: 'WNS has dropped the notification: too many went to this device in a short time.',
  unknown: 'WNS answered 200 without saying what it does with the notification.',
};
const CONNECTIONS: Record<string, string> = {
  connected: 'The device is connected to WNS.',
  disconnected: 'The device is not connected to WNS; the notification waits eight hours for it.',
  tempdisconnected: 'The device is not connected to WNS at the moment; the notification waits eight hours for it.',
};

function wordsOf({ wns, device }: Extract<Sent, { kind: 'taken' }>): string[] {
  const connection = wns === 'received' ? CONNECTIONS[device ?? ''] : undefined;
  return [SAYINGS[wns], ...(connection ? [connection] : []), SYNC_NOW];
}

/** Unless a session has read another one meanwhile. */
async function forgetChannel(storage: Storage, deviceId: string, uri: string, now: Date): Promise<void> {
  await untilWritten(async () => {
    const { value: device, etag } = await readDevice(storage, deviceId);
    if (device.push?.uri !== uri) return true;
    const { uri: _, ...push } = device.push;
    const value: Device = {
      ...device,
      push: { ...push, goneAt: now.toISOString() },
      revision: device.revision + 1,
    };
    const changes = [{ kind: 'replace' as const, rowKey: DEVICE_ROW, value, etag }];
    return (await tryWrite(storage.table('devices'), deviceId, changes)) || undefined;
  });
}
