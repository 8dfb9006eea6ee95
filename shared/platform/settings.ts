import * as z from 'zod';

/** Where an app keeps what it needs for itself: the storage account of its Functions host. */
export interface HostStorage {
  /** Blob service URL (`https://…`, managed identity), or outside Azure a connection string */
  blobs: string;
  /** client id of the user-assigned identity that opens it; the app's own identity where it is left out */
  clientId?: string;
}

/** The facts of a deployment. Policy is not here: it is edited through the admin API. */
export interface Settings {
  /** which of the three function apps this process is; `all` is for local use */
  app: 'enroll' | 'manage' | 'admin' | 'all';
  /** origin under which devices and people reach the enroll app, such as `https://enroll.contoso.com` */
  enrollUrl: string;
  /** origin under which devices reach the manage app */
  manageUrl: string;
  /** Table service URL of the data account, or outside Azure a connection string */
  tables: string;
  /** Blob service URL of the data account, or outside Azure a connection string */
  blobs: string;
  /** `files:<folder>` or the URL of a Key Vault; empty in the manage app where it is not set: that app has no right to it */
  ca: string;
  /** who makes the first certificate authority: a timer of the admin app, or an administrator's call */
  firstCa: 'timer' | 'call';
  /** how a device shows who it is in a management session: its TLS client certificate, or OMA-DM digest */
  deviceAuth: 'certificate' | 'digest';
  /** whether the platform in front sets X-ARR-ClientCert; with `none` the header is believed of nobody */
  clientCert: 'platform' | 'none';
  /** how an administrator signs in */
  adminAuth: 'keys' | 'entra';
  /** PROVIDER-ID of new enrollments */
  providerId: string;
  hostStorage: HostStorage;
}

/** One environment variable that is missing or wrong, and what it should be. Never holds a value. */
export interface WrongVariable {
  variable: string;
  expected: string;
}

/** The environment is not a deployment of Lanyard; names every variable that is wrong. No value is in it, as one may be a secret. */
export class SettingsError extends Error {
  readonly variables: WrongVariable[];

  constructor(variables: WrongVariable[]) {
    const lines = variables.map(({ variable, expected }) => `  ${variable}: expected ${expected}`);
    super(`The settings of this app are not right:\n${lines.join('\n')}`);
    this.name = 'SettingsError';
    this.variables = variables;
  }
}

const ORIGIN =
  'an https URL of a host alone, without path, query or trailing slash, such as https://enroll.contoso.com';
const DEVELOPMENT = /^UseDevelopmentStorage=true;?$/i;

const origin = z
  .string({ error: ORIGIN })
  .refine(isOrigin, { error: ORIGIN })
  .transform((text) => new URL(text).origin);

const choice = <const T extends string>(...values: T[]) =>
  z.enum(values, { error: values.join(', ').replace(/, ([^,]*)$/, ' or $1') });

const inAzureNot = (what: string) => `${what}; that is for local use and is refused in Azure`;

/** Every variable that Lanyard itself reads. */
const variables = z.object({
  LANYARD_APP: choice('enroll', 'manage', 'admin', 'all'),
  LANYARD_ENROLL_URL: origin,
  LANYARD_MANAGE_URL: origin,
  LANYARD_TABLES: service('table'),
  LANYARD_BLOBS: service('blob'),
  LANYARD_CA: z
    .string()
    .refine(isCertificateAuthority, { error: 'files:<folder> or the https URL of a Key Vault' })
    .optional(),
  LANYARD_FIRST_CA: choice('timer', 'call').default('call'),
  LANYARD_DEVICE_AUTH: choice('certificate', 'digest').default('certificate'),
  LANYARD_CLIENT_CERT: choice('platform', 'none').default('none'),
  LANYARD_ADMIN_AUTH: choice('keys', 'entra').default('keys'),
  LANYARD_PROVIDER_ID: z
    .string()
    .regex(/^[A-Za-z0-9]{1,32}$/, { error: '1 to 32 letters and digits' })
    .default('Lanyard'),
  AzureWebJobsStorage: z
    .string()
    .refine(isConnectionString, { error: 'a storage connection string, or UseDevelopmentStorage=true' })
    .optional(),
  AzureWebJobsStorage__blobServiceUri: z
    .string()
    .refine(isServiceUrl, { error: 'the https URL of a blob service, without query' })
    .optional(),
  AzureWebJobsStorage__clientId: z.string().optional(),
});
type Variables = z.output<typeof variables>;

/** The names of the variables that are read, in the order of the documentation. */
export const VARIABLES: readonly string[] = Object.keys(variables.shape);

let parsed: Settings | undefined;

/**
 * The settings of this process, read from its environment on first use.
 *
 * @throws SettingsError that names every wrong variable; it is thrown again at every call
 */
export function settings(): Settings {
  parsed ??= readSettings(process.env);
  return parsed;
}

/**
 * Reads settings from environment variables. Blank ones count as absent.
 *
 * @throws SettingsError that names every wrong variable
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const given = Object.fromEntries(
    VARIABLES.map((name) => [name, env[name]?.trim()]).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = variables.safeParse(given);
  const wrong = result.success ? [] : result.error.issues.map(wrongVariable);
  const named = new Set(wrong.map((w) => w.variable));
  // Rules over several variables look at what was given, so that they are reported together with the rest.
  for (const rule of combinations(given, Boolean(env['WEBSITE_SITE_NAME']))) {
    if (!named.has(rule.variable)) wrong.push(rule);
  }
  if (!result.success || wrong.length > 0) throw new SettingsError(wrong);
  return toSettings(result.data);
}

function wrongVariable(issue: z.core.$ZodIssue): WrongVariable {
  return { variable: String(issue.path[0]), expected: issue.message };
}

/** What a variable may be depends on the others and on where the app runs. */
function combinations(given: Partial<Record<string, string>>, inAzure: boolean): WrongVariable[] {
  const wrong: WrongVariable[] = [];
  const expect = (ok: boolean, variable: string, expected: string) => ok || wrong.push({ variable, expected });
  const { LANYARD_APP: app, LANYARD_CA: ca } = given;
  expect(ca !== undefined || app === 'manage', 'LANYARD_CA', 'files:<folder> or the https URL of a Key Vault');
  expect(
    given['LANYARD_DEVICE_AUTH'] !== 'digest' || given['LANYARD_CLIENT_CERT'] !== 'platform',
    'LANYARD_CLIENT_CERT',
    'none, because LANYARD_DEVICE_AUTH is digest: a deployment has one or the other',
  );
  const host = ['AzureWebJobsStorage', 'AzureWebJobsStorage__blobServiceUri'].filter((name) => given[name]);
  expect(
    host.length === 1,
    host.length === 0 && inAzure ? 'AzureWebJobsStorage__blobServiceUri' : 'AzureWebJobsStorage',
    'either AzureWebJobsStorage (a connection string) or AzureWebJobsStorage__blobServiceUri (an https URL), not both',
  );
  if (!inAzure) return wrong;
  expect(app !== 'all', 'LANYARD_APP', inAzureNot('enroll, manage or admin, not all'));
  expect(!ca?.startsWith('files:'), 'LANYARD_CA', inAzureNot('the https URL of a Key Vault, not files'));
  for (const name of ['LANYARD_TABLES', 'LANYARD_BLOBS']) {
    expect(
      given[name] === undefined || isServiceUrl(given[name]),
      name,
      inAzureNot('the https URL of the service, not a connection string'),
    );
  }
  expect(
    given['AzureWebJobsStorage'] === undefined,
    'AzureWebJobsStorage',
    inAzureNot('AzureWebJobsStorage__blobServiceUri in its place, not a connection string'),
  );
  return wrong;
}

function toSettings(v: Variables): Settings {
  const hostStorage: HostStorage = { blobs: (v.AzureWebJobsStorage__blobServiceUri ?? v.AzureWebJobsStorage)! };
  if (v.AzureWebJobsStorage__clientId !== undefined) hostStorage.clientId = v.AzureWebJobsStorage__clientId;
  return {
    app: v.LANYARD_APP,
    enrollUrl: v.LANYARD_ENROLL_URL,
    manageUrl: v.LANYARD_MANAGE_URL,
    tables: v.LANYARD_TABLES,
    blobs: v.LANYARD_BLOBS,
    ca: v.LANYARD_CA ?? '',
    firstCa: v.LANYARD_FIRST_CA,
    deviceAuth: v.LANYARD_DEVICE_AUTH,
    clientCert: v.LANYARD_CLIENT_CERT,
    adminAuth: v.LANYARD_ADMIN_AUTH,
    providerId: v.LANYARD_PROVIDER_ID,
    hostStorage,
  };
}

function service(kind: 'table' | 'blob') {
  const expected = `the https URL of a ${kind} service without query, or outside Azure a connection string or UseDevelopmentStorage=true`;
  return z
    .string({ error: expected })
    .refine((text) => isServiceUrl(text) || isConnectionString(text), { error: expected });
}

function isOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' && /^https:\/\/[^/?#@\s\\]+$/i.test(text);
}

function isServiceUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' && !/[?#@\s]/.test(text);
}

function isConnectionString(text: string): boolean {
  return DEVELOPMENT.test(text) || (/(^|;)\s*AccountName=[^;]+/i.test(text) && /(^|;)\s*AccountKey=[^;]+/i.test(text));
}

function isCertificateAuthority(text: string): boolean {
  return /^files:./.test(text) || isServiceUrl(text);
}
