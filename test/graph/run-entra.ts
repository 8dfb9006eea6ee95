import { AdminApiError } from '../../local/admin-client.ts';
import { ToolError } from '../../local/azure/run-tool.ts';
import { runEntra } from '../../local/entra-setup/command.ts';
import { DEFAULT_POLICY, type Policy, policySchema } from '../../shared/catalogue/policy.ts';
import { type Directory, TENANT_ID } from './directory.ts';
import { graphFetch } from './graph-fetch.ts';

/** The machine of an administrator: what the Azure CLI, azd and the environment say there. */
export class AdministratorsMachine {
  readonly directory: Directory;
  /** The azd environment; undefined where there is none. */
  azd: Record<string, string> | undefined = { AZURE_ENV_NAME: 'contoso' };
  env: Record<string, string> = {};
  platform: NodeJS.Platform = 'linux';
  /** What the Azure CLI says of a subscription; undefined where the account sees none. */
  subscription: { tenantId: string; homeTenantId?: string } | undefined = { tenantId: TENANT_ID };
  /** The outputs of deployments of the subscription, as Azure names them, by the name of the deployment. */
  deployments: Record<string, Record<string, { value: string }>> = {};
  /** What the Azure CLI says instead of a token. */
  azFailure: ToolError | undefined;
  /** What the person answers; undefined where nobody can be asked. */
  answer: boolean | undefined;
  /** Calls of the tools, as they would be typed. */
  ran: string[] = [];
  /** Milliseconds that were waited for something. */
  waited: number[] = [];
  fetch: typeof fetch;
  /** The organisation's settings at the admin API. */
  settings: Policy = structuredClone(DEFAULT_POLICY);
  /** How the admin API was called: method and proof. */
  adminCalls: string[] = [];

  constructor(directory: Directory) {
    this.directory = directory;
    this.fetch = graphFetch(directory);
  }

  /** Types a command. @returns its exit code and what it printed */
  async type(...args: string[]): Promise<{ code: number; text: string }> {
    const lines: string[] = [];
    const code = await runEntra(args, {
      fetch: (...call) => this.fetch(...call),
      wait: async (ms) => {
        this.waited.push(ms);
      },
      print: (line) => lines.push(line),
      ask: async () => this.answer,
      env: this.env,
      platform: this.platform,
      admin: (url, proof) => ({ call: (method, path, body) => this.#admin(`${url}${path}`, proof, method, body) }),
      run: (tool, toolArgs) => this.#run(tool, toolArgs),
    });
    return { code, text: lines.join('\n') };
  }

  /** What the admin API would do: the whole is checked, and what is left out takes its default. */
  async #admin<T>(url: string, proof: object, method: string, body: unknown): Promise<T> {
    this.adminCalls.push(`${method} ${url} ${JSON.stringify(proof)}`);
    if (!JSON.stringify(proof).includes('good'))
      throw new AdminApiError(401, 'The key or the token is wrong or missing (401).');
    if (method === 'PUT') this.settings = policySchema.parse(body);
    return { ...this.settings, push: { ...this.settings.push, hasSecret: false } } as T;
  }

  async #run(tool: string, args: string[]): Promise<string> {
    this.ran.push([tool, ...args].join(' '));
    if (tool === 'az') {
      if (this.azFailure) throw this.azFailure;
      if (args[1] === 'show') {
        if (!this.subscription) throw new ToolError("Please run 'az login' to setup account.", false);
        return JSON.stringify({ id: 'subscription', name: 'Contoso', ...this.subscription });
      }
      if (args[0] === 'deployment') {
        const outputs = this.deployments[args[args.indexOf('--name') + 1]!];
        if (!outputs) throw new ToolError('(DeploymentNotFound) Deployment could not be found.', false);
        return JSON.stringify(outputs);
      }
      return JSON.stringify({ accessToken: 'cli-token', tenant: TENANT_ID.toUpperCase(), tokenType: 'Bearer' });
    }
    if (!this.azd) throw new ToolError('azd is not installed, or not in the path', true);
    if (args[1] === 'set') this.azd[args[2]!] = args[3]!;
    return Object.entries(this.azd)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join('');
  }
}
