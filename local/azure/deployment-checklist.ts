import type { DeploymentOutputs } from './deployment-outputs.ts';
import { setToOutput, setVariable, tokenLine } from './shell-lines.ts';

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
  const readKey = `az functionapp keys list -g ${group} -n ${admin} --query functionKeys.default -o tsv${inIt}`;
  const proof =
    entraClientId === undefined
      ? setToOutput(platform, 'LANYARD_KEY', readKey)
      : tokenLine(platform, entraClientId, inIt);
  return `
What is left to do:

 [ ] Use the command line. The ${entraClientId === undefined ? 'key' : 'token'} opens everything an administrator can do; keep it like a password.
       ${setVariable(platform, 'LANYARD_URL', found.LANYARD_URL)}
       ${proof}
       node lanyard devices
 [ ] Enroll a test PC, no other: node lanyard invite you@your-domain
       server address for Settings: ${found.LANYARD_ENROLL_URL}
 [ ] Let Windows find the server by the mail domain: two records in your DNS, then infra/domain.bicep (docs/deployment.md, "A domain").
       CNAME  enterpriseenrollment.YOUR-DOMAIN        ${new URL(found.LANYARD_ENROLL_APP_URL).hostname}
       TXT    asuid.enterpriseenrollment.YOUR-DOMAIN  ${found.LANYARD_DOMAIN_VERIFICATION}
 [ ] Only if Microsoft Entra is to be used (docs/entra.md): node lanyard entra show. It sets most of it up; where it is asked for:
       MDM discovery URL         ${found.LANYARD_ENTRA_DISCOVERY_URL}
       MDM terms of use URL      ${found.LANYARD_ENTRA_TERMS_URL}
       redirect URI of sign-in   ${found.LANYARD_ENTRA_REDIRECT_URL}
 [ ] Confirm the mail that Azure sent to the alert address, and look for it in the junk folder.
 [ ] Lock the resource group against deletion:
       az lock create -g ${group} -n lanyard --lock-type CanNotDelete${inIt}
 [ ] Read docs/unproven.md: which of this nobody has seen on a subscription yet.`;
}
