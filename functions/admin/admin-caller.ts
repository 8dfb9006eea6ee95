import type { HttpRequest } from '@azure/functions';
import { readClientPrincipal } from '../../shared/administrators/client-principal.ts';
import { allows, roleFor } from '../../shared/administrators/roles.ts';
import { badRequest, Problem } from '../../shared/platform/problem.ts';

export type AdminAuth = 'keys' | 'entra';

/**
 * How the doors of the admin API are opened. They are registered while the app loads, before its settings are read and
 * checked, so the variable is looked at by itself; a wrong one is told by the first call.
 */
export function adminAuthOf(env: NodeJS.ProcessEnv): AdminAuth {
  return env['LANYARD_ADMIN_AUTH'] === 'entra' ? 'entra' : 'keys';
}

/**
 * Who asks. With keys it is what the caller says: a key proves the right to ask, not the name. With Entra it is whom the
 * platform has signed in, and the role decides.
 * @throws {Problem} 400 for a name that is too long, 401 when nobody is signed in, 403 without the role or for what another
 *   site's page asks, 503 while the platform's sign-in is off: the header could then be anybody's
 */
export function callerOf(request: HttpRequest, auth: AdminAuth, needsMasterKey: boolean): string {
  return auth === 'keys' ? claimedName(request) : signedInName(request, needsMasterKey);
}

function claimedName(request: HttpRequest): string {
  const name = request.headers.get('x-lanyard-actor')?.trim() ?? '';
  if (name.length > 200) throw badRequest([{ field: 'X-Lanyard-Actor', message: 'is longer than 200 characters' }]);
  return name || 'unnamed';
}

function signedInName(request: HttpRequest, needsMasterKey: boolean): string {
  // App Service sets this variable of an app whose authentication is on.
  if (process.env['WEBSITE_AUTH_ENABLED']?.toLowerCase() !== 'true') {
    const detail =
      'LANYARD_ADMIN_AUTH is entra, and App Service Authentication of this app is off. Switch it on first.';
    throw new Problem(503, 'Sign-in is off', detail);
  }
  // The platform signs browsers in with a cookie, which they send along with whatever another site's page asks.
  if (request.method !== 'GET' && ['cross-site', 'same-site'].includes(request.headers.get('sec-fetch-site') ?? '')) {
    throw new Problem(403, 'From another site', 'A browser sent this from a page of another site.');
  }
  const administrator = readClientPrincipal(request.headers.get('x-ms-client-principal'));
  if (!administrator) throw new Problem(401, 'Not signed in', 'Sign in with Microsoft Entra.');
  const needed = roleFor(request.method, needsMasterKey);
  if (!allows(administrator.roles, needed)) {
    const detail = `This call needs the app role ${needed}. ${administrator.name} has ${administrator.roles.join(', ') || 'none'}.`;
    throw new Problem(403, 'Role missing', detail);
  }
  return administrator.name;
}
