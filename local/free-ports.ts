import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that a system gives to whoever asks for any (RFC 6335: from 49152; Linux: from 32768). */
const FIRST_PORT = 12_000;
const LAST_PORT = 31_999;

/**
 * Ports that are free: an app is told its own address before it listens. Nobody who asks the system for any port gets one of
 * them in the meantime.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
