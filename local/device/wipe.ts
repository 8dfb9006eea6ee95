import type { NodeDefinition } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/** The kinds of a full wipe (RemoteWipe CSP); those from the cloud are there from Windows 11 22H2 on. */
const KINDS = [
  'doWipe',
  'doWipeProtected',
  'doWipePersistProvisionedData',
  'doWipePersistUserData',
  'doWipeCloud',
  'doWipeCloudPersistUserData',
  'doWipeCloudPersistProvisionedData',
];

/**
 * The PC takes the command (200) and resets itself when the session is over. Without its recovery environment it refuses (500),
 * but for `doWipeProtected`, after which such a PC does not start any more.
 */
export function wipeNodes(machine: Machine): NodeDefinition[] {
  return KINDS.map((kind): NodeDefinition => {
    const refuses = machine.recoveryEnvironment === false && kind !== 'doWipeProtected';
    return {
      path: `./Vendor/MSFT/RemoteWipe/${kind}`,
      access: ['Get', 'Exec'],
      value: '',
      ...(refuses ? { exec: 500 } : {}),
      ...(machine.wipeDoesNothing ? {} : { effect: 'wipe' as const }),
    };
  });
}
