import { DISCOVERY_PATH, MANAGEMENT_PATH } from '../../shared/wire/paths.ts';
import type { DeploymentOutputs } from './deployment-outputs.ts';
import type { Outside, OutsideReply } from './deployment-outside.ts';

/** A deployment is a few seconds old when it is looked at. */
const TRIES = 3;
const PAUSE_MS = 10_000;

interface Check {
  what: string;
  /** @returns what was found in place of what should be; undefined when all is well. @throws Error when nobody answers */
  look(): Promise<string | undefined>;
}

/** Prints how a deployment looks from outside, a line for each check. @returns how many of them failed; never throws */
export async function lookFromOutside(outside: Outside, found: DeploymentOutputs): Promise<number> {
  let wrong = 0;
  for (const { what, look } of await checksOf(outside, found)) {
    const got = await lookThrice(outside, look);
    if (got === undefined) {
      outside.print(`  ok    ${what}`);
    } else {
      wrong += 1;
      outside.printError(`  WRONG ${what} (${got.slice(0, 400)})`);
    }
  }
  return wrong;
}

async function lookThrice({ wait }: Outside, look: Check['look']): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const got = await look().catch((error: Error) => error.message);
    if (got === undefined || attempt === TRIES) return got;
    await wait(PAUSE_MS);
  }
}

async function checksOf(outside: Outside, found: DeploymentOutputs): Promise<Check[]> {
  const { send } = outside;
  const discovery = `${found.LANYARD_ENROLL_APP_URL}${DISCOVERY_PATH}`;
  const withLength = ({ status, headers }: OutsideReply) =>
    status === 500 && headers['content-length'] !== undefined && headers['transfer-encoding'] === undefined;
  const emptyPage = ({ status, body }: OutsideReply) => status === 200 && body === '';
  const withStatus =
    (wanted: number) =>
    ({ status }: OutsideReply) =>
      status === wanted;
  return [
    reply('discovery answers a probe', () => send('GET', discovery, {}), emptyPage),
    // Nobody in front of the enroll app takes the header away.
    reply(
      'discovery answers the same with a forged certificate header',
      () => send('GET', discovery, FORGED),
      emptyPage,
    ),
    reply('a reply has its length and comes in one piece', () => send('POST', discovery, {}, '<a/>'), withLength),
    ...(await managementChecks(outside, found)),
    reply(
      'the admin API without a key is refused',
      () => send('GET', `${found.LANYARD_URL}/api/devices`, {}),
      withStatus(401),
    ),
  ];
}

function reply(what: string, send: () => Promise<OutsideReply>, right: (reply: OutsideReply) => boolean): Check {
  const look = async () => {
    const got = await send();
    return right(got) ? undefined : `HTTP ${got.status} ${JSON.stringify(got.headers).slice(0, 300)}`;
  };
  return { what, look };
}

/** A certificate that nobody signed: whoever sends it in the header must be sent away all the same. */
const FORGED = { 'x-arr-clientcert': Buffer.from('not a certificate').toString('base64') };

/**
 * The app itself answers 415 to this type before it looks at any certificate, and the platform, which asks for one in the
 * handshake, 403. So a 403 says that the platform refused. To a message of the usual type both would say 403.
 */
const ONLY_THE_APP_MINDS = { 'content-type': 'application/vnd.syncml.dm+wbxml' };

async function managementChecks(outside: Outside, found: DeploymentOutputs): Promise<Check[]> {
  const url = `${found.LANYARD_MANAGE_APP_URL}${MANAGEMENT_PATH}`;
  const post = (headers: Record<string, string>) => () => outside.send('POST', url, headers, 'x');
  const app = ['--resource-group', found.AZURE_RESOURCE_GROUP, '--name', found.LANYARD_MANAGE_APP];
  const { deviceAuth, unknown } = await deviceAuthOf(outside, app);
  if (deviceAuth === 'digest') {
    const unread = ({ status }: OutsideReply) => status === 400;
    return [
      reply('management sends back what is not SyncML (digest: no certificates)', post({}), unread),
      reply('a forged certificate header changes nothing in that', post(FORGED), unread),
    ];
  }
  const refused = ({ status }: OutsideReply) => status === 403;
  return [
    ...(unknown === undefined
      ? []
      : [{ what: 'the settings of the manage app can be read', look: async () => unknown }]),
    { what: 'Azure asks every caller of the manage app for a certificate', look: () => certificatesOf(outside, app) },
    reply('management without a client certificate is refused', post(ONLY_THE_APP_MINDS), refused),
    reply(
      'management with a forged certificate header is refused',
      post({ ...ONLY_THE_APP_MINDS, ...FORGED }),
      refused,
    ),
  ];
}

/** How devices prove themselves, as the manage app was told; where that cannot be read, the stricter is expected. */
async function deviceAuthOf({ az }: Outside, app: string[]): Promise<{ deviceAuth?: string; unknown?: string }> {
  try {
    const list = await az(['functionapp', 'config', 'appsettings', 'list', ...app, '--output', 'json']);
    const settings = JSON.parse(list) as { name: string; value: string }[];
    return { deviceAuth: settings.find(({ name }) => name === 'LANYARD_DEVICE_AUTH')?.value };
  } catch (error) {
    return { unknown: (error as Error).message };
  }
}

/** As resource, since `az functionapp show` has these at the top in one version and below `properties` in another. */
async function certificatesOf({ az }: Outside, app: string[]): Promise<string | undefined> {
  const show = ['resource', 'show', '--resource-type', 'Microsoft.Web/sites', ...app, '--output', 'json'];
  const { properties } = JSON.parse(await az(show)) as { properties: Record<string, unknown> };
  const { clientCertEnabled, clientCertMode, clientCertExclusionPaths } = properties;
  const right = clientCertEnabled === true && clientCertMode === 'Required' && !clientCertExclusionPaths;
  return right ? undefined : JSON.stringify({ clientCertEnabled, clientCertMode, clientCertExclusionPaths });
}
