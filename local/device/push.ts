import { canonicalPath, type NodeDefinition, type TreeState } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/**
 * Push of the DMClient CSP: once the PC has been given a package family name it gets a channel from Microsoft, and shows its
 * address and how that went. Before that there is no channel (404). A machine may say with which address and status.
 */
export function pushNodes(provider: string, { deviceId, push = {} }: Machine): NodeDefinition[] {
  const name = canonicalPath(`${provider}/Push/PFN`);
  const has = (tree: TreeState) => tree.values[name] !== undefined;
  const { status = 0, channel = `https://db5p.notify.windows.com/w/?token=${deviceId}` } = push;
  return [
    { path: `${provider}/Push/PFN`, access: ['Get', 'Add', 'Replace', 'Delete'], format: 'chr' },
    {
      path: `${provider}/Push/ChannelURI`,
      access: ['Get'],
      format: 'chr',
      says: (tree) => (has(tree) && status === 0 ? channel : undefined),
    },
    {
      path: `${provider}/Push/Status`,
      access: ['Get'],
      format: 'int',
      value: '8',
      says: (tree) => (has(tree) ? String(status) : '8'),
    },
  ];
}
