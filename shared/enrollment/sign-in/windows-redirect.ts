/** The schemes under which Windows takes a web page's answer; nothing else is a way back to it. */
export type WindowsScheme = 'ms-app:' | 'ms-appx-web:' | 'ms-aadj-redir:';

/** Where Settings waits for the token of a sign-in (MS-MDE2 3.2). */
export const SIGN_IN_SCHEMES: readonly WindowsScheme[] = ['ms-app:', 'ms-appx-web:'];
/**
 * Where Windows waits for the answer to the terms of use: in an app (Learn, "Microsoft Entra integration with MDM"), and
 * in the set-up of a new PC under a scheme of its own, `ms-aadj-redir://auth/mdm`, which no document names.
 */
export const TERMS_SCHEMES: readonly WindowsScheme[] = ['ms-appx-web:', 'ms-aadj-redir:'];

const MAX_LENGTH = 1_000;
/** Host, then path and query of unreserved, escaped and harmless reserved characters (RFC 3986); no user, port or fragment. */
const REDIRECT = /^(ms-app|ms-appx-web|ms-aadj-redir):\/\/[A-Za-z0-9._-]+(?:[/?][A-Za-z0-9._~!$()*+,;=:@/?&%-]*)?$/;

/**
 * The scheme of an address in a Windows app, such as `ms-app://windows.immersivecontrolpanel` (MS-MDE2 3.2: `appru`).
 * Pages send tokens there, so an address that is anything else must not be used: https, javascript, an app of somebody
 * else under another scheme.
 *
 * @param expected the schemes that will do
 * @returns undefined for every other text
 */
export function windowsScheme(address: string, expected: readonly WindowsScheme[]): WindowsScheme | undefined {
  const scheme = address.length <= MAX_LENGTH ? REDIRECT.exec(address)?.[1] : undefined;
  return expected.find((each) => each === `${scheme}:`);
}
