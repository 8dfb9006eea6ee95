import { request } from 'node:https';
import { parseArgs } from 'node:util';
import { inSubscription } from './azure-cli.ts';
import { deploymentOutputs } from './deployment-outputs.ts';
import type { Outside, OutsideReply } from './deployment-outside.ts';
import { finishDeployment } from './finish-deployment.ts';
import { runTool } from './run-tool.ts';

/**
 * `npm run after-deployment`: azd runs it after each deployment. By hand with the name of the deployment in the subscription
 * (`npm run after-deployment NAME`), or with its outputs in the environment.
 */

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

const az = (args: string[]) => runTool('az', args, AZ_TIMEOUT_MS);
/** The first time it fetches Bicep and waits for a deployment. */
const AZ_TIMEOUT_MS = 600_000;

async function finish(): Promise<boolean> {
  // PowerShell takes the -- away from npm run, and npm then takes --deployment: what is left of it is the name.
  const options = { deployment: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const name = values.deployment ?? positionals[0];
  const inIt = inSubscription(az, process.env['AZURE_SUBSCRIPTION_ID']);
  const outputs = name === undefined ? {} : await deploymentOutputs(inIt, name);
  return finishDeployment({
    env: { ...process.env, ...outputs },
    platform: process.platform,
    az,
    send,
    wait: (ms) => new Promise((done) => setTimeout(done, ms)),
    print: (line) => console.log(line),
    printError: (line) => console.error(line),
  });
}

finish().then(
  (right) => process.exit(right ? 0 : 1),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
