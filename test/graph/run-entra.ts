import { runEntra } from '../../local/entra-setup/command.ts';
import { ToolError } from '../../local/entra-setup/outside.ts';
import { type Directory, TENANT_ID } from './directory.ts';
import { graphFetch } from './graph-fetch.ts';

/** The machine of an administrator: what the Azure CLI, azd and the environment say there. */
export class AdministratorsMachine {
  readonly directory: Directory;
  /** The azd environment; undefined where there is none. */
  azd: Record<string, string> | undefined = { AZURE_ENV_NAME: 'contoso' };
  env: Record<string, string> = {};
  /** What the Azure CLI says instead of a token. */
  azFailure: ToolError | undefined;
  /** What the person answers; undefined where nobody can be asked. */
  answer: boolean | undefined;
  /** Calls of the tools, as they would be typed. */
  ran: string[] = [];
  /** Milliseconds that were waited for something. */
  waited: number[] = [];
  fetch: typeof fetch;

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
      run: (tool, toolArgs) => this.#run(tool, toolArgs),
    });
    return { code, text: lines.join('\n') };
  }

  async #run(tool: string, args: string[]): Promise<string> {
    this.ran.push([tool, ...args].join(' '));
    if (tool === 'az') {
      if (this.azFailure) throw this.azFailure;
      return JSON.stringify({ accessToken: 'cli-token', tenant: TENANT_ID.toUpperCase(), tokenType: 'Bearer' });
    }
    if (!this.azd) throw new ToolError('azd is not installed, or not in the path', true);
    if (args[1] === 'set') this.azd[args[2]!] = args[3]!;
    return Object.entries(this.azd)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join('');
  }
}
