import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';

export interface ServerTls {
  key: string;
  cert: string;
  clientCertificates: 'off' | 'required';
}

export interface OpenListener {
  port: number;
  /** Ends at once what is idle, gives running requests `graceMilliseconds`, then ends everything. */
  close(graceMilliseconds: number): Promise<void>;
}

const defaultHosts = ['127.0.0.1', '::1'];
/** Kestrel's limit for all request headers together. */
const mostHeaderBytes = 32 * 1024;
/** Longer than clients keep a connection for reuse, so that they are the ones to end it. */
const keepAliveMilliseconds = 130_000;

/**
 * Listens on one port of several addresses. Port 0 takes a free one, the same on all addresses. An IPv6 address after
 * the first is left out on a machine without IPv6.
 * Throws an Error that names port and address when the port is taken or not allowed; nothing stays open then.
 */
export async function openListener(
  options: { port: number; hosts?: string[]; tls?: ServerTls },
  handle: http.RequestListener,
): Promise<OpenListener> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openAll(options, handle);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!(taken && options.port === 0 && attempt < 20)) throw error;
    }
  }
}

async function openAll(
  options: { port: number; hosts?: string[]; tls?: ServerTls },
  handle: http.RequestListener,
): Promise<OpenListener> {
  const servers: TrackedServer[] = [];
  let port = options.port;
  try {
    for (const host of options.hosts ?? defaultHosts) {
      const server = new TrackedServer(options.tls, handle);
      if (await server.listen(port, host, isIPv6(host) && servers.length > 0)) servers.push(server);
      port = servers[0]?.port ?? port;
    }
  } catch (error) {
    await Promise.all(servers.map((server) => server.close(0)));
    throw error;
  }
  const close = async (grace: number): Promise<void> => {
    await Promise.all(servers.map((server) => server.close(grace)));
  };
  return { port, close };
}

class TrackedServer {
  readonly #server: http.Server | https.Server;
  /** Every connection, also one in the middle of a TLS handshake, which the server itself does not list. */
  readonly #sockets = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #closing = false;

  constructor(tls: ServerTls | undefined, handle: http.RequestListener) {
    const common = { maxHeaderSize: mostHeaderBytes, keepAliveTimeout: keepAliveMilliseconds };
    this.#server = tls ? https.createServer({ ...common, ...tlsOptions(tls) }) : http.createServer(common);
    for (const event of ['connection', 'secureConnection']) {
      this.#server.on(event, (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
    }
    this.#server.on('request', (request, response) => {
      this.#busy.add(request.socket);
      response.once('close', () => this.#release(request.socket));
      handle(request, response);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** False when the machine does not have the address and that is no matter. */
  listen(port: number, host: string, optional: boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const missing = error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
        if (missing && optional) resolve(false);
        else reject(listenError(error, port, host));
      });
      // Without this `::` takes IPv4 as well, and `0.0.0.0` beside it would find its port taken.
      this.#server.listen({ port, host, ipv6Only: isIPv6(host) }, () => resolve(true));
    });
  }

  async close(grace: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#busy.size === 0) this.#end();
    const timer = setTimeout(() => this.#destroy(), grace);
    await closed;
    clearTimeout(timer);
  }

  #release(socket: Socket): void {
    this.#busy.delete(socket);
    if (this.#closing && this.#busy.size === 0) this.#end();
  }

  /** Ends every connection when what was written has left. */
  #end(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }

  #destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/**
 * The platform accepts every certificate in the handshake and validates none, so this one does neither; no CA names are
 * sent, so that the client offers whatever it has.
 */
function tlsOptions(tls: ServerTls): https.ServerOptions {
  return {
    key: tls.key,
    cert: tls.cert,
    requestCert: tls.clientCertificates === 'required',
    rejectUnauthorized: false,
  };
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'is already in use. Stop the program that holds it, or choose another port',
    EACCES: 'may not be opened by this user. Choose a port above 1023',
    EADDRNOTAVAIL: 'cannot be opened, because this machine does not have that address',
  };
  const reason = reasons[error.code ?? ''] ?? `cannot be opened: ${error.message}`;
  return Object.assign(new Error(`Port ${port} on ${host} ${reason}.`), { code: error.code });
}
