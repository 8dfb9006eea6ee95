import { describe, expect, test } from 'vitest';
import { GraphClient, GraphError } from '../../../local/entra-setup/graph-client.ts';

const ADDRESS = 'https://graph.example';

interface Script {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  fails?: Error;
}

/** Graph that answers what it is told, one after the other, and keeps what it was asked. */
function graphThat(...answers: Script[]) {
  const asked: { method: string; url: string; init: RequestInit }[] = [];
  const waited: number[] = [];
  const send: typeof fetch = async (url, init = {}) => {
    asked.push({ method: init.method ?? '', url: String(url), init });
    const { status = 200, headers = {}, json, fails } = answers[asked.length - 1] ?? {};
    if (fails) throw fails;
    return new Response(status === 204 ? null : JSON.stringify(json ?? {}), { status, headers });
  };
  const wait = async (ms: number) => {
    waited.push(ms);
  };
  return { graph: new GraphClient({ token: 'secret-token', address: ADDRESS, fetch: send, wait }), asked, waited };
}

const refusal = (code: string, message: string, details: { code: string }[] = []) => ({
  error: { code, message, details },
});

describe('a call', () => {
  test('carries the token and JSON, and follows no redirect', async () => {
    const { graph, asked } = graphThat({ json: { id: '1' } });
    expect(await graph.call('POST', '/v1.0/things', { name: 'x' })).toEqual({ id: '1' });
    const { url, init } = asked[0]!;
    expect(url).toBe(`${ADDRESS}/v1.0/things`);
    expect(init).toMatchObject({ method: 'POST', redirect: 'error', body: '{"name":"x"}' });
    expect(new Headers(init.headers).get('authorization')).toBe('Bearer secret-token');
  });

  test('is refused in words, with status, code, detail and request-id, and without the token', async () => {
    const json = refusal('Request_BadRequest', 'No\u001b[2J good.', [{ code: 'ObjectConflict' }]);
    const { graph } = graphThat({ status: 400, json, headers: { 'request-id': 'abc' } });
    const error = await graph.call('PATCH', '/v1.0/things/1?$select=id').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ status: 400, code: 'Request_BadRequest/ObjectConflict' });
    expect(String(error)).toContain(
      'PATCH /v1.0/things/1 (HTTP 400 Request_BadRequest/ObjectConflict, request-id abc): No\uFFFD[2J good.',
    );
  });

  test.each([{}, { error: 'x' }, { error: { details: [null] } }, [], 'text', null])(
    'an answer of another form is an error too: %j',
    async (json) => {
      const { graph } = graphThat({ status: 500, json });
      await expect(graph.call('GET', '/v1.0/me')).rejects.toThrow(/HTTP 500 Unknown.*no reason given/);
    },
  );

  test('that nobody answers says so', async () => {
    const fails = new TypeError('fetch failed', { cause: { code: 'ENOTFOUND' } });
    const { graph } = graphThat({ fails });
    await expect(graph.call('GET', '/v1.0/me')).rejects.toThrow(/does not answer \(GET \/v1.0\/me: ENOTFOUND\)/);
  });
});

describe('waiting', () => {
  test.each(['GET', 'PATCH', 'DELETE'])('a %s is repeated when Graph is unavailable', async (method) => {
    const { graph, asked, waited } = graphThat({ status: 503, headers: { 'retry-after': '5' } }, { status: 504 }, {});
    await graph.call(method, '/v1.0/things/1');
    expect(asked).toHaveLength(3);
    expect(waited).toEqual([5_000, 4_000]);
  });

  test('a POST that broke off is not: it may have made something. One that came too early is', async () => {
    const { graph, asked } = graphThat({ status: 503 });
    await expect(graph.call('POST', '/v1.0/things', {})).rejects.toMatchObject({ status: 503 });
    expect(asked).toHaveLength(1);
    const other = graphThat({ status: 429, headers: { 'retry-after': '1' } }, { status: 201 });
    await other.graph.call('POST', '/v1.0/things', {});
    expect(other.asked).toHaveLength(2);
  });

  test.each(['soon', '-1', 'Wed, 21 Oct 2026 07:28:00 GMT', '9999999'])(
    'Retry-After "%s" counts as none',
    async (value) => {
      const { graph, waited } = graphThat({ status: 429, headers: { 'retry-after': value } }, {});
      await graph.call('GET', '/v1.0/me');
      expect(waited).toEqual([2_000]);
    },
  );

  test('only what was just made is waited for, and only while it may be a matter of time', async () => {
    const gone = { status: 404, json: refusal('Request_ResourceNotFound', 'Resource does not exist') };
    await expect(graphThat(gone, {}).graph.call('PATCH', '/v1.0/things/1', {})).rejects.toMatchObject({ status: 404 });
    const patient = graphThat(gone, gone, {});
    await patient.graph.call('PATCH', '/v1.0/things/1', {}, { justMade: true });
    expect(patient.waited).toEqual([2_000, 4_000]);
    const wrong = { status: 400, json: refusal('Request_BadRequest', 'Invalid property') };
    await expect(graphThat(wrong, {}).graph.call('PATCH', '/v1.0/things/1', {}, { justMade: true })).rejects.toThrow(
      'Invalid',
    );
  });
});

describe('a list', () => {
  test('has all pages', async () => {
    const next = `${ADDRESS}/v1.0/things?$skiptoken=2`;
    const { graph, asked } = graphThat({ json: { value: [1, 2], '@odata.nextLink': next } }, { json: { value: [3] } });
    expect(await graph.list('/v1.0/things')).toEqual([1, 2, 3]);
    expect(asked[1]?.url).toBe(next);
  });

  test.each([
    'https://evil.example/v1.0/things',
    `${ADDRESS}.evil.example/x`,
    '//evil.example',
    'http://graph.example/v1.0',
  ])('whose next page is at another address ends there: %s', async (next) => {
    const { graph, asked } = graphThat({ json: { value: [1], '@odata.nextLink': next } });
    await expect(graph.list('/v1.0/things')).rejects.toThrow('at another address');
    expect(asked).toHaveLength(1);
  });
});

test('what is gone already is removed as well', async () => {
  const gone = refusal('Request_BadRequest', 'EntitlementGrant being updated or deleted is not found.');
  await graphThat({ status: 400, json: gone }).graph.remove('/v1.0/things/1');
  await graphThat({ status: 404 }).graph.remove('/v1.0/things/1');
  await expect(graphThat({ status: 403 }).graph.remove('/v1.0/things/1')).rejects.toMatchObject({ status: 403 });
});

test('what is not there is found as nothing', async () => {
  expect(await graphThat({ status: 404 }).graph.find('/v1.0/things/1')).toBeUndefined();
  await expect(graphThat({ status: 403 }).graph.find('/v1.0/things/1')).rejects.toMatchObject({ status: 403 });
});
