import type { HostJson } from './app-folder.ts';
import { type HostedFunction, isHttp } from './functions.ts';
import { compareRoutes, matchRoute, type RouteValues } from './route-match.ts';
import { parseRouteTemplate, type RouteTemplate } from './route-template.ts';

export interface Route {
  hosted: HostedFunction;
  template: RouteTemplate;
  methods: Set<string>;
}

/** Azure's default where host.json says nothing. */
const defaultPrefix = 'api';

/**
 * The HTTP routes of one app, in the order in which they are tried.
 * Throws an Error for a template that Azure would refuse, and for one in the host's own part of the address space.
 */
export function routesOf(functions: HostedFunction[], hostJson: HostJson): Route[] {
  const prefix = hostJson.extensions?.http?.routePrefix ?? defaultPrefix;
  return functions
    .filter(isHttp)
    .map((hosted) => {
      const own = hosted.trigger.route || hosted.metadata.name;
      if (/^(admin|runtime)/i.test(own)) {
        throw new Error(
          `The route "${own}" of "${hosted.metadata.name}" begins with admin or runtime, which Azure keeps for itself.`,
        );
      }
      const template = parseRouteTemplate(prefix === '' ? own : `${prefix}/${own}`);
      return { hosted, template, methods: new Set((hosted.trigger.methods ?? []).map((m) => m.toUpperCase())) };
    })
    .sort((a, b) => compareRoutes(a.template, b.template));
}

/** The first route that takes the method and the decoded path; no difference is made between a wrong path and a wrong method. */
export function findRoute(
  routes: Route[],
  method: string,
  path: string,
): { hosted: HostedFunction; values: RouteValues } | undefined {
  for (const route of routes) {
    if (route.methods.size > 0 && !route.methods.has(method)) continue;
    const values = matchRoute(route.template, path);
    if (values) return { hosted: route.hosted, values };
  }
  return undefined;
}
