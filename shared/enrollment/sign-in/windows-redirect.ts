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
const OWN_PATH = /^\/[A-Za-z0-9._~!$()*+,;=:@/?&%-]*$/;

/** Where a form with a token may go, as a source of the page's policy (Content-Security-Policy `form-action`). */
export type SignInTarget = WindowsScheme | "'self'";

/**
 * Whither the token of a sign-in may be handed: to Windows, or to an address of our own, with which an administrator tries
 * the page in a browser. Our own is the origin of the enroll app to the letter, and what follows it a path: nothing that
 * a browser could take for another host.
 *
 * @param enrollUrl origin of the enroll app, without a slash at the end
 * @returns undefined for every other text
 */
export function signInTarget(address: string, enrollUrl: string): SignInTarget | undefined {
  const isOwn =
    address.length <= MAX_LENGTH && address.startsWith(enrollUrl) && OWN_PATH.test(address.slice(enrollUrl.length));
  return isOwn ? "'self'" : windowsScheme(address, SIGN_IN_SCHEMES);
}

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
