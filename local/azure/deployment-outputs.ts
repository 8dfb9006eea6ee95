import type { Az } from './azure-cli.ts';

/** What finishing needs of the deployment. */
const WANTED = [
  'AZURE_RESOURCE_GROUP',
  'LANYARD_ADMIN_APP',
  'LANYARD_URL',
  'LANYARD_VAULT',
  'LANYARD_SIGNER_ROLE',
  'LANYARD_ENROLL_PRINCIPAL',
  'LANYARD_ENROLL_URL',
  'LANYARD_ENROLL_APP_URL',
  'LANYARD_DOMAIN_VERIFICATION',
  'LANYARD_ENTRA_DISCOVERY_URL',
  'LANYARD_ENTRA_TERMS_URL',
  'LANYARD_ENTRA_REDIRECT_URL',
  'LANYARD_MANAGE_APP',
  'LANYARD_MANAGE_APP_URL',
] as const;
export type DeploymentOutputs = Record<(typeof WANTED)[number], string>;

/** @throws Error that names the outputs which are missing */
export function readOutputs(env: Record<string, string | undefined>): DeploymentOutputs {
  const missing = WANTED.filter((name) => !env[name]);
  if (missing.length > 0) {
    throw new Error(
      `These outputs of the deployment are not in the environment: ${missing.join(', ')}.\n` +
        'azd sets them for its hooks. By hand: npm run after-deployment NAME-OF-THE-DEPLOYMENT.',
    );
  }
  return Object.fromEntries(WANTED.map((name) => [name, env[name]])) as DeploymentOutputs;
}

/**
 * The outputs of a deployment in a subscription, by the names of main.bicep.
 *
 * @param az runs the Azure CLI and gives what it printed
 * @param deployment its name, as *Deployments* of the subscription shows it
 * @throws Error where there is no such deployment, or it has no outputs since it failed
 */
export async function deploymentOutputs(az: Az, deployment: string): Promise<Record<string, string>> {
  const show = ['deployment', 'sub', 'show', '--name', deployment];
  const said = await az([...show, '--query', 'properties.outputs', '--output', 'json']);
  const outputs = JSON.parse(said.trim() || 'null') as Record<string, { value: unknown }> | null;
  if (!outputs || Object.keys(outputs).length === 0) {
    throw new Error(
      `The deployment ${deployment} has no outputs: it failed or still runs. The portal says which step.`,
    );
  }
  // Azure gives LANYARD_URL back as lanyarD_URL.
  return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name.toUpperCase(), String(value)]));
}
