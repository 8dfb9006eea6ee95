import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../../local/free-ports.ts';
import { openListener } from '../../../local/host/listen.ts';
import { type HostOptions, type RunningHost, startHost } from '../../../local/host/start-host.ts';
import { send } from './raw-http.ts';

const keys = { master: 'm', host: 'h', functions: {} };
const first = { name: 'first', load: () => import('./fixture.app.ts'), hostJson: {} };
const second = {
  name: 'second',
  load: () => import('./second.app.ts'),
  hostJson: { extensions: { http: { routePrefix: '' } } },
};
const hosts: RunningHost[] = [];

async function start(options: Partial<HostOptions>): Promise<RunningHost> {
  const host = await startHost({ apps: [first], keys, listeners: [], log: () => {}, ...options });
  hosts.push(host);
  return host;
}

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

const urlsOf = (host: RunningHost): string[] => host.listeners.map((listener) => listener.url);

describe('several apps in one process', () => {
  test('are each served where a listener names them, and are 404 elsewhere', async () => {
    const listeners = [
      { port: 0, apps: ['first'] },
      { port: 0, apps: ['second'] },
      { port: 0, apps: ['first', 'second'] },
    ];
    const [one, two, both] = urlsOf(await start({ apps: [first, second], listeners })) as [string, string, string];
    const status = async (url: string): Promise<number> => (await send(url)).status;
    expect(await status(`${one}/api/text`)).toBe(200);
    expect(await status(`${one}/second`)).toBe(404);
    expect(await status(`${two}/second`)).toBe(200);
    expect(await status(`${two}/api/text`)).toBe(404);
    expect([await status(`${both}/api/text`), await status(`${both}/second`)]).toEqual([200, 200]);
  });

  test('may have functions of one name, each with the prefix of its own host.json', async () => {
    const listeners = [{ port: 0, apps: ['first', 'second'] }];
    const [url] = urlsOf(await start({ apps: [first, second], listeners }));
    expect((await send(`${url}/named`)).body).toBe('named of the second app');
    expect(JSON.parse((await send(`${url}/api/named`)).body).method).toBe('GET');
  });

  test('have their hooks to themselves', async () => {
    const host = await start({ apps: [first, second], listeners: [{ port: 0, apps: ['second'] }] });
    const { seen } = await first.load();
    seen.hooks.length = 0;
    await send(`${urlsOf(host)[0]}/second`);
    expect(seen.hooks).toEqual([]);
  });

  test('all run a hook that was added after they were loaded, after their own, until it is disposed of', async () => {
    const listeners = [{ port: 0, apps: ['first', 'second'] }];
    const [url] = urlsOf(await start({ apps: [first, second], listeners }));
    const { app } = await import('@azure/functions');
    const names: string[] = [];
    const hook = app.hook.preInvocation(({ invocationContext }) => {
      names.push(invocationContext.functionName);
    });
    expect((await send(`${url}/api/hooked/replace`)).body).toBe('from the hook');
    await send(`${url}/second`);
    hook.dispose();
    await send(`${url}/second`);
    expect(names).toEqual(['hooked', 'second']);
  });

  test('have a timer of one name fired by app and name', async () => {
    const host = await start({ apps: [first, second] });
    const { seen } = await first.load();
    seen.timers.length = 0;
    await expect(host.fireTimer('nightly')).rejects.toThrow('Several apps have a timer "nightly"');
    await host.fireTimer('second/nightly');
    expect(seen.timers).toHaveLength(0);
    await host.fireTimer('first/nightly');
    expect(seen.timers).toHaveLength(1);
  });
});

describe('an app', () => {
  test('is told that it starts and that it ends', async () => {
    const { seen } = await first.load();
    seen.hooks.length = 0;
    const host = await start({});
    expect(seen.hooks.splice(0)).toEqual(['appStart']);
    await host.close();
    expect(seen.hooks.splice(0)).toEqual(['appTerminate']);
  });

  test('that throws while it is loaded stops the start with its error', async () => {
    const load = () => Promise.reject(new Error('LANYARD_TABLES is missing'));
    await expect(start({ apps: [{ ...first, load }] })).rejects.toThrow('LANYARD_TABLES is missing');
  });

  test('that registers nothing stops the start with what to do', async () => {
    const load = async () => ({});
    await expect(start({ apps: [{ ...first, name: 'hollow', load }] })).rejects.toThrow(
      'The app "hollow" registered no function',
    );
  });

  test('that no listener can find is named', async () => {
    await expect(start({ listeners: [{ port: 0, apps: ['third'] }] })).rejects.toThrow('names the app "third"');
  });
});

describe('a port', () => {
  test('is opened on 127.0.0.1 and, where there is IPv6, on ::1', async () => {
    const [url] = urlsOf(await start({ listeners: [{ port: 0, apps: ['first'] }] })) as [string];
    expect((await send(`${url.replace('localhost', '127.0.0.1')}/api/text`)).status).toBe(200);
    const ipv6 = await send(`${url.replace('localhost', '[::1]')}/api/text`).catch((error) => error.code);
    expect(ipv6).toSatisfy((result) => result === 'EADDRNOTAVAIL' || result.status === 200);
  });

  test('is opened on the addresses that are named and no others', async () => {
    const [url] = urlsOf(await start({ listeners: [{ port: 0, apps: ['first'], hosts: ['127.0.0.2'] }] })) as [string];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.2:\d+$/);
    expect((await send(`${url}/api/text`)).status).toBe(200);
    await expect(send(`${url.replace('127.0.0.2', '127.0.0.1')}/api/text`)).rejects.toThrow('ECONNREFUSED');
  });

  test('that is taken is named in one clear error, and nothing stays open', async () => {
    const holder = await start({ listeners: [{ port: 0, apps: ['first'] }] });
    const taken = holder.listeners[0]?.port ?? 0;
    const [free = 0] = await freePorts(1);
    const listeners = [
      { port: free, apps: ['first'] },
      { port: taken, apps: ['first'] },
    ];
    await expect(start({ listeners })).rejects.toThrow(
      `Port ${taken} on 127.0.0.1 is already in use. Stop the program that holds it, or choose another port.`,
    );
    await expect(send(`http://127.0.0.1:${free}/api/text`)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('close', () => {
  test('does not wait longer than its grace for a request that does not end', async () => {
    const { slowCalls } = await first.load();
    const host = await start({ listeners: [{ port: 0, apps: ['first'] }] });
    const reply = send(`${urlsOf(host)[0]}/api/slow`).catch((error) => error.message);
    await expect.poll(() => slowCalls.length).toBe(1);
    await host.close();
    expect(await reply).toMatch(/hang up|reset/);
    slowCalls.pop()?.();
  });

  test('ends idle keep-alive connections and connections that said nothing, without waiting for the grace', async () => {
    const answer: http.RequestListener = (_, response) => response.end('hello');
    const listener = await openListener({ port: 0, hosts: ['127.0.0.1'] }, answer);
    const agent = new http.Agent({ keepAlive: true });
    await send(`http://127.0.0.1:${listener.port}/`, { agent });
    const silent = net.connect(listener.port, '127.0.0.1');
    await once(silent, 'connect');
    const silentEnded = new Promise((resolve) => silent.once('close', resolve));
    silent.on('error', () => {});
    await listener.close(3_600_000);
    await silentEnded;
    await expect(send(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow('ECONNREFUSED');
    agent.destroy();
  });

  test('lets a running request end', async () => {
    const { slowCalls } = await first.load();
    const host = await start({ listeners: [{ port: 0, apps: ['first'] }] });
    const reply = send(`${urlsOf(host)[0]}/api/slow`);
    await expect.poll(() => slowCalls.length).toBe(1);
    const closed = host.close();
    slowCalls.pop()?.();
    expect((await reply).body).toBe('late');
    await closed;
  });
});
