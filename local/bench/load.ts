import { type Agent, request } from 'node:https';
import { performance } from 'node:perf_hooks';

/** One caller with a connection of its own, as a device has it. */
export interface Caller {
  agent: Agent;
  /** The next request; undefined ends this caller. */
  next(): { url: string; body: Buffer; headers: Record<string, string> } | undefined;
}

export interface Figures {
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  count: number;
}

/** Lets all callers send one request after the other until they have none left. @throws Error at the first unexpected answer */
export async function load(callers: readonly Caller[]): Promise<Figures> {
  const times: number[] = [];
  const begin = performance.now();
  await Promise.all(
    callers.map(async (caller) => {
      for (let call = caller.next(); call; call = caller.next()) {
        const start = performance.now();
        await post(caller.agent, call);
        times.push(performance.now() - start);
      }
    }),
  );
  const seconds = (performance.now() - begin) / 1_000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99), count: times.length };
}

/** @returns the body of a 200. @throws Error for anything else */
export function post(
  agent: Agent,
  call: { url: string; body: Buffer; headers: Record<string, string> },
): Promise<Buffer> {
  const headers = { ...call.headers, 'content-length': String(call.body.length) };
  return new Promise((resolve, reject) => {
    const sent = request(call.url, { method: 'POST', agent, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const body = Buffer.concat(chunks);
        if (reply.statusCode === 200) resolve(body);
        else reject(new Error(`${call.url} answered ${reply.statusCode}: ${body.toString().slice(0, 300)}`));
      });
    });
    sent.on('error', reject);
    sent.end(call.body);
  });
}
