import { createHash } from 'node:crypto';
import { type Xml, xml } from './xml.ts';

/** What a device is told when it is enrolled. Certificates are DER; nonces are base64 of 16 random bytes, each its own. */
export interface Provisioning {
  enrollmentId: string;
  /** Full: a user's enrollment, certificate in My/User; Device: in My/System */
  enrollmentType: 'Full' | 'Device';
  /** `[A-Za-z0-9]{1,32}`: PROVIDER-ID and the name of the DMClient node */
  providerId: string;
  /** what Settings shows */
  name: string;
  /** https, without a query: the device adds its own */
  managementUrl: string;
  /** written for Full alone */
  upn?: string;
  deviceName: string;
  rootCertificate: Buffer;
  issuingCertificate: Buffer;
  leafCertificate: Buffer;
  /** days before the certificate's end, 1 to 1000 */
  renewPeriodDays: number;
  /** days, 1 to renewPeriodDays */
  retryIntervalDays: number;
  /** how the device proves itself to us, its name being the enrollment id */
  appsrv: { secret: string; nonce: string };
  /** how we would prove ourselves to the device, our name being the PROVIDER-ID */
  client: { secret: string; nonce: string };
  /** minutes and how often; count 0 with an interval is for ever */
  poll: { first: Poll; second: Poll; remaining: Poll };
  pollOnLogin: boolean;
}

export interface Poll {
  interval: number;
  count: number;
}

/** Retries after a failed connection, and the milliseconds before the first and at most before another (w7 APPLICATION). */
const CONNECTION_RETRIES = 6;
const INITIAL_BACKOFF_MS = 30_000;
const MAX_BACKOFF_MS = 120_000;

/**
 * Writes the wap-provisioningdoc (MS-MDE2 2.2.9): CertificateStore, APPLICATION, DMClient, in the order that Windows 11
 * accepts, and nothing else, for Windows gives up the whole enrollment over one configuration service that it does not
 * expect here. No white space between elements or in values.
 *
 * @throws RangeError for settings that Windows refuses or that would leave a device without a schedule
 */
export function provisioningDocument(v: Provisioning): string {
  checkProvisioning(v);
  return document(certificateStore(v), application(v), deviceClient(v));
}

/**
 * Writes what a renewing device gets (MS-MDE2 3.5.4.1.1.2): the new certificate, those of its issuers that the device does
 * not have yet, and whose enrollment it belongs to.
 */
export function renewalDocument(
  v: Pick<Provisioning, 'enrollmentType' | 'providerId' | 'leafCertificate'> & Partial<Authorities>,
): string {
  const stores = [...authorities(v), characteristic('My', clientCertificate(v))];
  return document(
    characteristic('CertificateStore', ...stores),
    characteristic('APPLICATION', parm('PROVIDER-ID', v.providerId)),
  );
}

function checkProvisioning(v: Provisioning): void {
  const whole = (name: string, value: number, least: number, most: number) => {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} is ${value}, not a whole number from ${least} to ${most}`);
    }
  };
  whole('renewPeriodDays', v.renewPeriodDays, 1, 1000);
  whole('retryIntervalDays', v.retryIntervalDays, 1, v.renewPeriodDays);
  const polls = Object.entries(v.poll) as [string, Poll][];
  for (const [set, { interval, count }] of polls) {
    whole(`poll.${set}.interval`, interval, 0, 0x7fffffff);
    whole(`poll.${set}.count`, count, 0, 0x7fffffff);
  }
  const endless = polls.filter(([, p]) => p.count === 0 && p.interval > 0);
  if (endless.length > 1) throw new RangeError(`poll sets ${endless.map(([set]) => set).join(' and ')} both never end`);
  if (polls.every(([, p]) => p.count === 0)) throw new RangeError('poll needs one set with a count');
  if (!/^[A-Za-z0-9]{1,32}$/.test(v.providerId))
    throw new RangeError(`providerId "${v.providerId}" is not [A-Za-z0-9]{1,32}`);
  if (v.managementUrl.includes('?')) throw new RangeError('managementUrl has a query, and the device adds its own');
}

const document = (...parts: Xml[]) => xml`<wap-provisioningdoc version="1.1">${parts}</wap-provisioningdoc>`.toString();

const characteristic = (type: string, ...inner: Xml[]) =>
  inner.length === 0
    ? xml`<characteristic type="${type}"/>`
    : xml`<characteristic type="${type}">${inner}</characteristic>`;

const parm = (name: string, value: string | number) => xml`<parm name="${name}" value="${value}"/>`;

const typed = (name: string, value: string | number | boolean, datatype: 'string' | 'integer' | 'boolean') =>
  xml`<parm name="${name}" value="${value}" datatype="${datatype}"/>`;

/** Root, CA, My (MS-MDE2 2.2.9.1). */
function certificateStore(v: Provisioning): Xml {
  const renew = characteristic(
    'Renew',
    typed('ROBOSupport', true, 'boolean'),
    typed('RenewPeriod', v.renewPeriodDays, 'integer'),
    typed('RetryInterval', v.retryIntervalDays, 'integer'),
  );
  const my = characteristic('My', clientCertificate(v), characteristic('WSTEP', renew));
  return characteristic('CertificateStore', ...authorities(v), my);
}

type Authorities = Pick<Provisioning, 'rootCertificate' | 'issuingCertificate'>;

function authorities(v: Partial<Authorities>): Xml[] {
  const inSystem = (store: string, der: Buffer | undefined) =>
    der ? [characteristic(store, characteristic('System', certificate(der)))] : [];
  return [...inSystem('Root', v.rootCertificate), ...inSystem('CA', v.issuingCertificate)];
}

/** PrivateKeyContainer stands beside the certificate's node, not in it. */
function clientCertificate(v: Pick<Provisioning, 'enrollmentType' | 'leafCertificate'>): Xml {
  return characteristic(storeOf(v), certificate(v.leafCertificate), characteristic('PrivateKeyContainer'));
}

const storeOf = (v: Pick<Provisioning, 'enrollmentType'>) => (v.enrollmentType === 'Full' ? 'User' : 'System');

/** The node's name is the SHA-1 of the DER in upper case. */
function certificate(der: Buffer): Xml {
  const thumbprint = createHash('sha1').update(der).digest('hex').toUpperCase();
  return characteristic(thumbprint, parm('EncodedCertificate', der.toString('base64')));
}

/**
 * The management account (w7 APPLICATION CSP, MS-MDE2 2.2.9.5). BACKCOMPATRETRYDISABLED has no value: without it a retry
 * may come with other bytes. ROLE, INIT and USEHWDEVID are never sent.
 */
function application(v: Provisioning): Xml {
  return characteristic(
    'APPLICATION',
    parm('APPID', 'w7'),
    parm('PROVIDER-ID', v.providerId),
    parm('NAME', v.name),
    parm('ADDR', v.managementUrl),
    parm('PROTOVER', '1.2'),
    parm('CONNRETRYFREQ', CONNECTION_RETRIES),
    parm('INITIALBACKOFFTIME', INITIAL_BACKOFF_MS),
    parm('MAXBACKOFFTIME', MAX_BACKOFF_MS),
    xml`<parm name="BACKCOMPATRETRYDISABLED"/>`,
    parm('DEFAULTENCODING', 'application/vnd.syncml.dm+xml'),
    parm('SSLCLIENTCERTSEARCHCRITERIA', searchCriteria(v)),
    credentials('APPSRV', v.enrollmentId, v.appsrv),
    credentials('CLIENT', v.providerId, v.client),
  );
}

/** Which certificate the device presents: subject and store, percent-encoded, before any XML escaping. */
function searchCriteria(v: Provisioning): string {
  return `Subject=${encodeURIComponent(`CN=${v.enrollmentId}`)}&Stores=${encodeURIComponent(`My\\${storeOf(v)}`)}`;
}

/** Windows refuses the account when AAUTHDATA is missing, although the documents call it optional. */
function credentials(level: 'APPSRV' | 'CLIENT', name: string, v: { secret: string; nonce: string }): Xml {
  return characteristic(
    'APPAUTH',
    parm('AAUTHLEVEL', level),
    parm('AAUTHTYPE', 'DIGEST'),
    parm('AAUTHNAME', name),
    parm('AAUTHSECRET', v.secret),
    parm('AAUTHDATA', v.nonce),
  );
}

/** DMClient CSP (MS-MDE2 2.2.9.3). EntDMID must be there before the first renewal. */
function deviceClient(v: Provisioning): Xml {
  const { first, second, remaining } = v.poll;
  const poll = characteristic(
    'Poll',
    typed('NumberOfFirstRetries', first.count, 'integer'),
    typed('IntervalForFirstSetOfRetries', first.interval, 'integer'),
    typed('NumberOfSecondRetries', second.count, 'integer'),
    typed('IntervalForSecondSetOfRetries', second.interval, 'integer'),
    typed('NumberOfRemainingScheduledRetries', remaining.count, 'integer'),
    typed('IntervalForRemainingScheduledRetries', remaining.interval, 'integer'),
    typed('PollOnLogin', v.pollOnLogin, 'boolean'),
  );
  const upn = v.enrollmentType === 'Full' && v.upn ? [typed('UPN', v.upn, 'string')] : [];
  const provider = characteristic(
    v.providerId,
    ...upn,
    typed('EntDeviceName', v.deviceName, 'string'),
    typed('EntDMID', v.enrollmentId, 'string'),
    poll,
  );
  return characteristic('DMClient', characteristic('Provider', provider));
}
