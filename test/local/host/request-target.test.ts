import { describe, expect, test } from 'vitest';
import { decodePath, firstInQuery, readQuery, splitTarget } from '../../../local/host/request-target.ts';

test.each([
  ['/a/b', '/a/b'],
  ['/a%2Fb/%2f', '/a%2Fb/%2f'],
  ['/a%20b+c', '/a b+c'],
  ['/%C3%A9%41', '/éA'],
  ['/%ff', '/%ff'],
  ['/100%', '/100%'],
  ['/a/../b/./c', '/b/c'],
  ['/a/%2e%2e/b', '/b'],
  ['/../../a', '/a'],
  ['/a/..', '/'],
  ['/a/b/.', '/a/b/'],
  ['/a/...', '/a/...'],
])('the path %s is matched as %s', (raw, path) => {
  expect(decodePath(raw)).toBe(path);
});

describe('a query', () => {
  test.each<[string, Record<string, string>]>([
    ['', {}],
    ['a=1&b=2', { a: '1', b: '2' }],
    ['a=1&A=2&a=3', { a: '1,2,3' }],
    ['a&b=', { a: '', b: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['a%20b=%2B+%zz', { 'a b': '+ %zz' }],
    ['&&a=1&', { a: '1' }],
  ])('%s is read as %o', (raw, expected) => {
    const values = Object.entries(readQuery(raw)).map(([name, { value }]) => [name, value]);
    expect(Object.fromEntries(values)).toEqual(expected);
  });

  test('gives the first value of a name in any case', () => {
    expect(firstInQuery('x=1&Code=a%2Bb&code=c', 'code')).toBe('a+b');
    expect(firstInQuery('x=1', 'code')).toBeUndefined();
  });
});

test.each([
  ['/a?b?c', { path: '/a', query: 'b?c' }],
  ['/a', { path: '/a', query: '' }],
  ['http://host:1/a?b', { path: '/a', query: 'b' }],
  ['http://host', { path: '/', query: '' }],
  ['*', { path: '*', query: '' }],
])('the request target %s is split', (target, parts) => {
  expect(splitTarget(target)).toEqual(parts);
});
