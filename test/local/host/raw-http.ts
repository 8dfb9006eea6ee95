import http from 'node:http';
import https from 'node:https';

export interface RawReply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface RawRequest extends https.RequestOptions {
  method?: string;
  body?: string | Buffer;
}

/** One request on a connection of its own, sent as it stands: Node adds no header to `headers` but Host and Connection. */
export function send(url: string, options: RawRequest = {}): Promise<RawReply> {
  const { protocol, hostname, port } = new URL(url);
  const path = url.slice(url.indexOf('/', 8) < 0 ? url.length : url.indexOf('/', 8)) || '/';
  const client = protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request(
      { host: hostname.replace(/^\[|\]$/g, ''), port, path, agent: false, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}
