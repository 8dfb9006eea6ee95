import { describe, expect, test } from 'vitest';
import { readClientPrincipal } from '../../../shared/administrators/client-principal.ts';
import { allows, type Role, roleFor } from '../../../shared/administrators/roles.ts';

const principal = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const claim = (typ: string, val: string) => ({ typ, val });

describe('the principal that the platform names', () => {
  const READ: [string, object, { name: string; roles: Role[] }][] = [
    [
      'a user with claims as the token has them',
      {
        claims: [claim('preferred_username', 'sam@example.org'), claim('roles', 'Operator'), claim('roles', 'Reader')],
      },
      { name: 'sam@example.org', roles: ['Reader', 'Operator'] },
    ],
    [
      'a user with claims as the platform maps them',
      {
        claims: [
          claim('http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn', 'sam@example.org'),
          claim('http://schemas.microsoft.com/ws/2008/06/identity/claims/role', 'Approver'),
        ],
      },
      { name: 'sam@example.org', roles: ['Approver'] },
    ],
    [
      'roles under the type that it names',
      { role_typ: 'r', claims: [claim('upn', 'sam@example.org'), claim('r', 'Reader')] },
      { name: 'sam@example.org', roles: ['Reader'] },
    ],
    ['an application', { claims: [claim('appid', 'a1'), claim('roles', 'Reader')] }, { name: 'a1', roles: ['Reader'] }],
    [
      'roles that are none of ours',
      { claims: [claim('upn', 'sam@example.org'), claim('roles', 'Owner'), claim('groups', 'Approver')] },
      { name: 'sam@example.org', roles: [] },
    ],
  ];
  test.each(READ)('is read for %s', (_, value, expected) => {
    expect(readClientPrincipal(principal(value))).toEqual(expected);
  });

  test.each([
    ['nothing', null],
    ['an empty header', ''],
    ['no base64', '%%%'],
    ['no JSON', Buffer.from('hello').toString('base64')],
    ['no object', principal('x')],
    ['no claims', principal({ role_typ: 'roles' })],
    ['claims that are no claims', principal({ claims: [{ typ: 1, val: 'x' }] })],
    ['nobody', principal({ claims: [claim('roles', 'Approver')] })],
    ['a blank name', principal({ claims: [claim('upn', ' '), claim('roles', 'Approver')] })],
    ['more than a header can be', principal({ claims: [claim('upn', 'x'.repeat(70_000))] })],
  ])('is nobody for %s', (_, header) => {
    expect(readClientPrincipal(header)).toBeUndefined();
  });
});

describe('a role', () => {
  test.each([
    ['GET', false, 'Reader'],
    ['HEAD', false, 'Reader'],
    ['POST', false, 'Operator'],
    ['PUT', false, 'Operator'],
    ['DELETE', false, 'Operator'],
    ['GET', true, 'Approver'],
    ['POST', true, 'Approver'],
  ] as const)('for %s, master key %s: %s', (method, master, role) => {
    expect(roleFor(method, master)).toBe(role);
  });

  test.each([
    [['Reader'], [true, false, false]],
    [['Operator'], [true, true, false]],
    [['Approver'], [true, true, true]],
    [
      ['Reader', 'Approver'],
      [true, true, true],
    ],
    [[], [false, false, false]],
  ] as [Role[], boolean[]][])('%j is enough for Reader, Operator, Approver: %j', (held, expected) => {
    expect((['Reader', 'Operator', 'Approver'] as const).map((needed) => allows(held, needed))).toEqual(expected);
  });
});
