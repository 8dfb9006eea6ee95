import { collectRegistrations } from './core.ts';
import type { AppRegistrations } from './core-types.ts';
import { type FunctionSummary, type HostedFunction, hostedFunctions, notHosted } from './functions.ts';
import type { AppOptions } from './host-options.ts';
import type { HostLog } from './log.ts';
import { type Route, routesOf } from './routes.ts';

/** An app with what it registered. */
export interface LoadedApp {
  name: string;
  registrations: AppRegistrations;
  functions: HostedFunction[];
  routes: Route[];
}

/** Loads an app and reads its functions and routes. Throws what the app threw, and an Error for a route that is not one. */
export async function loadApp(app: AppOptions, log: HostLog): Promise<LoadedApp> {
  const registrations = await collectRegistrations(app.name, app.load);
  const functions = hostedFunctions(app.name, registrations);
  for (const hosted of functions) {
    const missing = notHosted(hosted);
    if (missing) log.line('warning', `Function.${hosted.metadata.name}`, `${missing}.`);
  }
  return { name: app.name, registrations, functions, routes: routesOf(functions, app.hostJson) };
}

/** What people are shown of the app's functions. */
export function summaries(app: LoadedApp): FunctionSummary[] {
  return app.functions.map((hosted) => {
    const route = app.routes.find((candidate) => candidate.hosted === hosted);
    return {
      app: app.name,
      name: hosted.metadata.name,
      route: route?.template.text,
      methods: route && [...route.methods],
      authLevel: route && (hosted.trigger.authLevel ?? 'function').toLowerCase(),
      schedule: hosted.trigger.schedule,
    };
  });
}
