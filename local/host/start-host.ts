import { injectCore, setSystemLog } from './core.ts';
import type { HostOptions, RunningHost } from './host-options.ts';
import { type LoadedApp, loadApp } from './loaded-app.ts';
import { HostLog } from './log.ts';
import { Host } from './running-host.ts';

export type { AppOptions, HostOptions, ListenerOptions, RunningHost } from './host-options.ts';
export type { HostKeys } from './keys.ts';

/**
 * Starts a host for Functions apps (Node v4 model) in this process. It runs the real library and answers as the Azure host
 * behind the front of App Service does.
 *
 * Rejects, with nothing left open, when an app throws while loading or registers nothing, when a route or schedule is not
 * one, or when a port is taken.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const log = new HostLog(options.log);
  injectCore();
  setSystemLog((level, message) => log.line(level, 'Worker', message));
  const apps: LoadedApp[] = [];
  for (const app of options.apps) apps.push(await loadApp(app, log));
  await refuseStreaming(apps);
  const host = new Host(options, apps, log);
  await host.open();
  return host;
}

/** In streaming mode Azure hangs when a handler throws or returns nothing, so an app that asks for it is not served. */
async function refuseStreaming(apps: LoadedApp[]): Promise<void> {
  for (const model of new Set(apps.map((app) => app.registrations.model))) {
    const capabilities = await model?.getCapabilities?.({});
    if (capabilities?.['HttpUri']) throw new Error('An app sets enableHttpStream, which this host does not do.');
  }
}
