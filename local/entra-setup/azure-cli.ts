import { ToolError } from '../azure/run-tool.ts';
import { type Outside, SetupError } from './outside.ts';

/** Who the Azure CLI is signed in as, and a token of his for Microsoft Graph. */
export interface SignedIn {
  token: string;
  /** GUID in lower case. */
  tenantId: string;
}

/**
 * @param where the subscription or tenant whose Entra is meant; left out, the Azure CLI's default
 * @throws {SetupError} when the Azure CLI is missing or nobody is signed in
 */
export async function signedIn(
  { run }: Pick<Outside, 'run'>,
  where: { subscription?: string; tenant?: string },
): Promise<SignedIn> {
  const place = where.tenant
    ? ['--tenant', where.tenant]
    : where.subscription
      ? ['--subscription', where.subscription]
      : [];
  const args = ['account', 'get-access-token', '--resource-type', 'ms-graph', ...place, '--output', 'json'];
  try {
    const { accessToken, tenant } = JSON.parse(await run('az', args)) as { accessToken?: string; tenant?: string };
    if (!accessToken || !tenant) throw new SetupError('The Azure CLI gave no token. Sign in anew: az login');
    return { token: accessToken, tenantId: tenant.toLowerCase() };
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    if (error.isMissing) throw new SetupError('The Azure CLI (az) is needed: https://aka.ms/azure-cli. Then: az login');
    throw new SetupError(
      `The Azure CLI gives no token for Microsoft Graph: ${error.message}\nSign in: az login${place.length ? ` --tenant THE-TENANT` : ''}`,
    );
  }
}

/**
 * The tenant that a subscription belongs to. For whoever manages it from another one, `tenantId` is that other one.
 *
 * @param subscription left out, the Azure CLI's default
 * @returns GUID in lower case; undefined where the account has no such subscription
 */
export async function tenantOfSubscription(
  { run }: Pick<Outside, 'run'>,
  subscription: string | undefined,
): Promise<string | undefined> {
  const which = subscription ? ['--subscription', subscription] : [];
  try {
    const account = await run('az', ['account', 'show', ...which, '--output', 'json']);
    const { tenantId, homeTenantId } = JSON.parse(account) as { tenantId?: string; homeTenantId?: string };
    return (homeTenantId ?? tenantId)?.toLowerCase();
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

/**
 * The values of the azd environment, which hold the outputs of the deployment.
 * @returns undefined where there is no azd or no environment. The reason is then in `why`.
 */
export async function azdValues({ run }: Pick<Outside, 'run'>): Promise<{ values?: Values; why: string }> {
  try {
    return { values: readValues(await run('azd', ['env', 'get-values', '--no-prompt'])), why: '' };
  } catch (error) {
    if (error instanceof ToolError) return { why: error.message };
    throw error;
  }
}

export type Values = Record<string, string>;

/** @param text lines of the form NAME="value", the value quoted as in Go. */
export function readValues(text: string): Values {
  const lines = text.split(/\r?\n/).map((line) => /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line.trim()));
  return Object.fromEntries(lines.flatMap((found) => (found ? [[found[1]!, unquoted(found[2]!)]] : [])));
}

function unquoted(text: string): string {
  if (!/^".*"$/.test(text)) return text;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}
