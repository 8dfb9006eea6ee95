/**
 * The link that opens Windows Settings with user and server filled in (Microsoft Learn, "MDM enrollment of Windows devices",
 * connect by a deep link). The secret is not in it: links are forwarded, kept and previewed.
 */
export function enrollmentDeepLink(user: string, enrollUrl: string): string {
  const query = new URLSearchParams({ mode: 'mdm', username: user, servername: enrollUrl });
  // Settings reads %20, not the plus of a form.
  return `ms-device-enrollment:?${query.toString().replaceAll('+', '%20')}`;
}
