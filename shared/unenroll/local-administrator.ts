import { createHmac, randomBytes } from 'node:crypto';
import * as z from 'zod';

/**
 * An account on the device that is an administrator and is not from Entra, made through the Accounts CSP so that somebody can
 * sign in when an Unenroll has removed the Entra join. The CSP takes Add only: what exists is never changed by it.
 */

/** Built in on every Windows, under these names in English; and names that Windows keeps for itself. */
const RESERVED = new Set([
  ...['administrator', 'guest', 'defaultaccount', 'wdagutilityaccount', 'defaultuser0', 'system', 'localsystem'],
  ...['local service', 'network service', 'localservice', 'networkservice', 'none', 'everyone', 'creator owner'],
  ...['con', 'prn', 'aux', 'nul'],
]);

/**
 * The name of an account that Windows takes (at most 20 characters, not only dots) and that goes into a LocURI and onto
 * every keyboard as it is.
 */
export const localAdministratorSchema = z.strictObject({
  name: z
    .string()
    .trim()
    .regex(
      /^(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]{0,18}[A-Za-z0-9]$/,
      'must have 2 to 20 letters, digits, dots, dashes or underscores, a letter among them, and begin and end with a letter or digit',
    )
    .refine((name) => !RESERVED.has(name.toLowerCase()), 'is the name of an account that Windows has already'),
});

/** A node of the account, for its two commands. */
function accountNode(name: string, leaf: 'Password' | 'LocalUserGroup'): string {
  return `./Device/Vendor/MSFT/Accounts/Users/${name}/${leaf}`;
}

/** LocalUserGroup: 1 is Users, 2 is Administrators. */
const ADMINISTRATORS = '2';

export interface AccountItem {
  target: string;
  data: string;
  format: 'chr' | 'int';
  secret?: true;
}

/**
 * What is added to make the account, in this order. The group must go only when the password was taken: on an account that
 * was there before it could make an administrator of somebody else.
 */
export function accountItems(name: string, password: string): AccountItem[] {
  return [
    { target: accountNode(name, 'Password'), data: password, format: 'chr', secret: true },
    { target: accountNode(name, 'LocalUserGroup'), data: ADMINISTRATORS, format: 'int' },
  ];
}

/** Without what is mistaken for another character when read, and without y and z, which keyboards swap. */
const LETTERS_AND_DIGITS = 'abcdefghkmnprstuvwx34679';
const CAPITALS = 'ABDEFGHKMNRT';
const DIGITS = '34679';
const GROUPS = 5;
const GROUP_LENGTH = 4;

/**
 * A password that a person can read and type: five groups of four with dashes, about 87 bits. It has a capital letter, small
 * letters, digits and dashes, and not the account's name, as Windows asks under "Password must meet complexity requirements".
 *
 * @param seed what nobody can guess; the same seed and name give the same password
 */
export function administratorPassword(name: string, seed: Buffer = randomBytes(32)): string {
  for (let round = 0; ; round += 1) {
    const digest = createHmac('sha256', seed).update(`local administrator ${round}`).digest('hex');
    const password = passwordFrom(BigInt(`0x${digest}`));
    const isComplex = /[a-z]/.test(password) && !password.toLowerCase().includes(name.toLowerCase());
    if (isComplex) return password;
  }
}

function passwordFrom(random: bigint): string {
  let left = random;
  const draw = (from: string): string => {
    const size = BigInt(from.length);
    const character = from.charAt(Number(left % size));
    left /= size;
    return character;
  };
  const last = GROUPS * GROUP_LENGTH - 1;
  const characters = Array.from({ length: last + 1 }, (_, place) =>
    draw(place === 0 ? CAPITALS : place === last ? DIGITS : LETTERS_AND_DIGITS),
  );
  return characters.join('').replace(/(.{4})(?=.)/g, '$1-');
}

/**
 * The password of a call that may be repeated: it is stored nowhere, so what gives it again is derived from the caller's key and
 * one that only this app has.
 *
 * @param askedAt when the request was recorded, ISO 8601
 */
export function repeatablePassword(
  { appKey, key }: { appKey: Buffer; key: string },
  { deviceId, name, askedAt }: { deviceId: string; name: string; askedAt: string },
): string {
  const seed = createHmac('sha256', appKey)
    .update(JSON.stringify(['local administrator', deviceId, name, askedAt, key]))
    .digest();
  return administratorPassword(name, seed);
}
