import { describe, expect, test } from 'vitest';
import type { HostedFunction } from '../../../local/host/functions.ts';
import { findRoute, routesOf } from '../../../local/host/routes.ts';

function httpFunction(name: string, route?: string, methods?: string[]): HostedFunction {
  const trigger = { type: 'httpTrigger', direction: 'in' as const, route, methods };
  return {
    appName: 'app',
    app: { functions: [], hooks: new Map(), appHookData: {} },
    metadata: { name, bindings: { request: trigger } },
    callback: () => undefined,
    triggerName: 'request',
    trigger,
  };
}

const withoutPrefix = { extensions: { http: { routePrefix: '' } } };

describe('the prefix of host.json', () => {
  test.each([
    [{}, '/api/x'],
    [withoutPrefix, '/x'],
    [{ extensions: { http: { routePrefix: 'v1/mdm' } } }, '/v1/mdm/x'],
  ])('%o serves x at %s', (hostJson, path) => {
    const routes = routesOf([httpFunction('f', 'x')], hostJson);
    expect(findRoute(routes, 'GET', path)?.hosted.metadata.name).toBe('f');
    expect(findRoute(routes, 'GET', '/other/x')).toBeUndefined();
  });
});

test.each(['admin/devices', 'Administration', 'runtime/x'])('the route %s is refused, as Azure refuses it', (route) => {
  expect(() => routesOf([httpFunction('f', route)], {})).toThrow(`The route "${route}" of "f" begins with admin`);
});

test('a function without methods takes all of them', () => {
  const routes = routesOf([httpFunction('f', 'x')], withoutPrefix);
  expect(findRoute(routes, 'DELETE', '/x')).toBeDefined();
});

test('two functions share an address by their methods', () => {
  const routes = routesOf([httpFunction('read', 'x', ['get']), httpFunction('write', 'x', ['PUT'])], withoutPrefix);
  expect(findRoute(routes, 'GET', '/x')?.hosted.metadata.name).toBe('read');
  expect(findRoute(routes, 'PUT', '/x')?.hosted.metadata.name).toBe('write');
  expect(findRoute(routes, 'POST', '/x')).toBeUndefined();
});
