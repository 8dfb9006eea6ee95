/**
 * What an administrator may do who signs in with Microsoft Entra: read; read and act; and, besides, what asks for the master
 * key where keys open the API. Each role includes those before it.
 */
export type Role = 'Reader' | 'Operator' | 'Approver';

const RANK: Record<Role, number> = { Reader: 1, Operator: 2, Approver: 3 };

/** @returns whether one of the roles that are held is enough */
export function allows(held: readonly Role[], needed: Role): boolean {
  return held.some((role) => RANK[role] >= RANK[needed]);
}

/** @param needsMasterKey whether the door asks for the master key where keys open the API */
export function roleFor(method: string, needsMasterKey: boolean): Role {
  if (needsMasterKey) return 'Approver';
  return method === 'GET' || method === 'HEAD' ? 'Reader' : 'Operator';
}
