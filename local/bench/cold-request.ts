import { type Agent, request } from 'node:https';

export interface ColdRequest {
  method: string;
  body?: Buffer;
  headers?: Record<string, string>;
}

/** Sends one request on a connection of its own. @throws Error unless the reply has the status that is expected */
export function send(
  agent: Agent,
  url: string,
  expected: number,
  { method, body, headers }: ColdRequest,
): Promise<void> {
  const length = { 'content-type': 'application/vnd.syncml.dm+xml', 'content-length': String(body?.length ?? 0) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers: { ...length, ...headers } }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        if (reply.statusCode === expected) resolve();
        else
          reject(new Error(`${url} answered ${reply.statusCode}: ${Buffer.concat(chunks).toString().slice(0, 300)}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
