import { canonicalPath, type NodeDefinition, type TreeState } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/** Windows LAPS as a server sees it (LAPS CSP): a password is made, goes to the directory, and no server ever sees it. */

const ACTIONS = './Vendor/MSFT/LAPS/Actions';
const STATUS = canonicalPath(`${ACTIONS}/ResetPasswordStatus`);
/** How often a reset still going on was asked for; no node of Windows. */
const ASKED = './asked/ResetPasswordStatus';

const E_PENDING = -2147483638;
/** ERROR_NOT_SUPPORTED: no policy says where to keep the password. */
const NOT_SUPPORTED = -2147024846;

export function lapsNodes(machine: Machine): NodeDefinition[] {
  const { laps } = machine;
  return [
    {
      path: './Vendor/MSFT/LAPS/Policies',
      access: ['Get', 'Add', 'Replace', 'Delete'],
      open: { replaceCreates: true },
    },
    {
      path: './Vendor/MSFT/LAPS/Policies/BackupDirectory',
      access: ['Get', 'Add', 'Replace', 'Delete'],
      format: 'int',
      ...(laps ? { value: String(laps.backupDirectory) } : {}),
    },
    { path: `${ACTIONS}/ResetPassword`, access: ['Exec'], runs: (tree) => reset(tree) },
    {
      path: `${ACTIONS}/ResetPasswordStatus`,
      access: ['Get'],
      format: 'int',
      value: '0',
      says: (tree) => String(statusOf(machine, tree)),
    },
  ];
}

function reset(tree: TreeState): void {
  tree.values[ASKED] = { value: '0', format: 'int' };
}

/** Before the first reset it is that of the last password change, which went well. */
function statusOf({ laps }: Machine, tree: TreeState): number {
  const asked = tree.values[ASKED];
  if (!asked) return 0;
  if (!laps) return NOT_SUPPORTED;
  const times = Number(asked.value) + 1;
  tree.values[ASKED] = { value: String(times), format: 'int' };
  if (times <= (laps.pendingReads ?? 0)) return E_PENDING;
  if (!laps.failsWith) tree.values[STATUS] = { value: '0', format: 'int' };
  return laps.failsWith ?? 0;
}

/** LAPS has set a password and somebody can look it up. */
export function hasLapsPassword(machine: Machine, tree: TreeState): boolean {
  return tree.values[STATUS] !== undefined && machine.laps !== undefined && machine.laps.backupDirectory !== 0;
}
