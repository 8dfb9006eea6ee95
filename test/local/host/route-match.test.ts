import { describe, expect, test } from 'vitest';
import { compareRoutes, matchRoute } from '../../../local/host/route-match.ts';
import { parseRouteTemplate } from '../../../local/host/route-template.ts';

type Case = [template: string, path: string, values: Record<string, string> | undefined];

const cases: Case[] = [
  ['api/devices', '/api/devices', {}],
  ['api/devices', '/API/Devices/', {}],
  ['api/devices', '/api/devices/1', undefined],
  ['api/devices', '/api//devices', undefined],
  ['api/devices', '/api', undefined],
  ['', '/', {}],
  ['', '/x', undefined],
  ['{id}', '/', undefined],
  ['{id}', '/A', { id: 'A' }],
  ['x/{id?}', '/x', {}],
  ['x/{id?}', '/x/', {}],
  ['x/{id?}', '/x//', undefined],
  ['x/{id=5}', '/x', { id: '5' }],
  ['x/{id=5}', '/x/6', { id: '6' }],
  ['x/{n:int}', '/x/-12', { n: '-12' }],
  ['x/{n:int}', '/x/2147483648', undefined],
  ['x/{n:long}', '/x/2147483648', { n: '2147483648' }],
  ['x/{n:int:range(1,5)}', '/x/5', { n: '5' }],
  ['x/{n:int:range(1,5)}', '/x/6', undefined],
  ['x/{n:min(3)}', '/x/2', undefined],
  ['x/{n:max(3)}', '/x/3', { n: '3' }],
  ['x/{g:guid}', '/x/9D7F4E8A-0000-4000-8000-1234567890AB', { g: '9D7F4E8A-0000-4000-8000-1234567890AB' }],
  ['x/{g:guid}', '/x/9D7F4E8A', undefined],
  ['x/{a:alpha}', '/x/a1', undefined],
  ['x/{a:length(2)}', '/x/ab', { a: 'ab' }],
  ['x/{a:length(2,3)}', '/x/abcd', undefined],
  ['x/{a:minlength(2)}', '/x/a', undefined],
  ['x/{a:maxlength(2)}', '/x/abc', undefined],
  ['x/{b:bool}', '/x/True', { b: 'True' }],
  ['x/{d:decimal}', '/x/1.5', { d: '1.5' }],
  ['x/{d:datetime}', '/x/2026-11-21', { d: '2026-11-21' }],
  ['x/{d:datetime}', '/x/soon', undefined],
  ['x/{r:regex(^[a-z]{{2}}$)}', '/x/ab', { r: 'ab' }],
  ['x/{r:regex(^[a-z]{{2}}$)}', '/x/abc', undefined],
  ['x/{*rest}', '/x', {}],
  ['x/{*rest}', '/x/a//b/', { rest: 'a//b/' }],
  ['x/{**rest}', '/x/a/b', { rest: 'a/b' }],
  ['{*rest}', '/', {}],
  ['x/{name}.{ext}', '/x/a.b.c', { name: 'a.b', ext: 'c' }],
  ['x/v{n:int}', '/x/v12', { n: '12' }],
  ['x/v{n:int}', '/x/w12', undefined],
  ['x/{{a}}', '/x/{a}', {}],
];

test.each(cases)('%s matches %s as %o', (template, path, values) => {
  expect(matchRoute(parseRouteTemplate(template), path)).toEqual(values);
});

describe('a template that Azure would refuse is refused', () => {
  test.each([
    ['/x', 'must not begin'],
    ['~/x', 'must not begin'],
    ['x/{id', 'not closed'],
    ['x/id}', 'outside of a parameter'],
    ['x?', 'outside of a parameter'],
    ['x//y', 'empty segment'],
    ['{}', 'without a usable name'],
    ['{a}/{A}', 'twice'],
    ['{*a}/b', 'catch-all that is not its last'],
    ['x{*a}', 'catch-all that is not its last'],
    ['{a}{b}', 'without a text between'],
    ['{a:nosuch}', 'unknown constraint "nosuch"'],
    ['{a:range(1)}', 'not 2 whole numbers'],
    ['{a:length(x)}', 'not 1 or 2 whole numbers'],
  ])('%s', (template, reason) => {
    expect(() => parseRouteTemplate(template)).toThrow(reason);
    expect(() => parseRouteTemplate(template)).toThrow(`The route "${template}"`);
  });
});

test('routes are tried texts first, then constrained parameters, then longer before shorter', () => {
  const texts = ['x', 'x/{id}', 'x/{id:int}', 'x/{id}/parts', 'x/first', '{*all}', 'a/{id}'];
  const sorted = texts.map(parseRouteTemplate).sort(compareRoutes);
  expect(sorted.map((template) => template.text)).toEqual([
    'a/{id}',
    'x/first',
    'x/{id:int}',
    'x/{id}/parts',
    'x/{id}',
    'x',
    '{*all}',
  ]);
});
