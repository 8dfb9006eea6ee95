import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTables, openStorage } from '../shared/storage/storage.ts';
import { AdminClient } from './admin-client.ts';
import { startAzurite } from './azurite.ts';
import { ADDRESS_FILE, ADMIN_KEY_FILE } from './deployment-files.ts';
import { freePorts } from './free-ports.ts';
import type { HostJson } from './host/app-folder.ts';
import type { HostKeys } from './host/keys.ts';
import { type ListenerOptions, type RunningHost, startHost } from './host/start-host.ts';
import { openTlsRoot } from './host/tls-root.ts';

/** Lanyard on one machine: the table and blob service, the three apps in one process, and TLS in front as App Service does it. */
export interface LocalDeployment {
  enrollUrl: string;
  manageUrl: string;
  /** The Functions host without TLS in front. */
  bareUrl: string;
  /** The host key: opens every function of the admin API. */
  adminKey: string;
  masterKey: string;
  /** PEM of the root above the front's TLS certificates. */
  tlsRoot: string;
  host: RunningHost;
  /** A client of the admin API with the host key. */
  admin: AdminClient;
  /** Connection string of the table and blob service. */
  storage: string;
  stop(): Promise<void>;
}

export interface LocalOptions {
  /** Where everything lies: keys, CA, tables. */
  folder: string;
  /** Keep tables and blobs in memory only. */
  inMemory?: boolean;
  /** Connection string of a table and blob service that runs already; it is not stopped with this. */
  storage?: string;
  /** Under this name devices of the same network reach it; without one it is reached from this machine alone. */
  hostName?: string;
  ports?: Partial<Record<'enroll' | 'manage' | 'bare', number>>;
  deviceAuth?: 'certificate' | 'digest';
  /** Whether the apps believe X-ARR-ClientCert; by default they do where the front asks for certificates. */
  clientCert?: 'platform' | 'none';
  providerId?: string;
  /** How administrators are let in. With `entra` there is nobody here to sign them in: tests do it. */
  adminAuth?: 'keys' | 'entra';
  /** Where the CA keys lie, as in LANYARD_CA; by default in the folder. */
  certificateAuthority?: string;
  /** Who makes the certificate authority where there is none: by default the start, with `timer` the admin app. */
  firstAuthority?: 'timer' | 'call';
  /** What the front does with a caller's own X-ARR-ClientCert; App Service replaces it. */
  callersHeader?: 'replace' | 'append' | 'pass';
  /** Loaded with the manage app: a function that measurements need. */
  moreManageDoors?: () => Promise<unknown>;
  log?: (line: string) => void;
  /** Told as each part is up. */
  onReady?: (part: string, detail: string) => void;
}

export const DEFAULT_PORTS = { enroll: 7443, manage: 7444, bare: 7071 };
const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * Starts Lanyard in this process. Only one can run in a process, since the apps read their settings from its environment.
 * @throws Error that names the port when one is taken
 */
export async function startLocal(options: LocalOptions): Promise<LocalDeployment> {
  const { folder } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = await openKeys(folder);
  const root = await openTlsRoot(folder);
  const azurite = await openStorageService(options);
  options.onReady?.('storage', 'tables and blobs (Azurite)');
  try {
    const storage = openStorage({ tables: azurite.connectionString, blobs: azurite.connectionString });
    await createTables(storage);
    const ports = await portsFor({ ...DEFAULT_PORTS, ...options.ports });
    const urls = addresses(options, ports);
    setEnvironment(options, urls, azurite.connectionString);
    const names = ['localhost', '127.0.0.1', '::1', ...(options.hostName ? [options.hostName] : [])];
    const host = await startApps(options, keys, ports, await root.serverCertificate(names));
    options.onReady?.('apps', 'enroll, manage and admin in the local Functions host');
    const admin = new AdminClient({
      url: `https://localhost:${ports.enroll}`,
      key: keys.host,
      trust: [root.pem],
      actor: 'local',
    });
    // Where nobody can sign in, the test that plays the platform makes the CA.
    if (options.adminAuth !== 'entra' && options.firstAuthority !== 'timer') {
      await admin.call('POST', '/api/certificate-authority', {}, { 'x-functions-key': keys.master });
    }
    await writeFile(join(folder, ADDRESS_FILE), `https://localhost:${ports.enroll}\n`);
    options.onReady?.('authority', 'device root and issuing CA');
    const stop = async () => {
      await host.close();
      await azurite.stop();
    };
    const found = { ...urls, adminKey: keys.host, masterKey: keys.master, tlsRoot: root.pem };
    return { ...found, host, admin, storage: azurite.connectionString, stop };
  } catch (error) {
    await azurite.stop();
    throw error;
  }
}

async function openStorageService({ storage, inMemory, folder }: LocalOptions) {
  if (storage !== undefined) return { connectionString: storage, stop: async () => {} };
  return startAzurite(inMemory ? { inMemory: true } : { folder: join(folder, 'azurite') });
}

type Ports = Record<'enroll' | 'manage' | 'bare', number>;

/** Port 0 stands for a free one, which has to be found first: the apps are told their own addresses before they listen. */
async function portsFor(wanted: Ports): Promise<Ports> {
  const [enroll = 0, manage = 0, bare = 0] = await freePorts(3);
  return { enroll: wanted.enroll || enroll, manage: wanted.manage || manage, bare: wanted.bare || bare };
}

function addresses({ hostName = 'localhost' }: LocalOptions, ports: Ports) {
  return {
    enrollUrl: `https://${hostName}:${ports.enroll}`,
    manageUrl: `https://${hostName}:${ports.manage}`,
    bareUrl: `http://localhost:${ports.bare}`,
  };
}

function setEnvironment(options: LocalOptions, urls: ReturnType<typeof addresses>, storage: string): void {
  const deviceAuth = options.deviceAuth ?? 'certificate';
  Object.assign(process.env, {
    LANYARD_APP: 'all',
    LANYARD_ENROLL_URL: urls.enrollUrl,
    LANYARD_MANAGE_URL: urls.manageUrl,
    LANYARD_TABLES: storage,
    LANYARD_BLOBS: storage,
    LANYARD_CA: options.certificateAuthority ?? `files:${join(options.folder, 'ca')}`,
    LANYARD_FIRST_CA: options.firstAuthority ?? 'call',
    LANYARD_DEVICE_AUTH: deviceAuth,
    LANYARD_CLIENT_CERT: options.clientCert ?? (deviceAuth === 'certificate' ? 'platform' : 'none'),
    LANYARD_ADMIN_AUTH: options.adminAuth ?? 'keys',
    LANYARD_PROVIDER_ID: options.providerId ?? 'Lanyard',
    AzureWebJobsStorage: storage,
  });
}

async function startApps(
  options: LocalOptions,
  keys: HostKeys,
  ports: Ports,
  tls: { key: string; cert: string },
): Promise<RunningHost> {
  const hostJson = JSON.parse(await readFile(new URL('../host.json', import.meta.url), 'utf8')) as HostJson;
  const hosts = options.hostName ? ['0.0.0.0', '::'] : LOOPBACK;
  const wantsCertificate = (options.deviceAuth ?? 'certificate') === 'certificate';
  const listeners: ListenerOptions[] = [
    {
      port: ports.enroll,
      hosts,
      apps: ['enroll', 'admin'],
      tls: { ...tls, clientCertificates: 'off', callersHeader: options.callersHeader },
    },
    {
      port: ports.manage,
      hosts,
      apps: ['manage'],
      tls: { ...tls, clientCertificates: wantsCertificate ? 'required' : 'off', callersHeader: options.callersHeader },
    },
    { port: ports.bare, hosts: LOOPBACK, apps: ['enroll', 'manage', 'admin'] },
  ];
  const loadManage = async () => {
    await import('../functions/manage.app.ts');
    await options.moreManageDoors?.();
  };
  const apps = [
    { name: 'enroll', load: () => import('../functions/enroll.app.ts'), hostJson },
    { name: 'manage', load: loadManage, hostJson },
    { name: 'admin', load: () => import('../functions/admin.app.ts'), hostJson },
  ];
  return startHost({ apps, keys, listeners, log: options.log });
}

/** The host's keys, made once; the admin key also in a file of its own, for people and for the command line. */
async function openKeys(folder: string): Promise<HostKeys> {
  const file = join(folder, 'host-keys.json');
  if (!existsSync(file)) {
    const fresh: HostKeys = { master: newKey(), host: newKey(), functions: {} };
    await writeFile(file, JSON.stringify(fresh), { mode: 0o600 });
  }
  await chmod(file, 0o600);
  const keys = JSON.parse(await readFile(file, 'utf8')) as HostKeys;
  await writeFile(join(folder, ADMIN_KEY_FILE), `${keys.host}\n`, { mode: 0o600 });
  return keys;
}

function newKey(): string {
  return randomBytes(32).toString('base64url');
}
