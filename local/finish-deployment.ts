import { VAULT_NAMES } from '../shared/certificates/key-vault.ts';
import { DISCOVERY_PATH, MANAGEMENT_PATH } from '../shared/wire/paths.ts';

/** What a reply is to whoever looks at a deployment from outside. */
export interface OutsideReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** The world outside this program; tests bring their own. */
export interface Outside {
  /** the outputs of main.bicep, which azd puts into the environment of its hooks */
  env: Record<string, string | undefined>;
  /** runs the Azure CLI. @returns what it printed. @throws Error with its own words */
  az(args: string[]): Promise<string>;
  /** @throws Error when nobody answers */
  send(method: string, url: string, headers: Record<string, string>, body?: string): Promise<OutsideReply>;
  wait(ms: number): Promise<void>;
  print(line: string): void;
}

/** Rights that were just given are not known everywhere at once; it takes minutes. */
const TRIES = 40;
const PAUSE_MS = 15_000;

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
  'LANYARD_MANAGE_APP_URL',
] as const;
type Wanted = Record<(typeof WANTED)[number], string>;

/**
 * What is left to do when resources and code are in Azure: makes the certificate authority where there is none (with
 * LANYARD_ROOT=own in the environment: the signing request for the organisation's own root), lets the
 * enroll app sign with the issuing key, looks at the apps from outside, and prints what a person has to do. May be repeated.
 *
 * @returns whether everything was found as it should be
 * @throws Error in words for the administrator: an output is missing, the Azure CLI failed, the admin app does not answer
 */
export async function finishDeployment(outside: Outside): Promise<boolean> {
  const { print } = outside;
  const found = readOutputs(outside.env);
  print(
    'Making the certificate authority. The first time it may take ten minutes until its rights are known everywhere.',
  );
  const { root, issuing } = await makeAuthority(outside, found);
  if (root && issuing) {
    print(`  device root ${root.thumbprint}, until ${root.notAfter}`);
    print(`  issuing CA  ${issuing.thumbprint}, until ${issuing.notAfter}`);
  } else {
    print('  The issuing key is made and waits for a certificate of your own root: docs/certificates.md.');
  }
  await allowSigning(outside, found);
  print('The enroll app may sign with the issuing key.\n\nLooking at the apps from outside:');
  const wrong = await lookFromOutside(outside, found);
  printChecklist(print, found);
  return wrong === 0;
}

function readOutputs(env: Outside['env']): Wanted {
  const missing = WANTED.filter((name) => !env[name]);
  if (missing.length > 0) {
    throw new Error(
      `These outputs of the deployment are not in the environment: ${missing.join(', ')}.\n` +
        'azd sets them for its hooks. By hand: npm run after-deployment -- --deployment NAME.',
    );
  }
  return Object.fromEntries(WANTED.map((name) => [name, env[name]])) as Wanted;
}

/** Without certificates while the issuing key waits for one of the organisation's own root. */
interface Authority {
  root?: { thumbprint: string; notAfter: string };
  issuing?: { thumbprint: string; notAfter: string };
}

async function makeAuthority(outside: Outside, found: Wanted): Promise<Authority> {
  const body = JSON.stringify({ root: outside.env['LANYARD_ROOT'] || 'lanyard' });
  let said = '';
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const headers = { ...(await proofForAdmin(outside, found)), 'content-type': 'application/json' };
      const url = `${found.LANYARD_URL}/api/certificate-authority`;
      const reply = await outside.send('POST', url, headers, body);
      if (reply.status === 200 || reply.status === 202) return JSON.parse(reply.body) as Authority;
      said = `HTTP ${reply.status} ${reply.body.slice(0, 500)}`;
    } catch (error) {
      said = (error as Error).message;
    }
    if (attempt < TRIES) await outside.wait(PAUSE_MS);
  }
  throw new Error(
    `The certificate authority could not be made; the last answer of ${found.LANYARD_ADMIN_APP} was: ${said}\n` +
      'docs/deployment.md says where to look. Then: azd hooks run postdeploy.',
  );
}

/** The master key, or, where administrators sign in with Entra, a token of the person who deploys (role Approver). */
async function proofForAdmin({ az, env }: Outside, found: Wanted): Promise<Record<string, string>> {
  if (env['LANYARD_ADMIN_AUTH'] === 'entra') {
    const resource = `api://${env['LANYARD_ENTRA_CLIENT_ID'] ?? ''}`;
    const token = ['account', 'get-access-token', '--resource', resource, '--query', 'accessToken', '--output', 'tsv'];
    return { authorization: `Bearer ${(await az(token)).trim()}` };
  }
  const app = ['--resource-group', found.AZURE_RESOURCE_GROUP, '--name', found.LANYARD_ADMIN_APP];
  const list = ['functionapp', 'keys', 'list', ...app, '--query', 'masterKey', '--output', 'tsv'];
  return { 'x-functions-key': (await az(list)).trim() };
}

async function allowSigning({ az }: Outside, found: Wanted): Promise<void> {
  const parameters = [
    `vault=${found.LANYARD_VAULT}`,
    `issuingKey=${VAULT_NAMES.issuing}`,
    `principalId=${found.LANYARD_ENROLL_PRINCIPAL}`,
    `signerRole=${found.LANYARD_SIGNER_ROLE}`,
  ];
  const group = ['--resource-group', found.AZURE_RESOURCE_GROUP, '--name', 'signing-right'];
  const file = ['--template-file', 'infra/signing-right.bicep', '--parameters', ...parameters];
  await az(['deployment', 'group', 'create', ...group, ...file, '--output', 'none']);
}

/** A certificate that nobody signed: whoever sends it in the header must be sent away all the same. */
const FORGED = Buffer.from('not a certificate').toString('base64');

/** @returns how many of the checks failed */
async function lookFromOutside(outside: Outside, found: Wanted): Promise<number> {
  const management = `${found.LANYARD_MANAGE_APP_URL}${MANAGEMENT_PATH}`;
  const discovery = `${found.LANYARD_ENROLL_APP_URL}${DISCOVERY_PATH}`;
  const withLength = ({ status, headers }: OutsideReply) =>
    status === 500 && headers['content-length'] !== undefined && headers['transfer-encoding'] === undefined;
  const checks: [string, Promise<OutsideReply>, (reply: OutsideReply) => boolean][] = [
    ['discovery answers a probe', outside.send('GET', discovery, {}), ({ status }) => status === 200],
    ['a reply has its length and comes in one piece', outside.send('POST', discovery, {}, '<a/>'), withLength],
    ['management without a client certificate is refused', outside.send('POST', management, {}, 'x'), refused],
    [
      'management with a forged certificate header is refused',
      outside.send('POST', management, { 'x-arr-clientcert': FORGED }, 'x'),
      refused,
    ],
    [
      'the admin API without a key is refused',
      outside.send('GET', `${found.LANYARD_URL}/api/devices`, {}),
      ({ status }) => status === 401,
    ],
  ];
  let wrong = 0;
  for (const [what, sent, right] of checks) {
    const reply = await sent.catch((error: Error) => ({ status: 0, headers: {}, body: error.message }));
    const ok = right(reply);
    if (!ok) wrong += 1;
    const got = ok ? '' : ` (HTTP ${reply.status} ${JSON.stringify(reply.headers).slice(0, 300)})`;
    outside.print(`  ${ok ? 'ok   ' : 'WRONG'} ${what}${got}`);
  }
  return wrong;
}

function refused({ status }: OutsideReply): boolean {
  return status === 403;
}

function printChecklist(print: Outside['print'], found: Wanted): void {
  const { AZURE_RESOURCE_GROUP: group, LANYARD_ADMIN_APP: admin } = found;
  const show = (command: string) => `az functionapp keys list -g ${group} -n ${admin} --query ${command} -o tsv`;
  print(`
What is left to do:

 [ ] Use the command line. The key opens everything an administrator can do; keep it like a password.
       export LANYARD_URL=${found.LANYARD_URL}
       export LANYARD_KEY=$(${show('functionKeys.default')})
       npm run lanyard -- devices
 [ ] Enroll a test PC, no other: npm run lanyard -- invite you@your-domain
       server address for Settings: ${found.LANYARD_ENROLL_URL}
 [ ] Let Windows find the server by the mail domain: a CNAME and infra/domain.bicep (docs/deployment.md, "A domain").
 [ ] Confirm the mail that Azure sent to the alert address, and look for it in the junk folder.
 [ ] Lock the resource group against deletion: az lock create -g ${group} -n lanyard --lock-type CanNotDelete
 [ ] Read docs/unproven.md: which of this nobody has seen on a subscription yet.`);
}
