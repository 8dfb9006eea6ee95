import type { Storage } from '../storage/storage.ts';
import { type AuditEntry, auditTime } from './audit.ts';

const DAY_MS = 86_400_000;

/**
 * One page of what administrators did on a day (UTC), the newest first. One call.
 * @param day `YYYY-MM-DD`
 * @param options.cursor the `next` of the page before
 */
export async function listAudit(
  storage: Storage,
  day: string,
  { cursor, limit }: { cursor?: string; limit: number },
): Promise<{ items: AuditEntry[]; next?: string }> {
  const begin = Date.parse(`${day}T00:00:00.000Z`);
  const from = cursor ?? auditTime(begin + DAY_MS - 1);
  const { rows, next } = await storage
    .table('audit')
    .page<AuditEntry>(day.slice(0, 7), { from, before: auditTime(begin - 1), limit });
  return { items: rows.map(({ value }) => value), next };
}
