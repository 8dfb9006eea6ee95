import { describe, expect, test } from 'vitest';
import {
  accountItems,
  administratorPassword,
  localAdministratorSchema,
  repeatablePassword,
} from '../../../shared/unenroll/local-administrator.ts';

const MANY = Array.from({ length: 500 }, (_, n) => administratorPassword('rescue', Buffer.from(`seed ${n}`)));

describe('the password of a local administrator', () => {
  test('is one that Windows takes under its rule for complexity', () => {
    for (const password of MANY) {
      expect(password).toHaveLength(24);
      for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/, /-/]) expect(password).toMatch(kind);
    }
  });

  test('has no character that is mistaken for another, or that keyboards swap', () => {
    for (const password of MANY) expect(password).not.toMatch(/[01258CIJLOQSUVWXZijloqyz]/);
  });

  test('is another for each seed, and the same for the same one', () => {
    expect(new Set(MANY).size).toBe(MANY.length);
    expect(administratorPassword('rescue', Buffer.from('seed 7'))).toBe(MANY[7]);
    expect(administratorPassword('rescue')).not.toBe(administratorPassword('rescue'));
  });

  test.each(['ab', 'k', '4', 'h3'])('does not hold the name "%s"', (name) => {
    for (let n = 0; n < 200; n += 1) {
      expect(administratorPassword(name, Buffer.from(`seed ${n}`)).toLowerCase()).not.toContain(name);
    }
  });

  test('that is derived depends on everything that it is derived from', () => {
    const secret = { appKey: Buffer.alloc(32, 1), key: 'k1' };
    const account = { deviceId: 'd1', name: 'rescue', askedAt: '2026-03-01T12:00:00.000Z' };
    const same = repeatablePassword(secret, account);
    expect(repeatablePassword(secret, account)).toBe(same);
    const others = [
      repeatablePassword({ ...secret, appKey: Buffer.alloc(32, 2) }, account),
      repeatablePassword({ ...secret, key: 'k2' }, account),
      repeatablePassword(secret, { ...account, deviceId: 'd2' }),
      repeatablePassword(secret, { ...account, name: 'rescue2' }),
      repeatablePassword(secret, { ...account, askedAt: '2026-03-01T12:00:01.000Z' }),
    ];
    expect(new Set([same, ...others]).size).toBe(6);
  });
});

describe('the account', () => {
  test('is made by its password first and its group behind', () => {
    expect(accountItems('rescue', 'Abcd-1')).toEqual([
      { target: './Device/Vendor/MSFT/Accounts/Users/rescue/Password', data: 'Abcd-1', format: 'chr', secret: true },
      { target: './Device/Vendor/MSFT/Accounts/Users/rescue/LocalUserGroup', data: '2', format: 'int' },
    ]);
  });

  test.each(['rescue', 'Rescue.2', 'it-admin_1', 'ab', 'a'.repeat(20)])('may be called "%s"', (name) => {
    expect(localAdministratorSchema.parse({ name })).toEqual({ name });
  });

  test.each([
    '',
    'a',
    'guest',
    'ADMINISTRATOR',
    '1234',
    'a b',
    'a/b',
    'a%20b',
    '-ab',
    'ab.',
    'ü-1',
    'a'.repeat(21),
    'con',
  ])('may not be called "%s"', (name) => {
    expect(localAdministratorSchema.safeParse({ name }).success).toBe(false);
  });
});
