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
  azd: { values: Values; set(name: string, value: string): Promise<void> } | undefined;
  /** The settings of Lanyard, where address and proof of the admin API are known. */
  settings: LanyardSettings | undefined;
  /** @returns an option, else the variable, else what azd knows; undefined when nobody says it */
  optional(option: TextOption, variable: string): string | undefined;
  /** The same. @throws {SetupError} when nobody says it */
  needed(option: TextOption, variable: string): string;
}

const GRAPH = 'https://graph.microsoft.com';

/** @throws {SetupError} when the Azure CLI is missing or nobody is signed in */
export async function openContext(args: Arguments, outside: Outside): Promise<Context> {
  const { values, why } = await azdValues(outside);
  const optional = (option: TextOption, name: string) => {
    const value = outside.env[name]?.trim() || values?.[name]?.trim();
    return args.options[option] ?? (value ? checked(option, value, name) : undefined);
  };
  const needed = (option: TextOption, name: string) => {
    const value = optional(option, name);
    if (value) return value;
    const azd = values ? 'The azd environment does not have it either: deploy first (azd up).' : `azd says: ${why}`;
    throw new SetupError(`${name} is needed: give --${option}, or set the variable. ${azd}`);
  };
  const where = { tenant: args.options.tenant, subscription: optional('subscription', 'AZURE_SUBSCRIPTION_ID') };
  const { token, tenantId } = await signedIn(outside, where);
  const { fetch, wait } = outside;
  const options = { token, fetch, wait, address: args.options.graph ?? GRAPH };
  const graph = new GraphClient(options);
  const policyToken = outside.env['LANYARD_GRAPH_TOKEN']?.trim();
  const policyGraph = policyToken ? new GraphClient({ ...options, token: policyToken }) : undefined;
  const set = async (name: string, value: string) => {
    await outside.run('azd', ['env', 'set', name, value, '--no-prompt']);
  };
  const azd = values && { values, set };
  const settings = settingsOf(outside, optional);
  return { args, outside, graph, policyGraph, tenantId, azd, settings, optional, needed };
}

function settingsOf(outside: Outside, optional: Context['optional']): LanyardSettings | undefined {
  const url = optional('url', 'LANYARD_URL');
  const key = optional('key', 'LANYARD_KEY');
  const token = optional('token', 'LANYARD_TOKEN');
  if (!url || !(key || token)) return undefined;
  return new LanyardSettings(outside.admin(url, token ? { token } : { key }));
}
