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
  ],
  secrets: [],
  atomic: true,
  input: z.strictObject({
    minimumLength: z.int().min(4).max(14).default(8),
    /** 1 digits; 2 and small letters; 3 and capitals; 4 and other characters */
    kindsOfCharacters: z.int().min(1).max(4).default(3),
    lockAfterMinutes: z.int().min(1).max(999).default(15),
    /** 0: never */
    expiresAfterDays: z.int().min(0).max(730).default(0),
    /** The current one is one of them. */
    rememberPasswords: z.int().min(0).max(24).default(0),
    /** `1234`, picture passwords */
    simplePasswords: z.boolean().default(false),
  }),
  settings: (input) => [
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
