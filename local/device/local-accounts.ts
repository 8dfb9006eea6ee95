import { canonicalPath, type NodeDefinition, type TreeState } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/** Where a server makes local accounts (Accounts CSP). It takes Add and nothing else. */
const USERS = './Vendor/MSFT/Accounts/Users';

/**
 * The Accounts CSP of a PC. An account that is there answers 418; a password that is too simple, or holds the name, 500. What
 * the CSP does with the group of an account that it did not make is not documented: this PC lets it have it, which is the worse.
 */
export function localAccountNodes(machine: Machine): NodeDefinition[] {
  return [
    {
      path: USERS,
      access: ['Add'],
      open: { replaceCreates: false },
      takes: (path, data) => statusOf(machine, path, data),
    },
    { path: './Vendor/MSFT/Accounts/Domain', access: ['Add'], open: { replaceCreates: false } },
  ];
}

function statusOf(machine: Machine, path: string, data: string): number {
  const [name = '', leaf = ''] = path
    .slice(USERS.length + 1)
    .split('/')
    .map(decodeURIComponent);
  const exists = (machine.localAccounts ?? []).some((account) => account.toLowerCase() === name.toLowerCase());
  if (leaf === 'Password') return exists ? 418 : isComplex(data, name) ? 200 : 500;
  if (leaf !== 'LocalUserGroup') return 404;
  return data === '1' || data === '2' ? 200 : 500;
}

/** "Password must meet complexity requirements": three kinds of characters, eight of them, and not the name. */
function isComplex(password: string, name: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  const holdsName = name.length > 2 && password.toLowerCase().includes(name.toLowerCase());
  return password.length >= 8 && kinds >= 3 && !holdsName;
}

/** A local account in the administrators' group that a server made: somebody can sign in after the Entra join is gone. */
export function hasProvisionedAdministrator(tree: TreeState): boolean {
  return Object.entries(tree.values).some(([path, node]) => {
    const account = /^(\.\/Vendor\/MSFT\/Accounts\/Users\/[^/]+)\/LocalUserGroup$/.exec(path)?.[1];
    return account !== undefined && node.value === '2' && canonicalPath(`${account}/Password`) in tree.values;
  });
}

/** The password under which a made account signs in. */
export function passwordOf(tree: TreeState, name: string): string | undefined {
  return tree.values[canonicalPath(`${USERS}/${name}/Password`)]?.value;
}
