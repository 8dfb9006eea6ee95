import * as z from 'zod';
import { listAudit } from '../../shared/audit/audit-list.ts';
import { invalid } from '../../shared/platform/body.ts';
import { adminDoor, listBody, listOptionsOf } from './admin-door.ts';

const auditQuery = z.object({ day: z.iso.date('must be a day such as 2026-03-01').optional() });

/** `GET /api/audit?day=&limit=&cursor=` -> `{items, next}`: what administrators did on a day (UTC), by default today */
adminDoor('audit', {
  route: 'api/audit',
  methods: ['GET'],
  async handler(call) {
    const parsed = auditQuery.safeParse(Object.fromEntries(call.request.query));
    if (!parsed.success) throw invalid(parsed.error);
    const day = parsed.data.day ?? call.now.toISOString().slice(0, 10);
    const { items, next } = await listAudit(call.services.storage, day, await listOptionsOf(call));
    return { status: 200, value: await listBody(call, items, next) };
  },
});
