/** Lines that a person types: for PowerShell on Windows, for sh elsewhere. */

export function setVariable(platform: NodeJS.Platform, name: string, value: string): string {
  return platform === 'win32' ? `$env:${name} = '${value}'` : `export ${name}=${value}`;
}

/** The variable gets what a command prints. */
export function setToOutput(platform: NodeJS.Platform, name: string, command: string): string {
  return platform === 'win32' ? `$env:${name} = ${command}` : `export ${name}=$(${command})`;
}

/**
 * How the command line gets its token where administrators sign in with Entra.
 *
 * @param clientId of the app registration that they sign in to
 * @param where ` --tenant …` or ` --subscription …`; the Azure CLI takes one of them. Empty for its default
 */
export function tokenLine(platform: NodeJS.Platform, clientId: string, where: string): string {
  const ask = `az account get-access-token --resource api://${clientId} --query accessToken -o tsv${where}`;
  return setToOutput(platform, 'LANYARD_TOKEN', ask);
}
