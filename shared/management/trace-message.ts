import { inflateRawSync } from 'node:zlib';
import { errorFacts, type Log } from '../platform/log.ts';
import type { Storage } from '../storage/storage.ts';
import { traceOf } from '../trace/exchange.ts';
import { keepExchange } from '../trace/trace.ts';
import { isTraced } from '../trace/trace-switch.ts';
import { isSameNode } from '../wire/node-path.ts';
import type { Session } from './session.ts';
import type { TurnOutcome } from './turn-state.ts';
import type { Snapshot } from './working-copy.ts';

/**
 * Keeps a message and its reply where its device is traced: one call, and none for any other device. A trace that cannot
 * be kept does not cost the device its reply.
 */
export async function traceMessage(
  { storage, log }: { storage: Storage; log: Log },
  v: { snapshot: Snapshot; received: Buffer; outcome: TurnOutcome; now: Date },
): Promise<void> {
  const { snapshot, received, outcome, now } = v;
  const device = snapshot.device.value;
  if (!isTraced(device, now)) return;
  try {
    const exchange = traceOf({
      at: now,
      received,
      sent: outcome.reply,
      before: replyOf(snapshot.session?.value),
      repeated: outcome.changes.length === 0,
      isSecret: secretNodes(snapshot),
    });
    await keepExchange(storage, device.id, exchange);
  } catch (error) {
    log.warn('A message could not be traced', errorFacts(error));
  }
}

/** The message that this one answers. Where it held secret data, the answers are told without it. */
function replyOf(session: Session | undefined): Buffer {
  if (!session || session.replySealed || session.lastReply.length === 0) return Buffer.alloc(0);
  return inflateRawSync(session.lastReply);
}

/** What an administrator has marked as a secret is one, whatever node it is for. */
function secretNodes({ commands }: Snapshot): (locUri: string) => boolean {
  const marked = commands.flatMap(({ value }) =>
    value.items.filter(({ secret }) => secret).map(({ target }) => target),
  );
  return (locUri) => marked.some((target) => isSameNode(target, locUri));
}
