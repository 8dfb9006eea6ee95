import * as z from 'zod';
import { enabled, int, template } from './template.ts';

const CSP = './Device/Vendor/MSFT/BitLocker';
const METHODS = { xtsAes128: 6, xtsAes256: 7 };
const ROTATION = { off: 0, joined: 1, joinedAndHybrid: 2 };

/** "Do not encrypt before the recovery key is in the directory", of system and of fixed drives. */
function escrow(prefix: 'OS' | 'FDV') {
  return {
    [`${prefix}AllowDRA_Name`]: false,
    [`${prefix}RecoveryPasswordUsageDropDown_Name`]: 1,
    [`${prefix}RecoveryKeyUsageDropDown_Name`]: 0,
    [`${prefix}HideRecoveryPage_Name`]: true,
    [`${prefix}ActiveDirectoryBackup_Name`]: true,
    [`${prefix}ActiveDirectoryBackupDropDown_Name`]: 1,
    [`${prefix}RequireActiveDirectoryBackup_Name`]: true,
  };
}

/** BitLocker CSP (Microsoft Learn): only all settings together in one message are effective. */
export const bitlocker = template({
  name: 'bitlocker',
  title: 'BitLocker',
  summary:
    'Encrypts the system drive and fixed drives; the recovery key goes to the directory before encryption begins.',
  notes: [
    'Only PCs that are joined to Entra or hybrid joined get it: of any other the recovery key would be kept nowhere.',
    'Removing the profile does not decrypt.',
    'Windows Pro, Enterprise and Education take all of it, Pro since version 1809. Microsoft ties the right to manage BitLocker to licences of Enterprise or Education (E3, E5, A3, A5).',
  ],
  secrets: [],
  atomic: true,
  together: true,
  input: z.strictObject({
    method: z.enum(['xtsAes128', 'xtsAes256']).default('xtsAes256'),
    /** Without a question to the user. Another encryption on the drive would be damaged by that. */
    silent: z.boolean().default(true),
    /** Also while a user without administrator's rights is signed in; needs `silent`. */
    standardUsers: z.boolean().default(true),
    rotateRecoveryPasswords: z.enum(['off', 'joined', 'joinedAndHybrid']).default('joinedAndHybrid'),
  }),
  settings: ({ method, silent, standardUsers, rotateRecoveryPasswords }) => [
    enabled(`${CSP}/EncryptionMethodByDriveType`, {
      EncryptionMethodWithXtsOsDropDown_Name: METHODS[method],
      EncryptionMethodWithXtsFdvDropDown_Name: METHODS[method],
      // AES-CBC, which older PCs read too
      EncryptionMethodWithXtsRdvDropDown_Name: METHODS[method] - 3,
    }),
    enabled(`${CSP}/SystemDrivesRecoveryOptions`, escrow('OS')),
    enabled(`${CSP}/FixedDrivesRecoveryOptions`, escrow('FDV')),
    int(`${CSP}/AllowWarningForOtherDiskEncryption`, !silent),
    ...(silent ? [int(`${CSP}/AllowStandardUserEncryption`, standardUsers)] : []),
    int(`${CSP}/ConfigureRecoveryPasswordRotation`, ROTATION[rotateRecoveryPasswords]),
    int(`${CSP}/RequireDeviceEncryption`, 1),
  ],
});
