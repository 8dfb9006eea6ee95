import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll } from 'vitest';
import { AdminClient } from '../../local/admin-client.ts';
import { WindowsDevice } from '../../local/device/windows-device.ts';
import { freePorts } from '../../local/free-ports.ts';
import { openTlsRoot } from '../../local/host/tls-root.ts';
import { openPackagedHost, type PackagedHost, type RunningApp, type RunOptions } from '../../local/packaged-host.ts';
import { APPS, type AppName } from '../../local/packages/build-apps.ts';
import { packageApps } from '../../local/packages/package-apps.ts';
import { actionsOf } from '../infra/bicep.ts';
import { environmentToReachFrom, type Right, type RunningVault, startVault } from '../vault/vault.ts';
import { type Rights, type RightsProxy, rightsFromTemplate, startRightsProxy } from './rights-proxy.ts';

/** The identities of the apps. In Azure each also has a principal id, by which rights are given; here one id does for both. */
export const CLIENT_IDS: Record<AppName, string> = {
  enroll: '11111111-0000-4000-8000-000000000000',
  manage: '22222222-0000-4000-8000-000000000000',
  admin: '33333333-0000-4000-8000-000000000000',
};

/** The services behind the apps, each of which can be pulled. */
export interface Services {
  tables: RightsProxy;
  /** the data account's */
  blobs: RightsProxy;
  /** those of the apps' own host accounts */
  hostBlobs: RightsProxy;
  vault: RunningVault;
}

/**
 * The three zips as they run in Azure: unpacked far from the sources, a process each with its own identity and the settings
 * of the templates, tables and blobs over TLS with tokens, a vault, and no right that the templates do not give.
 */
export class Production {
  readonly folder: string;
  readonly host: PackagedHost;
  readonly services: Services;
  /** What each identity may do with data, by its client id. */
  readonly rights: Record<string, Rights>;
  /** What each identity may do in the vault, by its client id. */
  readonly vaultRights: Record<string, Right[]>;
  readonly url: Record<AppName, string>;
  readonly apps: RunningApp[] = [];
  readonly admin: AdminClient;
  #devices = 0;

  constructor(parts: Pick<Production, 'folder' | 'host' | 'services' | 'rights' | 'vaultRights' | 'url'>) {
    this.folder = parts.folder;
    this.host = parts.host;
    this.services = parts.services;
    this.rights = parts.rights;
    this.vaultRights = parts.vaultRights;
    this.url = parts.url;
    const { keys, tlsRoot } = parts.host;
    this.admin = new AdminClient({ url: this.url.admin, key: keys.host, trust: [tlsRoot], actor: 'kim' });
  }

  invite(user = 'kim@example.org'): Promise<{ id: string; user: string; secret: string }> {
    return this.admin.call('POST', '/api/invitations', { user });
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read what they need of the JSON
  get(path: string): Promise<any> {
    return this.admin.call('GET', path);
  }

  /** A PC that is not enrolled. */
  newPc(machine?: WindowsDevice['machine']): Promise<WindowsDevice> {
    this.#devices += 1;
    const name = machine?.name ?? `PC-${this.#devices}`;
    const folder = join(this.folder, `pc-${this.#devices}`);
    return WindowsDevice.create({ name, folder, trust: [this.host.tlsRoot], ...(machine && { machine }) });
  }

  /** A PC that has enrolled with an invitation of its own and called once. */
  async enrolledPc(): Promise<{ device: WindowsDevice; id: string; user: string }> {
    const { user, secret } = await this.invite();
    const device = await this.newPc();
    const { enrollmentId } = await device.enroll({ server: this.url.enroll, user, secret });
    await device.sync();
    return { device, id: enrollmentId, user };
  }

  /** Starts an instance of an app, at the address that is its own unless another one is given. */
  async start(app: AppName, url = this.url): Promise<void> {
    const { vault } = this.services;
    const run: RunOptions = {
      folder: join(this.folder, app),
      port: Number(new URL(url[app]).port),
      tls: app === 'manage' ? 'required' : 'off',
      settings: settingsOf(app, { services: this.services, url }),
      env: app === 'manage' ? {} : await environmentToReachFrom(vault, this.folder),
    };
    this.apps.push(await this.host.start(run));
  }

  /** Starts one more instance of an app. @returns its address */
  async startAnother(app: AppName): Promise<string> {
    const [port = 0] = await freePorts(1);
    const url = addressOf(port);
    await this.start(app, { ...this.url, [app]: url });
    return url;
  }

  /** What was refused for want of a right, in the names of the apps. */
  refused(): string[] {
    const { tables, blobs, hostBlobs } = this.services;
    return [tables, blobs, hostBlobs].flatMap(({ refused }) => refused.map(named));
  }

  /** What the apps have done with data, each thing once. */
  done(): Set<string> {
    return new Set([this.services.tables, this.services.blobs].flatMap(({ allowed }) => [...allowed].map(named)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.stop()));
    const { vault, ...proxies } = this.services;
    for (const proxy of Object.values(proxies)) proxy.stop();
    await vault.stop();
    await this.host.stop();
  }
}

const addressOf = (port = 0) => `https://localhost:${port}`;
const named = (line: string) => APPS.reduce((text, app) => text.replace(CLIENT_IDS[app], app), line);

/** Packs and starts it before the tests of a file and stops it after them. There is no certificate authority yet. */
export function useProduction(): () => Production {
  let folder = '';
  let production: Production | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanyard-production-'));
    const [packages, host, ports] = await Promise.all([
      packageApps(join(folder, 'out')),
      openPackagedHost(join(folder, 'host')),
      freePorts(APPS.length),
    ]);
    production = await prepare(folder, host, ports);
    for (const { app, zip } of packages) {
      await unpack(zip, join(folder, app));
      await production.start(app);
    }
  }, 180_000);
  afterAll(async () => {
    await production?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return () => production!;
}

async function prepare(folder: string, host: PackagedHost, ports: number[]): Promise<Production> {
  const rights = Object.fromEntries(APPS.map((app) => [CLIENT_IDS[app], rightsFromTemplate(`${app}Rights`)]));
  // The signing right comes with the last step of a deployment.
  const vaultRights = {
    [CLIENT_IDS.admin]: vaultRightsOf('authority'),
    [CLIENT_IDS.enroll]: [],
    [CLIENT_IDS.manage]: [],
  };
  const root = await openTlsRoot(join(host.folder, 'tls'));
  const tls = { ...(await root.serverCertificate(['127.0.0.1'])), ca: root.pem };
  const before = (name: string, allowed: Record<string, Rights>) =>
    startRightsProxy(host.settings[name] ?? '', tls, allowed);
  const services = {
    tables: await before('LANYARD_TABLES', rights),
    blobs: await before('LANYARD_BLOBS', rights),
    hostBlobs: await before('AzureWebJobsStorage__blobServiceUri', ownersOfTheirs()),
    vault: await startVault({ keyBits: 2048, identities: vaultRights }),
  };
  const url = Object.fromEntries(APPS.map((app, index) => [app, addressOf(ports[index])]));
  return new Production({ folder, host, services, rights, vaultRights, url: url as Record<AppName, string> });
}

/** An app may do everything in its own host account. Here the three accounts are one, with a container of the same name. */
function ownersOfTheirs(): Record<string, Rights> {
  const everything = new Set(['create', 'read', 'add', 'update', 'delete']);
  return Object.fromEntries(APPS.map((app) => [CLIENT_IDS[app], { lanyard: everything }]));
}

/**
 * The operations that a role of the templates allows in the vault. @param role name of the role in roles.bicep
 * @param object the one object on which it is given; the whole vault where it is left out
 */
export function vaultRightsOf(role: 'authority' | 'signer', object?: string): Right[] {
  const operations = actionsOf(role).flatMap((action): Right[] => {
    const [kind, verb] = action.split('/') as ['certificates' | 'keys', string];
    return verb === 'read' ? [`${kind}/get`, `${kind}/list`] : [`${kind}/${verb}`];
  });
  return object === undefined ? operations : operations.map((operation): Right => `${operation} ${object}`);
}

async function unpack(zip: string, folder: string): Promise<void> {
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(zip))))
    await writeFile(join(folder, name), bytes);
}

/** What the templates set, and the platform: the same names, with the addresses of this machine. */
export function settingsOf(
  app: AppName,
  { services, url }: Pick<Production, 'services' | 'url'>,
): Record<string, string> {
  return {
    WEBSITE_SITE_NAME: `lanyard-${app}-test`,
    AzureWebJobsStorage__accountName: `lanyard${app}`,
    AzureWebJobsStorage__blobServiceUri: services.hostBlobs.url,
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: CLIENT_IDS[app],
    AZURE_CLIENT_ID: CLIENT_IDS[app],
    APPLICATIONINSIGHTS_CONNECTION_STRING: '',
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `Authorization=AAD;ClientId=${CLIENT_IDS[app]}`,
    AzureWebJobsDisableHomepage: 'true',
    LANYARD_ENROLL_URL: url.enroll,
    LANYARD_MANAGE_URL: url.manage,
    LANYARD_TABLES: services.tables.url,
    LANYARD_BLOBS: services.blobs.url,
    LANYARD_DEVICE_AUTH: 'certificate',
    LANYARD_ADMIN_AUTH: 'keys',
    LANYARD_PROVIDER_ID: 'Lanyard',
    LANYARD_APP: app,
    LANYARD_CLIENT_CERT: app === 'manage' ? 'platform' : 'none',
    // The manage app has no right to it, and is not told where it is.
    ...(app === 'manage' ? {} : { LANYARD_CA: services.vault.url }),
    ...(app === 'admin' ? { LANYARD_FIRST_CA: 'timer' } : {}),
  };
}
