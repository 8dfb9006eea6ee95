import type { HostedFunction } from './functions.ts';
import { firstInQuery } from './request-target.ts';

/** The keys of a host: the master key opens everything, the host key every function of level `function`, a function's key that one. */
export interface HostKeys {
  master: string;
  host: string;
  /** By function name, in any case. */
  functions: Record<string, string>;
}

export type KeyLevel = 'none' | 'function' | 'master';

/**
 * The key that a request presents. The header wins over `?code=` even when its value is wrong or empty; of a repeated
 * header or query name the first counts.
 */
export function presentedKey(header: string | undefined, rawQuery: string): string {
  return header ?? firstInQuery(rawQuery, 'code') ?? '';
}

/** What a key opens at one function, or at the host's own addresses when no function is given. */
export function levelOf(key: string, keys: HostKeys, hosted?: HostedFunction): KeyLevel {
  if (key === '') return 'none';
  if (key === keys.master) return 'master';
  if (!hosted) return 'none';
  if (key === keys.host) return 'function';
  const name = hosted.metadata.name.toLowerCase();
  const own = Object.entries(keys.functions).find(([given]) => given.toLowerCase() === name)?.[1];
  return own !== undefined && key === own ? 'function' : 'none';
}

/** Whether a key of this level may call the function; a function without an authLevel asks for a key, as in Azure. */
export function mayCall(level: KeyLevel, hosted: HostedFunction): boolean {
  const asked = (hosted.trigger.authLevel ?? 'function').toLowerCase();
  if (asked === 'anonymous') return true;
  return asked === 'function' ? level !== 'none' : level === 'master';
}
