import * as z from 'zod';
import { policy, template } from './template.ts';

/** Policy CSP, area DeviceLock (Microsoft Learn), which is taken inside an Atomic only. */
export const password = template({
  name: 'password',
  title: 'Password and lock',
  summary: 'Asks for a password of some length and kinds of characters, and locks the PC when nobody uses it.',
  notes: [
    'Windows marks the passwords of all local accounts to be changed at the next sign-in.',
    'Of a domain or of Entra the rules for passwords are kept there; what is here holds for local accounts, and the lock for all.',
    'Local accounts need at least 6 characters of 3 kinds, whatever less is asked for. 3 kinds make a PC with a Microsoft account fail, which takes 2 at most.',
  ],
  secrets: [],
  atomic: true,
  together: true,
  input: z.strictObject({
    /** The CSP takes 4 to 16; the password policy of Windows, which holds for local accounts, no more than 14. */
    minimumLength: z.int().min(4).max(14).default(8),
    /** 1 digits; 2 and small letters; 3 and capitals. 4 is for no PC, and 3 not for Microsoft accounts. */
    kindsOfCharacters: z.int().min(1).max(3).default(2),
    /** 0 would be no lock. */
    lockAfterMinutes: z.int().min(1).max(999).default(15),
    /** 0: never */
    expiresAfterDays: z.int().min(0).max(730).default(0),
    /** The current one is one of them. The CSP takes 50, the password policy of Windows 24. */
    rememberPasswords: z.int().min(0).max(24).default(0),
    /** `1234`, picture passwords */
    simplePasswords: z.boolean().default(false),
  }),
  settings: (input) => [
    // The first two set the length and the kinds back and go before these.
    // 0 means that it is on.
    policy('DeviceLock', 'DevicePasswordEnabled', 0),
    // 0: a password or an alphanumeric PIN
    policy('DeviceLock', 'AlphanumericDevicePasswordRequired', 0),
    policy('DeviceLock', 'MinDevicePasswordLength', input.minimumLength),
    policy('DeviceLock', 'MinDevicePasswordComplexCharacters', input.kindsOfCharacters),
    policy('DeviceLock', 'MaxInactivityTimeDeviceLock', input.lockAfterMinutes),
    policy('DeviceLock', 'DevicePasswordExpiration', input.expiresAfterDays),
    policy('DeviceLock', 'DevicePasswordHistory', input.rememberPasswords),
    policy('DeviceLock', 'AllowSimpleDevicePassword', input.simplePasswords),
  ],
});
