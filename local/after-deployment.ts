import { execFile } from 'node:child_process';
import { request } from 'node:https';
import { parseArgs, promisify } from 'node:util';
import { deploymentOutputs } from './deployment-outputs.ts';
import { finishDeployment, type Outside, type OutsideReply } from './finish-deployment.ts';

/**
 * `npm run after-deployment`: azd runs it after each deployment. By hand with `-- --deployment NAME`, the name of the deployment
 * in the subscription, or with its outputs in the environment.
 */

const run = promisify(execFile);
/** The Azure CLI is a script on Windows, which is only found by a shell. */
const shell = process.platform === 'win32';

async function az(args: string[]): Promise<string> {
  try {
    return (await run('az', args, { shell, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { code, stderr, message } = error as { code?: string; stderr?: string; message: string };
    if (code === 'ENOENT') throw new Error('The Azure CLI (az) is not installed, or not in the path.');
    throw new Error(`az ${args.slice(0, 3).join(' ')}: ${stderr?.trim() || message}`);
  }
}

const send: Outside['send'] = (method, url, headers, body) =>
  new Promise<OutsideReply>((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...headers, ...length }, agent: false, timeout: 120_000 };
    const call = request(url, options, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks).toString() });
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${url} does not answer`)));
    call.on('error', reject);
    call.end(body);
  });

async function finish(): Promise<boolean> {
  const { deployment } = parseArgs({ options: { deployment: { type: 'string' } } }).values;
  const outputs = deployment === undefined ? {} : await deploymentOutputs(az, deployment);
  const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
  const env = { ...process.env, ...outputs };
  return finishDeployment({ env, az, send, wait, print: (line) => console.log(line) });
}

finish().then(
  (right) => process.exit(right ? 0 : 1),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
