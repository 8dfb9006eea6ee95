import * as z from 'zod';
import { action, needsDirectory } from './action.ts';

/** BitLocker CSP, RotateRecoveryPasswords: data is an id of the request; 202 says that it has begun. */
export const rotateBitLocker = action({
  name: 'rotate-bitlocker-password',
  summary: 'Replaces the recovery passwords of BitLocker; the new ones go to Microsoft Entra.',
  input: z.strictObject({}),
  plan(device, _, { id }) {
    needsDirectory(device, 'The recovery password of BitLocker');
    const target = './Device/Vendor/MSFT/BitLocker/RotateRecoveryPasswords';
    return {
      commands: [{ verb: 'Exec', target, data: id, format: 'chr' }],
      warnings: [
        'The device refuses unless its policy says that BitLocker waits until recovery information is stored in the directory, for OS and fixed drives.',
        'The answer says that it has begun; read ./Device/Vendor/MSFT/BitLocker/Status/RotateRecoveryPasswordsStatus later: 0 done, 1 going on, else an error.',
      ],
    };
  },
});

/** LAPS CSP, Actions/ResetPassword. No management server ever sees the password. */
export const rotateLaps = action({
  name: 'rotate-laps-password',
  summary: 'Has Windows LAPS set a new password for its local administrator; it goes to the directory.',
  input: z.strictObject({}),
  plan(device) {
    needsDirectory(device, 'The password of LAPS');
    const actions = './Device/Vendor/MSFT/LAPS/Actions';
    return {
      commands: [
        { verb: 'Exec', target: `${actions}/ResetPassword`, format: 'null' },
        { verb: 'Get', target: `${actions}/ResetPasswordStatus` },
      ],
      warnings: [
        'It does nothing unless a LAPS policy (BackupDirectory) is set on the device.',
        'The second command reads what came of it: 0 done, -2147483638 going on, else an HRESULT.',
      ],
    };
  },
});
