import * as z from 'zod';
import { JOURNAL_KEPT_DAYS } from '../../shared/enrollment/journal/journal.ts';
import { listAttempts, readAttempt } from '../../shared/enrollment/journal/journal-view.ts';
import { invalid } from '../../shared/platform/body.ts';
import { adminDoor, listBody, listOptionsOf } from './admin-door.ts';

const attemptsQuery = z.object({
  day: z.iso
    .date('must be a day such as 2026-03-01')
    .transform((day) => day.replaceAll('-', ''))
    .optional(),
  user: z.string().trim().min(1).max(320).optional(),
  days: z.coerce.number().int().min(1).max(JOURNAL_KEPT_DAYS).default(30),
});

/**
 * `GET /api/enrollment-attempts?day=&user=&days=&limit=&cursor=` -> `{items, next}`, the newest first: those of a day, by
 * default today, or of a user in the last days
 */
adminDoor('enrollment-attempts', {
  route: 'api/enrollment-attempts',
  methods: ['GET'],
  async handler(call) {
    const parsed = attemptsQuery.safeParse(Object.fromEntries(call.request.query));
    if (!parsed.success) throw invalid(parsed.error);
    const query = { ...parsed.data, ...(await listOptionsOf(call)) };
    const { items, next } = await listAttempts(call.services.storage, query, call.now);
    return { status: 200, value: await listBody(call, items, next) };
  },
});

/** `GET /api/enrollment-attempts/{traceId}` -> what was decided, why, what the PC shows and what to do; 404 that says why */
adminDoor('enrollment-attempt', {
  route: 'api/enrollment-attempts/{traceId}',
  methods: ['GET'],
  async handler({ request, services }) {
    return { status: 200, value: await readAttempt(services.storage, request.params['traceId'] ?? '') };
  },
});
