import { randomBytes } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';

/** What administrators did, one row an act; a partition a month, the newest first. Never holds what was secret in the act. */
export interface AuditEntry {
  at: string;
  /** Who, as the caller called himself: a function key proves the right, not the name. */
  actor: string;
  act: string;
  /** What it was done to, e.g. a device id. */
  subject: string;
  outcome: string;
}

const LAST_MS = 8_640_000_000_000_000;

/** Writes one entry. One call. */
export async function writeAudit(storage: Storage, entry: AuditEntry): Promise<void> {
  const month = entry.at.slice(0, 7);
  const rowKey = `${auditTime(Date.parse(entry.at))}-${randomBytes(4).toString('hex')}`;
  await storage.table('audit').write(month, [{ kind: 'insert', rowKey, value: entry }]);
}

/** How the RowKeys of a moment begin (ms since 1970): the later, the smaller. */
export function auditTime(ms: number): string {
  return String(LAST_MS - ms).padStart(16, '0');
}
