import type { DeploymentOutputs } from './deployment-outputs.ts';

export interface ChecklistFacts {
  /** whose shell the commands are for */
  platform: NodeJS.Platform;
  /** given to the Azure CLI; left out, its default is meant */
  subscription?: string;
  /** the app registration that administrators sign in to; undefined where they use keys */
  entraClientId?: string;
  found: DeploymentOutputs;
}

/** What a person has to do after a deployment, with commands for PowerShell on Windows and for sh elsewhere. */
export function checklist({ platform, subscription, entraClientId, found }: ChecklistFacts): string {
  const { AZURE_RESOURCE_GROUP: group, LANYARD_ADMIN_APP: admin } = found;
  const inIt = subscription ? ` --subscription ${subscription}` : '';
  const set = (name: string, value: string) =>
    platform === 'win32' ? `$env:${name} = '${value}'` : `export ${name}=${value}`;
  const setTo = (name: string, command: string) =>
    platform === 'win32' ? `$env:${name} = ${command}` : `export ${name}=$(${command})`;
  const proof =
    entraClientId === undefined
      ? setTo(
          'LANYARD_KEY',
          `az functionapp keys list -g ${group} -n ${admin} --query functionKeys.default -o tsv${inIt}`,
        )
      : setTo(
          'LANYARD_TOKEN',
          `az account get-access-token --resource api://${entraClientId} --query accessToken -o tsv${inIt}`,
        );
  return `
What is left to do:

 [ ] Use the command line. The ${entraClientId === undefined ? 'key' : 'token'} opens everything an administrator can do; keep it like a password.
       ${set('LANYARD_URL', found.LANYARD_URL)}
       ${proof}
       node lanyard devices
 [ ] Enroll a test PC, no other: node lanyard invite you@your-domain
       server address for Settings: ${found.LANYARD_ENROLL_URL}
 [ ] Let Windows find the server by the mail domain: a CNAME and infra/domain.bicep (docs/deployment.md, "A domain").
 [ ] Confirm the mail that Azure sent to the alert address, and look for it in the junk folder.
 [ ] Lock the resource group against deletion:
       az lock create -g ${group} -n lanyard --lock-type CanNotDelete${inIt}
 [ ] Read docs/unproven.md: which of this nobody has seen on a subscription yet.`;
}
