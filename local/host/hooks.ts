import { processHooks } from './core.ts';
import type { AppRegistrations, HookCallback } from './core-types.ts';

/** The callbacks of one hook, those of the app first, in the order of their registration. */
export function hooksOf(app: AppRegistrations, name: string): HookCallback[] {
  const ofApp = app.hooks.get(name);
  const ofProcess = processHooks.get(name);
  if (!ofProcess?.length) return ofApp ?? [];
  return [...(ofApp ?? []), ...ofProcess];
}

/** Runs the callbacks one after the other; the first that throws stops the chain, as in the Node worker. */
export async function runHooks(app: AppRegistrations, name: string, context: Record<string, unknown>): Promise<void> {
  for (const callback of hooksOf(app, name)) await callback(context);
}

/** The context of appStart and appTerminate. */
export function appContext(app: AppRegistrations): Record<string, unknown> {
  return { hookData: {}, appHookData: app.appHookData };
}
