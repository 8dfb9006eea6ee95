import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to the next request: its answer is lost, it is lost itself, or it gets this status. */
export type Fault = 'loseAnswer' | 'loseRequest' | number;

/** A proxy between the product and the emulator that does harm on request. */
export interface FaultProxy {
  /** the same connection string, through the proxy */
  connectionString: string;
  /** faults of the next requests, in their order */
  next(...faults: Fault[]): void;
  /** what is left of them */
  pending(): number;
  close(): Promise<void>;
}

/** Puts a proxy in front of the table service or the blob service of a connection string. */
export async function faultProxy(connectionString: string, service: 'Table' | 'Blob'): Promise<FaultProxy> {
  const pattern = new RegExp(`${service}Endpoint=http://([^:]+):(\\d+)/`);
  const [, host, port] = pattern.exec(connectionString)!;
  const faults: Fault[] = [];
  const server = createServer(
    (incoming, outgoing) => void pass(incoming, outgoing, faults.shift(), { host: host!, port: Number(port) }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  return {
    connectionString: connectionString.replace(pattern, `${service}Endpoint=http://127.0.0.1:${own}/`),
    next: (...more) => void faults.push(...more),
    pending: () => faults.length,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
  to: { host: string; port: number },
) {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  if (fault === 'loseRequest') return incoming.socket.destroy();
  if (typeof fault === 'number') return outgoing.writeHead(fault, { 'content-length': 0 }).end();
  const onward = request({ ...to, path: incoming.url, method: incoming.method, headers: incoming.headers });
  onward.end(Buffer.concat(chunks));
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  const body: Buffer[] = [];
  for await (const chunk of answer) body.push(chunk);
  if (fault === 'loseAnswer') return incoming.socket.destroy();
  return outgoing.writeHead(answer.statusCode!, answer.headers).end(Buffer.concat(body));
}
