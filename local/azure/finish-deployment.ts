import { VAULT_NAMES } from '../../shared/certificates/key-vault.ts';
import { inSubscription, requireSignIn } from './azure-cli.ts';
import { checklist } from './deployment-checklist.ts';
import { type DeploymentOutputs, readOutputs } from './deployment-outputs.ts';
import type { Outside } from './deployment-outside.ts';
import { lookFromOutside } from './look-from-outside.ts';

/** Rights that were just given are not known everywhere at once; it takes minutes. */
const TRIES = 40;
const PAUSE_MS = 15_000;
/** An app that is starting may refuse for a moment. Who is refused after that stays refused. */
const TRIES_WHEN_REFUSED = 5;

/**
 * What is left to do when resources and code are in Azure: makes the certificate authority where there is none (with
 * LANYARD_DEPLOYED_ROOT=own in the environment: the signing request for the organisation's own root), lets the
 * enroll app sign with the issuing key, looks at the apps from outside, and prints what a person has to do. May be repeated.
 *
 * @returns whether everything was found as it should be
 * @throws Error in words for the administrator: an output is missing, the Azure CLI failed, the admin app does not answer
 */
export async function finishDeployment(given: Outside): Promise<boolean> {
  const found = readOutputs(given.env);
  const subscription = given.env['AZURE_SUBSCRIPTION_ID'];
  const outside = { ...given, az: inSubscription(given.az, subscription) };
  const { print } = outside;
  await requireSignIn(outside.az);
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
  print(checklist({ platform: outside.platform, subscription, entraClientId: entraClientId(outside.env), found }));
  return wrong === 0;
}

/** Without certificates while the issuing key waits for one of the organisation's own root. */
interface Authority {
  root?: { thumbprint: string; notAfter: string };
  issuing?: { thumbprint: string; notAfter: string };
}

async function makeAuthority(outside: Outside, found: DeploymentOutputs): Promise<Authority> {
  let tries = TRIES;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await askForAuthority(outside, found);
    if ('authority' in answer) return answer.authority;
    const { said, kind } = answer;
    if (kind === 'final') tries = attempt;
    if (kind === 'refused') tries = Math.min(tries, Math.max(attempt, TRIES_WHEN_REFUSED));
    if (attempt >= tries) throw notMade(said, kind, outside, found);
    outside.print(`  not yet (try ${attempt} of ${tries}), again in ${PAUSE_MS / 1000} seconds: ${said}`);
    await outside.wait(PAUSE_MS);
  }
}

/** `later`: it may be another answer in a minute. `refused`: hardly. `final`: never. */
type Refusal = { said: string; kind: 'later' | 'refused' | 'final' };

async function askForAuthority(
  outside: Outside,
  found: DeploymentOutputs,
): Promise<{ authority: Authority } | Refusal> {
  try {
    const headers = { ...(await proofForAdmin(outside, found)), 'content-type': 'application/json' };
    const body = JSON.stringify({ root: outside.env['LANYARD_DEPLOYED_ROOT'] || 'lanyard' });
    const reply = await outside.send('POST', `${found.LANYARD_URL}/api/certificate-authority`, headers, body);
    if (reply.status === 200 || reply.status === 202) return { authority: JSON.parse(reply.body) as Authority };
    return { said: `HTTP ${reply.status} ${reply.body.slice(0, 500)}`, kind: KINDS[reply.status] ?? 'later' };
  } catch (error) {
    const said = (error as Error).message;
    return { said, kind: /AADSTS|az login|AuthorizationFailed/.test(said) ? 'refused' : 'later' };
  }
}

const KINDS: Record<number, Refusal['kind']> = { 400: 'final', 401: 'refused', 403: 'refused', 409: 'final' };

function notMade(said: string, kind: Refusal['kind'], { env }: Outside, found: DeploymentOutputs): Error {
  const signIn =
    env['LANYARD_DEPLOYED_ADMIN_AUTH'] === 'entra'
      ? 'You need the role Approver (docs/deployment.md, "Administrators with Entra"). ' +
        'The Azure CLI keeps a token without it for an hour: az logout, az login.'
      : `You need the right to read the keys of ${found.LANYARD_ADMIN_APP}: Owner or Contributor of the subscription.`;
  const why = {
    later: 'docs/deployment.md says where to look.',
    refused: signIn,
    final: 'Trying again changes nothing.',
  };
  return new Error(
    `The certificate authority could not be made; the last answer of ${found.LANYARD_ADMIN_APP} was: ${said}\n` +
      `${why[kind]} Then: azd hooks run postdeploy, or npm run after-deployment NAME.`,
  );
}

/** The master key, or, where administrators sign in with Entra, a token of the person who deploys (role Approver). */
async function proofForAdmin({ az, env }: Outside, found: DeploymentOutputs): Promise<Record<string, string>> {
  const clientId = entraClientId(env);
  if (clientId !== undefined) {
    const resource = `api://${clientId}`;
    const token = ['account', 'get-access-token', '--resource', resource, '--query', 'accessToken', '--output', 'tsv'];
    return { authorization: `Bearer ${(await az(token)).trim()}` };
  }
  const app = ['--resource-group', found.AZURE_RESOURCE_GROUP, '--name', found.LANYARD_ADMIN_APP];
  const list = ['functionapp', 'keys', 'list', ...app, '--query', 'masterKey', '--output', 'tsv'];
  return { 'x-functions-key': (await az(list)).trim() };
}

/** The app registration that administrators sign in to; undefined where they use keys. */
function entraClientId(env: Outside['env']): string | undefined {
  return env['LANYARD_DEPLOYED_ADMIN_AUTH'] === 'entra' ? (env['LANYARD_DEPLOYED_ENTRA_CLIENT_ID'] ?? '') : undefined;
}

async function allowSigning({ az }: Outside, found: DeploymentOutputs): Promise<void> {
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
