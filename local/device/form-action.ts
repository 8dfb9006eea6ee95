/**
 * Does the Content-Security-Policy of a page let a form of it go to an address (CSP Level 3, 6.4.1 form-action)? The web view
 * asks again for each redirect that answers the form, an address in Windows included. In: the header, if there was one; the
 * page; the address.
 */
export function formMayGo(policy: string | undefined, page: string, address: string): boolean {
  const directives = (policy ?? '').split(';').map((directive) => directive.trim().split(/\s+/));
  const sources = directives.find(([name]) => name?.toLowerCase() === 'form-action')?.slice(1);
  if (!sources) return true;
  const [scheme = ''] = /^[a-z][a-z0-9+.-]*:/i.exec(address) ?? [];
  // An address in a Windows app may be none for the parser.
  const isOwn = /^https?:$/.test(scheme) && new URL(address).origin === new URL(page).origin;
  return sources.some((source) => (source.toLowerCase() === "'self'" ? isOwn : source === scheme));
}
