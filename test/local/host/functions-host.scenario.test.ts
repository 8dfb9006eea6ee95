import net from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningHost, startHost } from '../../../local/host/start-host.ts';
import { type RawRequest, send } from './raw-http.ts';

// Each test states what the Azure Functions host (4.1037, Node worker, default mode) was seen to do.

type Fixture = typeof import('./fixture.app.ts');

const keys = { master: 'master-key', host: 'host-key', functions: { KEYED: 'keyed-key', master: 'function-key' } };
const lines: string[] = [];
let host: RunningHost;
let fixture: Fixture;
let url: string;

const load = async (): Promise<Fixture> => {
  fixture = await import('./fixture.app.ts');
  return fixture;
};

beforeAll(async () => {
  host = await startHost({
    apps: [{ name: 'fixture', load, hostJson: { extensions: { http: { routePrefix: '' } } } }],
    keys,
    listeners: [{ port: 0, apps: ['fixture'] }],
    log: (line) => lines.push(line),
    maxBodyBytes: 1000,
  });
  url = host.listeners[0]?.url ?? '';
});

afterAll(() => host.close());

beforeEach(() => {
  fixture.seen.hooks.length = 0;
  fixture.seen.timers.length = 0;
  fixture.seen.fired.length = 0;
});

async function echo(path: string, options?: RawRequest) {
  const reply = await send(`${url}${path}`, options);
  expect(reply.status).toBe(200);
  return JSON.parse(reply.body) as {
    url: string;
    method: string;
    body: string;
    headers: Record<string, string>;
    query: Record<string, string>;
    params: Record<string, string>;
  };
}

const admin = (name: string, body: string | undefined, headers: Record<string, string> = {}) =>
  send(`${url}/admin/functions/${name}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'x-functions-key': 'master-key', ...headers },
  });

describe('a reply', () => {
  test('without content-length is chunked', async () => {
    const reply = await send(`${url}/unsized`);
    expect(reply).toMatchObject({ status: 200, body: 'unsized', headers: { 'transfer-encoding': 'chunked' } });
    expect(reply.headers['content-length']).toBeUndefined();
  });

  test('without content-length is chunked even when it is empty', async () => {
    const reply = await send(`${url}/empty`);
    expect(reply).toMatchObject({ status: 200, body: '', headers: { 'transfer-encoding': 'chunked' } });
  });

  test('with content-length keeps it and is not chunked', async () => {
    const reply = await send(`${url}/sized`);
    expect(reply).toMatchObject({ status: 200, body: 'sized', headers: { 'content-length': '5' } });
    expect(reply.headers['transfer-encoding']).toBeUndefined();
  });

  test('to HEAD keeps the content-length and has no body', async () => {
    expect(await send(`${url}/sized`, { method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '5' },
    });
  });

  test('whose content-length is shorter than its body is a 500, not a cut body', async () => {
    expect(await send(`${url}/too-long`)).toMatchObject({ status: 500, body: '' });
    expect(lines.some((line) => line.includes('Function.tooLong') && line.includes('Content-Length of 3'))).toBe(true);
  });

  test('whose content-length is longer than its body ends the connection early', async () => {
    await expect(send(`${url}/too-short`)).rejects.toThrow(/aborted|hang up|reset/);
  });

  test('of a string without a type is text/plain in UTF-8', async () => {
    expect((await send(`${url}/text`)).headers['content-type']).toBe('text/plain;charset=UTF-8');
  });

  test('of a Buffer without a type has none', async () => {
    expect((await send(`${url}/sized`)).headers['content-type']).toBeUndefined();
  });

  test('of undefined is 204 without a body', async () => {
    const reply = await send(`${url}/nothing`);
    expect(reply).toMatchObject({ status: 204, body: '' });
    expect(reply.headers['transfer-encoding']).toBeUndefined();
  });

  test('of a function that throws is 500 with an empty body, and the log has the reason', async () => {
    const reply = await send(`${url}/throwing`);
    expect(reply).toMatchObject({ status: 500, body: '', headers: { 'content-length': '0' } });
    expect(lines.some((line) => line.includes('a secret detail'))).toBe(true);
  });

  test('with two Set-Cookie headers keeps only the last', async () => {
    expect((await send(`${url}/cookie-headers`)).headers['set-cookie']).toEqual(['b=2']);
  });

  test('with the cookies array sends them all', async () => {
    expect((await send(`${url}/cookies`)).headers['set-cookie']).toEqual([
      'a=x%20y; max-age=60; path=/; secure; samesite=strict; httponly',
      'b=2; expires=Sat, 21 Nov 2026 10:00:00 GMT; domain=example.com; path=/sub',
    ]);
  });
});

describe('a request', () => {
  test('body with content-length arrives byte for byte', async () => {
    const body = Buffer.from([0, 255, 13, 10, 128]);
    const headers = { 'content-length': String(body.length) };
    expect((await echo('/echo', { method: 'POST', body, headers })).body).toBe(body.toString('latin1'));
  });

  test('body that is chunked arrives empty', async () => {
    const headers = { 'transfer-encoding': 'chunked' };
    expect((await echo('/echo', { method: 'POST', body: 'chunked text', headers })).body).toBe('');
  });

  test('body of a GET is dropped', async () => {
    const headers = { 'content-length': '4' };
    expect(await echo('/echo', { method: 'GET', body: 'text', headers })).toMatchObject({ method: 'GET', body: '' });
  });

  test('body over the cap is 413, with an empty body and before it is read', async () => {
    const headers = { 'content-length': '1001' };
    const reply = await send(`${url}/echo`, { method: 'POST', body: 'x'.repeat(1001), headers });
    expect(reply).toMatchObject({ status: 413, body: '' });
  });

  test('header names arrive in lower case', async () => {
    expect((await echo('/echo', { headers: { 'X-MiXed': 'Value' } })).headers).toMatchObject({ 'x-mixed': 'Value' });
  });

  test('headers of one name arrive joined by a bare comma', async () => {
    const headers = { 'X-Twice': ['AAA', 'BBB'] };
    expect((await echo('/echo', { headers })).headers['x-twice']).toBe('AAA,BBB');
  });

  test('query values of one name arrive decoded and joined by a comma', async () => {
    expect((await echo('/echo?q=a%20b&q=c&Q=d&plus=1+1&flag')).query).toEqual({ q: 'a b,c,d', plus: '1 1', flag: '' });
  });

  test('url is the address as it was sent', async () => {
    expect((await echo('/Echo?q=a%20b&q=c+d')).url).toBe(`${url}/Echo?q=a%20b&q=c+d`);
  });

  test('that the caller gives up in the middle of its body disturbs nobody', async () => {
    const { port } = new URL(url);
    const socket = net.connect(Number(port), '127.0.0.1');
    const calls = lines.length;
    socket.write('POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
    await new Promise((resolve) => setImmediate(resolve));
    socket.end();
    await expect.poll(() => lines.slice(calls).some((line) => line.includes('The caller left: POST /echo'))).toBe(true);
    expect((await send(`${url}/text`)).status).toBe(200);
  });

  test('without a usable Host header is 400', async () => {
    expect(await send(`${url}/echo`, { headers: { host: 'not a host' } })).toMatchObject({ status: 400, body: '' });
  });
});

describe('a route', () => {
  test('that is unknown is 404 with an empty body', async () => {
    const reply = await send(`${url}/no-such-route`);
    expect(reply).toMatchObject({ status: 404, body: '', headers: { 'content-length': '0' } });
  });

  test('with a method that it does not take is 404 with an empty body', async () => {
    expect(await send(`${url}/echo`, { method: 'PUT' })).toMatchObject({ status: 404, body: '' });
    expect(await send(`${url}/echo`, { method: 'HEAD' })).toMatchObject({ status: 404 });
  });

  test.each([
    '/EnrollmentServer/Discovery.svc',
    '/ENROLLMENTSERVER/discovery.SVC',
    '/enrollmentserver/Discovery%2Esvc/',
  ])('matches its text in any case: %s', async (path) => {
    expect((await echo(path)).params).toEqual({});
  });

  test('that is not named is the name of the function', async () => {
    expect((await echo('/NAMED')).method).toBe('GET');
  });

  test('{n:int?} has no parameter when the segment is missing, and is 404 for what is not a number', async () => {
    expect((await echo('/number')).params).toEqual({});
    expect((await echo('/number/42')).params).toEqual({ n: '42' });
    expect((await send(`${url}/number/abc`)).status).toBe(404);
  });

  test('{*path} takes the rest with its slashes, or nothing', async () => {
    expect((await echo('/files/a/b/c.js')).params).toEqual({ path: 'a/b/c.js' });
    expect((await echo('/files')).params).toEqual({});
    expect((await echo('/files/')).params).toEqual({});
  });

  test('parameter keeps %2F and has its other escapes decoded', async () => {
    expect((await echo('/items/a%2Fb')).params).toEqual({ id: 'a%2Fb' });
    expect((await echo('/items/a%20b%C3%A9+c')).params).toEqual({ id: 'a bé+c' });
  });

  test('with a text is preferred to one with a parameter', async () => {
    expect((await send(`${url}/items/first`)).body).toBe('the fixed one');
  });
});

describe('a key', () => {
  const open = { status: 200, body: 'open' };
  const closed = { status: 401, body: '', headers: { 'content-length': '0' } };
  const call = (path: string, key?: string) =>
    send(`${url}${path}`, { headers: key === undefined ? {} : { 'x-functions-key': key } });

  test('that is missing or wrong is 401 with an empty body', async () => {
    expect(await call('/keyed')).toMatchObject(closed);
    expect(await call('/keyed', 'wrong')).toMatchObject(closed);
    expect(await call('/keyed?code=wrong')).toMatchObject(closed);
  });

  test.each(['keyed-key', 'host-key', 'master-key'])('opens a function of level function: %s', async (key) => {
    expect(await call('/keyed', key)).toMatchObject(open);
    expect(await call(`/keyed?code=${key}`)).toMatchObject(open);
  });

  test('of another function opens nothing', async () => {
    expect(await call('/keyed', 'function-key')).toMatchObject(closed);
  });

  test('in x-functions-key that is wrong beats a right one in ?code=', async () => {
    expect(await call('/keyed?code=keyed-key', 'wrong')).toMatchObject(closed);
  });

  test('for a function of level admin is the master key alone', async () => {
    expect(await call('/master-only', 'master-key')).toMatchObject(open);
    expect(await call('/master-only', 'host-key')).toMatchObject(closed);
    expect(await call('/master-only', 'function-key')).toMatchObject(closed);
  });

  test('that is wrong does not close an anonymous function', async () => {
    expect((await call('/text', 'wrong')).status).toBe(200);
  });
});

describe('/admin/functions', () => {
  test('fires a timer with 202 for the master key', async () => {
    expect(await admin('Nightly', '{}')).toMatchObject({ status: 202, body: '' });
    await expect.poll(() => fixture.seen.timers.length).toBe(1);
  });

  test('fires an HTTP function with 202, whatever its own level', async () => {
    const input = JSON.stringify({ method: 'POST', body: 'hello' });
    expect(await admin('fired', JSON.stringify({ input }))).toMatchObject({ status: 202 });
    await expect.poll(() => fixture.seen.fired).toEqual(['POST hello']);
  });

  test.each(['', 'host-key', 'keyed-key', 'wrong'])('is 401 for the key "%s", and nothing runs', async (key) => {
    expect(await admin('nightly', '{}', { 'x-functions-key': key })).toMatchObject({ status: 401, body: '' });
    expect(fixture.seen.timers).toEqual([]);
  });

  test('is 404 for a function that there is not', async () => {
    expect((await admin('nobody', '{}')).status).toBe(404);
  });

  test('asks for a JSON object as the body', async () => {
    expect((await admin('nightly', '')).status).toBe(400);
    expect((await admin('nightly', '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect(fixture.seen.timers).toEqual([]);
  });
});

describe('a timer', () => {
  const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);

  test('gets its schedule, its status and whether it is past due', async () => {
    await host.fireTimer('nightly');
    const { timer, context } = fixture.seen.timers[0] ?? {};
    expect(timer).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: { last: date, lastUpdated: date, next: expect.stringMatching(/T03:00:00\+00:00$/) },
      isPastDue: false,
    });
    expect(context?.functionName).toBe('nightly');
  });

  test('that runs more than once a minute has no status', async () => {
    await host.fireTimer('frequent');
    expect(fixture.seen.timers[0]?.timer.scheduleStatus).toBeNull();
  });

  test('that is fired by hand and throws rejects with its error', async () => {
    await expect(host.fireTimer('failingTimer')).rejects.toThrow('the timer broke');
  });

  test('that there is not is named in the error', async () => {
    await expect(host.fireTimer('echo')).rejects.toThrow('There is no timer "echo". Timers: nightly, frequent');
  });
});

describe('a hook', () => {
  test('before the invocation may replace the handler', async () => {
    expect((await send(`${url}/hooked/replace`)).body).toBe('from the hook');
    expect((await send(`${url}/hooked/leave`)).body).toBe('from the handler');
  });

  test('after the invocation sees the error and the hook data, and may replace the result', async () => {
    expect((await send(`${url}/hooked/throw`)).status).toBe(418);
    expect(fixture.seen.hooks).toEqual(['postInvocation started=yes error=yes']);
  });

  test('after the invocation may log without being called late', async () => {
    const earlier = lines.length;
    await send(`${url}/hooked/leave`);
    expect(lines.slice(earlier)).toEqual([expect.stringMatching(/Function\.hooked: logged after the handler$/)]);
  });

  test('on the log may change what a function logs', async () => {
    await send(`${url}/logging`);
    expect(lines.filter((line) => line.includes('Function.logging'))).toEqual([
      expect.stringMatching(/ information Function\.logging: the plate is \*\*\*$/),
    ]);
  });
});

describe('the address /', () => {
  test('shows a small page', async () => {
    expect(await send(url)).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
  });

  test('is 204 where the home page is switched off', async () => {
    process.env.AzureWebJobsDisableHomepage = 'true';
    try {
      expect(await send(url)).toMatchObject({ status: 204, body: '' });
    } finally {
      delete process.env.AzureWebJobsDisableHomepage;
    }
  });
});

test('the functions are listed with what an administrator wants to know', () => {
  expect(host.functions).toContainEqual({
    app: 'fixture',
    name: 'keyed',
    route: 'keyed',
    methods: ['GET', 'POST'],
    authLevel: 'function',
  });
  expect(host.functions.find((f) => f.name === 'nightly')?.schedule).toBe('0 0 3 * * *');
});
