import { describe, expect, test } from 'vitest';
import type { HostedFunction } from '../../../local/host/functions.ts';
import { levelOf, mayCall, presentedKey } from '../../../local/host/keys.ts';

const keys = { master: 'M', host: 'H', functions: { Invite: 'F', other: 'O' } };

function functionOf(name: string, authLevel?: string): HostedFunction {
  const trigger = { type: 'httpTrigger', direction: 'in' as const, authLevel };
  return {
    appName: 'app',
    app: { functions: [], hooks: new Map(), appHookData: {} },
    metadata: { name, bindings: { request: trigger } },
    callback: () => undefined,
    triggerName: 'request',
    trigger,
  };
}

describe('the key that counts', () => {
  test.each([
    [undefined, 'code=q', 'q'],
    ['h', 'code=q', 'h'],
    ['', 'code=q', ''],
    [undefined, '', ''],
    [undefined, 'CODE=a%2Bb&code=c', 'a+b'],
  ])('of the header %s and the query %s is "%s"', (header, query, key) => {
    expect(presentedKey(header, query)).toBe(key);
  });
});

const opens: [key: string, anonymous: boolean, byFunction: boolean, admin: boolean][] = [
  ['', true, false, false],
  ['wrong', true, false, false],
  ['O', true, false, false],
  ['F', true, true, false],
  ['H', true, true, false],
  ['M', true, true, true],
];

test.each(opens)('the key "%s" opens anonymous: %s, function: %s, admin: %s', (key, anonymous, byFunction, admin) => {
  const may = (authLevel?: string): boolean => {
    const hosted = functionOf('invite', authLevel);
    return mayCall(levelOf(key, keys, hosted), hosted);
  };
  expect([may('anonymous'), may('function'), may('ADMIN')]).toEqual([anonymous, byFunction, admin]);
  expect(may(undefined)).toBe(byFunction);
});

test("only the master key opens the host's own addresses", () => {
  expect(['M', 'H', 'F', ''].map((key) => levelOf(key, keys))).toEqual(['master', 'none', 'none', 'none']);
});

test('a key that is set to nothing opens nothing', () => {
  const hosted = functionOf('invite', 'admin');
  expect(levelOf('', { master: '', host: '', functions: { invite: '' } }, hosted)).toBe('none');
});
