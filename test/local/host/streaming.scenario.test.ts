import { expect, test } from 'vitest';
import { startHost } from '../../../local/host/start-host.ts';

test('an app that asks for HTTP streaming is refused, because such an app hangs in Azure when a handler throws', async () => {
  const load = async (): Promise<unknown> => {
    const { app } = await import('@azure/functions');
    app.setup({ enableHttpStream: true });
    return import('./second.app.ts');
  };
  const apps = [{ name: 'streaming', load, hostJson: {} }];
  const listeners = [{ port: 0, apps: ['streaming'] }];
  await expect(startHost({ apps, keys: { master: 'm', host: 'h', functions: {} }, listeners })).rejects.toThrow(
    'An app sets enableHttpStream, which this host does not do.',
  );
});
