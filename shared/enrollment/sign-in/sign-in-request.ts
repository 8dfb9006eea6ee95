import type { Ownership } from '../../devices/device.ts';
import { type SignInTarget, signInTarget } from './windows-redirect.ts';

/** What Windows puts into the address of the sign-in page, and the page carries along (MS-MDE2 3.2). */
export interface SignInRequest {
  /** Where the token goes: the address of the app in Windows that opened the page, or one of our own. */
  appru: string;
  target: SignInTarget;
  /** Who is about to sign in, as typed in Settings; empty where nobody was. */
  user: string;
  /** Of a deep link; our links put the invitation's secret there. */
  accessToken?: string;
  ownership?: Ownership;
  deviceIdentifier?: string;
  tenantIdentifier?: string;
}

export const MAX_USER = 320;
export const MAX_SECRET = 200;
const OWNERSHIP: Record<string, Ownership> = { '1': 'unknown', '2': 'personal', '3': 'corporate' };
const GUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;

/**
 * Reads the parameters of a sign-in: `appru`, `login_hint`, `username`, and those that a deep link adds (Microsoft Learn,
 * "MDM enrollment of Windows devices"). A form of ours sends the same ones. What is odd in the others is left out; only
 * `appru` must be right, and be there once.
 *
 * @param enrollUrl origin of the enroll app
 * @returns undefined when `appru` is no address of a Windows app, and none of ours
 */
export function readSignInRequest(parameters: URLSearchParams, enrollUrl: string): SignInRequest | undefined {
  const [appru = '', ...more] = parameters.getAll('appru');
  const target = signInTarget(appru, enrollUrl);
  if (!target || more.length > 0) return undefined;
  const text = (name: string, most: number) => {
    const value = parameters.get(name)?.trim() ?? '';
    return value.length <= most ? value : '';
  };
  return {
    appru,
    target,
    user: text('user', MAX_USER) || text('login_hint', MAX_USER) || text('username', MAX_USER),
    accessToken: text('accesstoken', MAX_SECRET) || undefined,
    ownership: OWNERSHIP[text('ownership', 1)],
    deviceIdentifier: GUID.exec(text('deviceidentifier', 38))?.[1]?.toLowerCase(),
    tenantIdentifier: text('tenantidentifier', 200) || undefined,
  };
}

/** What our pages carry along from one to the next; the secret of the deep link is not among it. */
export function carriedAlong(request: SignInRequest): [name: string, value: string][] {
  const ownership = Object.keys(OWNERSHIP).find((code) => OWNERSHIP[code] === request.ownership);
  const all: [string, string | undefined][] = [
    ['appru', request.appru],
    ['ownership', ownership],
    ['deviceidentifier', request.deviceIdentifier],
    ['tenantidentifier', request.tenantIdentifier],
  ];
  return all.filter((pair): pair is [string, string] => pair[1] !== undefined);
}
