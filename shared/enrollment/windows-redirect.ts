/** The schemes under which Windows takes a web page's answer; nothing else is a way back to it. */
export type WindowsScheme = 'ms-app:' | 'ms-appx-web:';

const MAX_LENGTH = 1_000;
/** Host, then path and query of unreserved, escaped and harmless reserved characters (RFC 3986); no user, port or fragment. */
const REDIRECT = /^(ms-app|ms-appx-web):\/\/[A-Za-z0-9._-]+(?:[/?][A-Za-z0-9._~!$()*+,;=:@/?&%-]*)?$/;

/**
 * The scheme of an address in a Windows app, such as `ms-app://windows.immersivecontrolpanel` (MS-MDE2 3.2: `appru`).
 * Pages send tokens there, so an address that is anything else must not be used: https, javascript, an app of somebody
 * else under another scheme.
 *
 * @returns undefined for every other text
 */
export function windowsScheme(address: string): WindowsScheme | undefined {
  const scheme = address.length <= MAX_LENGTH ? REDIRECT.exec(address)?.[1] : undefined;
  return scheme === undefined ? undefined : (`${scheme}:` as WindowsScheme);
}
