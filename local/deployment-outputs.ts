/**
 * The outputs of a deployment in a subscription, by the names of main.bicep.
 *
 * @param az runs the Azure CLI and gives what it printed
 * @param deployment its name, as *Deployments* of the subscription shows it
 * @throws Error where there is no such deployment, or it has no outputs since it failed
 */
export async function deploymentOutputs(
  az: (args: string[]) => Promise<string>,
  deployment: string,
): Promise<Record<string, string>> {
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
