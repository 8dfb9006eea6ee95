import { inSubscription } from '../azure/azure-cli.ts';
import { deploymentOutputs } from '../azure/deployment-outputs.ts';
import { ToolError } from '../azure/run-tool.ts';
import { type Arguments, checked, type TextOption } from './arguments.ts';
import { azdValues, signedIn, type Values } from './azure-cli.ts';
import { GraphClient } from './graph-client.ts';
import { LanyardSettings } from './lanyard-settings.ts';
import { type Outside, SetupError } from './outside.ts';

/** What every topic is given: Graph, the tenant, and what is known of the deployment. */
export interface Context {
  args: Arguments;
  outside: Outside;
  graph: GraphClient;
  /** Graph with a token of the caller's for MDM policies, which that of the Azure CLI may not touch; undefined without one. */
  policyGraph: GraphClient | undefined;
  /** GUID in lower case. */
  tenantId: string;
  /** Whose tenant and deployment are meant; undefined for the Azure CLI's default. */
  subscription: string | undefined;
  azd: { values: Values; set(name: string, value: string): Promise<void> } | undefined;
  /** The settings of Lanyard, where address and proof of the admin API are known. */
  settings: LanyardSettings | undefined;
  /** @returns an option, else the first variable that has it, be it by azd; undefined when nobody says it */
  optional(option: TextOption, ...variables: string[]): string | undefined;
  /** The same. @throws {SetupError} when nobody says it */
  needed(option: TextOption, ...variables: [string, ...string[]]): string;
}

const GRAPH = 'https://graph.microsoft.com';

/** @throws {SetupError} when the Azure CLI is missing or nobody is signed in */
export async function openContext(args: Arguments, outside: Outside): Promise<Context> {
  const { values, why } = await deploymentValues(args, outside);
  const optional: Context['optional'] = (option, ...names) => {
    const textOf = (name: string) => outside.env[name]?.trim() || values?.[name]?.trim();
    const name = names.find(textOf);
    return args.options[option] ?? (name ? checked(option, textOf(name)!, name) : undefined);
  };
  const needed: Context['needed'] = (option, ...names) => {
    const value = optional(option, ...names);
    if (value) return value;
    throw new SetupError(`${names[0]} is needed: give --${option}, or set the variable. ${why}`);
  };
  const subscription = optional('subscription', 'AZURE_SUBSCRIPTION_ID');
  const { token, tenantId } = await signedIn(outside, { tenant: args.options.tenant, subscription });
  const { fetch, wait } = outside;
  const options = { token, fetch, wait, address: args.options.graph ?? GRAPH };
  const graph = new GraphClient(options);
  const policyToken = outside.env['LANYARD_GRAPH_TOKEN']?.trim();
  const policyGraph = policyToken ? new GraphClient({ ...options, token: policyToken }) : undefined;
  const set = async (name: string, value: string) => {
    await outside.run('azd', ['env', 'set', name, value, '--no-prompt']);
  };
  const azd = values && !args.options.deployment ? { values, set } : undefined;
  const settings = settingsOf(outside, optional);
  return { args, outside, graph, policyGraph, tenantId, subscription, azd, settings, optional, needed };
}

/** The values of the deployment that was named, else of azd's environment; in `why`, what to do where one is not there. */
async function deploymentValues(args: Arguments, outside: Outside): Promise<{ values?: Values; why: string }> {
  const { deployment, subscription = outside.env['AZURE_SUBSCRIPTION_ID']?.trim() } = args.options;
  if (!deployment) {
    const { values, why } = await azdValues(outside);
    const help = 'Without azd: --deployment NAME-OF-THE-DEPLOYMENT.';
    const missing = 'The azd environment does not have it either: deploy first (azd up).';
    return values ? { values, why: missing } : { why: `${help} azd says: ${why}` };
  }
  const az = inSubscription((azArgs) => outside.run('az', azArgs), subscription);
  const values = await deploymentOutputs(az, deployment).catch((error: Error) => {
    throw error instanceof ToolError ? error : new SetupError(error.message);
  });
  return { values, why: `The deployment ${deployment} does not have it either.` };
}

function settingsOf(outside: Outside, optional: Context['optional']): LanyardSettings | undefined {
  const url = optional('url', 'LANYARD_URL');
  const key = optional('key', 'LANYARD_KEY');
  const token = optional('token', 'LANYARD_TOKEN');
  if (!url || !(key || token)) return undefined;
  return new LanyardSettings(outside.admin(url, token ? { token } : { key }));
}
