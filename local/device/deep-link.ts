import { DeviceError, HRESULT } from './errors.ts';

/** What Windows takes out of an ms-device-enrollment link. */
export interface DeepLink {
  mode: string;
  user?: string;
  server?: string;
  accessToken?: string;
  deviceIdentifier?: string;
  tenantIdentifier?: string;
  ownership?: string;
}

const SCHEME = /^ms-device-enrollment:\/{0,2}\?(.*)$/i;
const MODES = ['mdm', 'awa', 'aadj'];

/**
 * Reads a deep link as Settings does: parameters separated by `&`, each percent-encoded in UTF-8, a plus staying a plus.
 * Names it does not know are passed over. Errors: 0x80070057 for another scheme, a mode that it has not, a value that is
 * not percent-encoded text, an ownership other than 1, 2 and 3.
 */
export function readDeepLink(link: string): DeepLink {
  const query = SCHEME.exec(link)?.[1];
  if (query === undefined) throw invalid('the link does not begin with ms-device-enrollment:?');
  const given = new Map(query.split('&').map(readParameter));
  const mode = given.get('mode')?.toLowerCase() ?? '';
  if (!MODES.includes(mode)) throw invalid(`the mode "${mode}" is none of ${MODES.join(', ')}`);
  const ownership = given.get('ownership');
  if (ownership !== undefined && !/^[123]$/.test(ownership)) throw invalid('ownership is 1, 2 or 3');
  return {
    mode,
    user: given.get('username'),
    server: given.get('servername'),
    accessToken: given.get('accesstoken'),
    deviceIdentifier: given.get('deviceidentifier'),
    tenantIdentifier: given.get('tenantidentifier'),
    ownership,
  };
}

function readParameter(text: string): [string, string] {
  const at = text.indexOf('=');
  const [name, value] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  try {
    return [decodeURIComponent(name).toLowerCase(), decodeURIComponent(value)];
  } catch (cause) {
    throw new DeviceError(HRESULT.invalidArgument, 'settings', `"${text}" is not percent-encoded text`, { cause });
  }
}

const invalid = (message: string): DeviceError => new DeviceError(HRESULT.invalidArgument, 'settings', message);
