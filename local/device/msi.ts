import type { NodeDefinition, TreeState } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/**
 * Installations of MSI packages (EnterpriseDesktopAppManagement CSP): the node is added, the Exec starts the installation and
 * says nothing of it, an alert of the next session and two nodes beside it say what came of it.
 */

const MSI = './Vendor/MSFT/EnterpriseDesktopAppManagement/MSI';
const INSTALLING = 50;
const FAILED = 60;
const INSTALLED = 70;

export function msiNodes(machine: Machine): NodeDefinition[] {
  const { answers = 200, tellsLater = true, failsWith = 0 } = machine.msi ?? {};
  return [
    {
      path: MSI,
      access: ['Get', 'Add', 'Delete', 'Exec'],
      open: { replaceCreates: false },
      exec: answers,
      runs: (tree, _, path) => {
        tree.values[begun(path)] = { value: '0', format: 'int' };
      },
      says: (tree, path) => stateOf(machine, tree, path),
      ...(tellsLater ? { later: String(failsWith) } : {}),
    },
  ];
}

/** How often it was asked since the installation began; no node of Windows, and outside of what it shows. */
const begun = (path: string): string => path.replace(MSI, './asked/MSI').replace(/\/[^/]+$/, '');

function stateOf({ msi }: Machine, tree: TreeState, path: string): string | undefined {
  const leaf = path.slice(path.lastIndexOf('/') + 1);
  const asked = tree.values[begun(path)];
  if (!asked || (leaf !== 'Status' && leaf !== 'LastError')) return undefined;
  const isOver = Number(asked.value) >= (msi?.pendingReads ?? 0);
  if (leaf === 'LastError') return isOver ? String(msi?.failsWith ?? 0) : '0';
  if (isOver) return String(msi?.failsWith ? FAILED : INSTALLED);
  tree.values[begun(path)] = { value: String(Number(asked.value) + 1), format: 'int' };
  return String(INSTALLING);
}
