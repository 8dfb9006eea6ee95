import { type Block, blocks, type Template } from './bicep.ts';

/** What no template may say or leave out. Each rule returns what it found wrong. */

interface Rule {
  rule: string;
  /** a template that breaks the rule: the rule has to notice it */
  planted: string;
  check(template: Template): string[];
}

const storage = "resource a 'Microsoft.Storage/storageAccounts@2023-05-01' = {\n";
const site = "resource a 'Microsoft.Web/sites@2024-11-01' = {\n";

/** Built-in roles that templates use, with the reason why no narrower one will do. */
export const BUILT_IN_ROLES: Record<string, string> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b':
    'Storage Blob Data Owner, which the Functions host asks for on its own account',
  '76199698-9eea-4c19-bc75-cec21354c6b6': 'Storage Table Data Reader: reads rows',
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1': 'Storage Blob Data Reader: reads blobs',
  'db58b8e5-c6ad-4a2a-8342-4190687cbf4a':
    'Storage Blob Delegator: has a key made that signs addresses for uploads, and nothing else',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher: writes telemetry',
};

export const RULES: Rule[] = [
  needs(
    'Microsoft.Storage/storageAccounts',
    /allowSharedKeyAccess: false\n/,
    `${storage}  allowSharedKeyAccess: true\n}\n`,
  ),
  needs('Microsoft.Storage/storageAccounts', /allowBlobPublicAccess: false\n/, `${storage}  name: 'x'\n}\n`),
  needs('Microsoft.Storage/storageAccounts', /minimumTlsVersion: 'TLS1_2'\n/, `${storage}  name: 'x'\n}\n`),
  needs('Microsoft.Web/sites', /httpsOnly: true\n/, `${site}  httpsOnly: false\n}\n`),
  needs('Microsoft.Web/sites', /siteScopedCertificatesEnabled: hosting == 'flex' \? true/, `${site}  name: 'x'\n}\n`),
  needs('Microsoft.Web/sites', /functionsRuntimeAdminIsolationEnabled: true\n/, `${site}  name: 'x'\n}\n`),
  needs('Microsoft.Web/sites', /clientCertMode: 'Required'\n/, `${site}  clientCertMode: 'Optional'\n}\n`),
  needs('Microsoft.Web/sites', /http20Enabled: false\n/, `${site}  http20Enabled: true\n}\n`),
  needs('Microsoft.Web/sites', /minTlsVersion: '1.2'\n/, `${site}  minTlsVersion: '1.0'\n}\n`),
  needs('Microsoft.Web/sites', /type: 'UserAssigned'\n/, `${site}  name: 'x'\n}\n`),
  needs(
    'Microsoft.Web/sites/basicPublishingCredentialsPolicies',
    /allow: false\n/,
    "resource a 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {\n  allow: true\n}\n",
  ),
  needs(
    'Microsoft.KeyVault/vaults',
    /enableRbacAuthorization: true\n/,
    "resource a 'Microsoft.KeyVault/vaults@2023-07-01' = {\n  accessPolicies: []\n}\n",
  ),
  needs(
    'Microsoft.Authorization/roleAssignments',
    /^ +scope: /m,
    "resource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {\n  name: 'for the whole group'\n}\n",
  ),
  needs(
    'Microsoft.Authorization/roleAssignments',
    /principalType: 'ServicePrincipal'\n/,
    "resource a 'Microsoft.Authorization/roleAssignments@2022-04-01' = {\n  scope: x\n}\n",
  ),
  never(
    'client certificate exclusion paths',
    /clientCertExclusion/i,
    "  clientCertExclusionPaths: '/EnrollmentServer'\n",
  ),
  never(
    'certificates that are asked for in the middle of a request',
    /OptionalInteractiveUser/,
    "  x: 'OptionalInteractiveUser'\n",
  ),
  never('a key of an account', /list\w*Keys\(|AccountKey|SharedAccessKey/i, '  x: account.listKeys().keys[0].value\n'),
  never('a shared access signature', /listAccountSas|listServiceSas/i, '  x: account.listAccountSas()\n'),
  never(
    'a storage connection string',
    /DefaultEndpointsProtocol|name: 'AzureWebJobsStorage'/,
    "  x: 'DefaultEndpointsProtocol=https'\n",
  ),
  never('an exported key', /exportable: true/, '  exportable: true\n'),
  never('a role of which nobody says why', unknownRole, "  x: 'b24988ac-6180-42a0-ab88-20f7382dd24c'\n"),
  never(
    'a management action in a custom role, but for making and listing containers',
    managementAction,
    "        actions: [\n          'Microsoft.Storage/storageAccounts/blobServices/containers/delete'\n        ]\n",
  ),
  never('a wildcard in a custom role', /'[^'\n]*\/\*'/, "          'Microsoft.KeyVault/vaults/keys/*'\n"),
];

/** Each resource of a type must match. */
function needs(type: string, pattern: RegExp, planted: string): Rule {
  const broken = ({ text }: Block) => !pattern.test(text);
  return {
    rule: `every ${type} has ${pattern.source}`,
    planted,
    check: (template) =>
      blocks(template, 'resource')
        .filter((block) => block.type === type && broken(block))
        .map((block) => `${block.file}: ${block.name}`),
  };
}

function never(what: string, pattern: RegExp | ((text: string) => string | undefined), planted: string): Rule {
  const find = typeof pattern === 'function' ? pattern : (text: string) => pattern.exec(text)?.[0];
  return {
    rule: `no template has ${what}`,
    planted,
    check({ file, text }) {
      const found = find(text);
      return found === undefined ? [] : [`${file}: ${found.trim()}`];
    },
  };
}

/** Making a container is one: it is no data action in Azure. */
const CONTAINER_ACTION = /^'\$\{containers\}\/(read|write)'$/;

function managementAction(text: string): string | undefined {
  const lists = [...text.matchAll(/^ {6,8}actions: \[([^\]]*)\]?/gm)];
  const actions = lists.flatMap(([, list = '']) => list.trim().split(/\s+/));
  return actions.find((action) => !CONTAINER_ACTION.test(action));
}

function unknownRole(text: string): string | undefined {
  const ids = text.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? [];
  return ids.find((id) => !(id in BUILT_IN_ROLES));
}
