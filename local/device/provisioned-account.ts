import { type CertificateSearch, parseSearchCriteria } from './certificate-search.ts';
import { DeviceError, HRESULT } from './errors.ts';
import { type Characteristic, provisioningError } from './wap-document.ts';

export interface AccountCredential {
  type: 'BASIC' | 'DIGEST';
  name: string;
  secret: string;
  /** base64, as it came */
  nonce: string;
}

/** The OMA-DM account of a w7 APPLICATION. */
export interface ProvisionedAccount {
  providerId: string;
  name: string;
  managementUrl: string;
  /** how the device proves itself */
  appsrv: AccountCredential;
  /** how the server would prove itself */
  client: AccountCredential;
  search?: CertificateSearch;
  remarks: string[];
}

const PARMS = new Set([
  'APPID',
  'PROVIDER-ID',
  'NAME',
  'ADDR',
  'PROTOVER',
  'ROLE',
  'CONNRETRYFREQ',
  'INITIALBACKOFFTIME',
  'MAXBACKOFFTIME',
  'BACKCOMPATRETRYDISABLED',
  'DEFAULTENCODING',
  'USEHWDEVID',
  'SSLCLIENTCERTSEARCHCRITERIA',
  'SSPHyperlink',
]);
const AUTH_PARMS = new Set(['AAUTHLEVEL', 'AAUTHTYPE', 'AAUTHNAME', 'AAUTHSECRET', 'AAUTHDATA']);

/**
 * Reads the w7 APPLICATION (MS-MDE2 2.2.9.5). Parameter names are upper case and count letter by letter.
 * Errors: 0x8018001F; what makes the account configuration itself fail (a DIGEST without AAUTHDATA, an INIT) is event 17
 * with 0x80070057, shown as 0x80180023.
 */
export function readAccount(application: Characteristic): ProvisionedAccount {
  if (application.parms.has('INIT')) throw event17('INIT is for mobile operators: an account with it is refused');
  const stranger = [...application.parms.keys()].find((name) => !PARMS.has(name));
  if (stranger) throw refuse(`APPLICATION has no parameter ${stranger}`);
  const text = (name: string) => application.parms.get(name)?.value;
  if (text('APPID') !== 'w7') throw refuse('APPID is not w7');
  const providerId = text('PROVIDER-ID');
  if (!providerId) throw refuse('PROVIDER-ID is missing');
  const managementUrl = text('ADDR') ?? '';
  if (!/^https:\/\/\S+$/.test(managementUrl) || !URL.canParse(managementUrl))
    throw refuse('ADDR is not an https address');
  checkNumbers(application);
  checkChoice(application, 'PROTOVER', ['1.1', '1.2']);
  checkChoice(application, 'DEFAULTENCODING', ['application/vnd.syncml.dm+xml']);
  const criteria = text('SSLCLIENTCERTSEARCHCRITERIA');
  const search = criteria === undefined ? undefined : parseSearchCriteria(criteria);
  if (criteria !== undefined && !search) throw refuse('SSLCLIENTCERTSEARCHCRITERIA names no Subject and Stores');
  const { appsrv, client } = credentials(application);
  const remarks: string[] = [];
  if (application.parms.has('ROLE')) remarks.push('ROLE is not for an MDM');
  if (managementUrl.includes('?')) remarks.push('ADDR has a query, to which the device adds its own');
  if (appsrv.nonce && appsrv.nonce === client.nonce) remarks.push('both AAUTHDATA are the same');
  return { providerId, name: text('NAME') || '<unnamed>', managementUrl, appsrv, client, search, remarks };
}

function checkNumbers(application: Characteristic): void {
  for (const name of ['CONNRETRYFREQ', 'INITIALBACKOFFTIME', 'MAXBACKOFFTIME']) {
    const value = application.parms.get(name)?.value;
    if (application.parms.has(name) && !/^\d{1,9}$/.test(value ?? '')) throw refuse(`${name} is not a number`);
  }
}

function checkChoice(application: Characteristic, name: string, choices: string[]): void {
  const value = application.parms.get(name)?.value;
  if (application.parms.has(name) && !choices.includes(value ?? ''))
    throw refuse(`${name} "${value ?? ''}" cannot be had`);
}

function credentials(application: Characteristic): { appsrv: AccountCredential; client: AccountCredential } {
  const stranger = application.children.find((child) => child.type !== 'APPAUTH');
  if (stranger) throw refuse(`APPLICATION/${stranger.type} is not known`);
  const at = (level: string) => {
    const [first, ...more] = application.children.filter((child) => child.parms.get('AAUTHLEVEL')?.value === level);
    if (!first || more.length > 0) throw event17(`there must be one APPAUTH of level ${level}`);
    return credential(first, level);
  };
  if (application.children.length !== 2) throw event17('there must be two APPAUTH: APPSRV and CLIENT');
  return { appsrv: at('APPSRV'), client: at('CLIENT') };
}

function credential(auth: Characteristic, level: string): AccountCredential {
  const stranger = [...auth.parms.keys()].find((name) => !AUTH_PARMS.has(name));
  if (stranger) throw refuse(`APPAUTH has no parameter ${stranger}`);
  const text = (name: string) => auth.parms.get(name)?.value ?? '';
  const type = text('AAUTHTYPE');
  if (type !== 'DIGEST' && !(type === 'BASIC' && level === 'APPSRV')) throw event17(`AAUTHTYPE "${type}" at ${level}`);
  if (level === 'APPSRV' && !text('AAUTHNAME')) throw event17('AAUTHNAME is missing at APPSRV');
  if (!text('AAUTHSECRET')) throw event17(`AAUTHSECRET is missing at ${level}`);
  const nonce = text('AAUTHDATA');
  if (type === 'DIGEST' && !nonce) throw event17(`AAUTHDATA is missing at ${level}`);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(nonce) || nonce.length % 4 !== 0)
    throw event17(`AAUTHDATA at ${level} is not base64`);
  return { type, name: text('AAUTHNAME'), secret: text('AAUTHSECRET'), nonce };
}

const refuse = (message: string) => provisioningError(HRESULT.provisionAccount, message);

const event17 = (message: string) =>
  new DeviceError(HRESULT.provisionUnknown, 'provisioning', `the OMA-DM account was not configured: ${message}`, {
    event: { id: 17, hresult: HRESULT.invalidArgument },
  });
