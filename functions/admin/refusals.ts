import * as z from 'zod';
import {
  type Block,
  block,
  listBlocks,
  REFUSED_KINDS,
  type RefusedKind,
  readBlock,
  unblock,
} from '../../shared/enrollment/eligibility/refusals-list.ts';
import { readJson } from '../../shared/platform/body.ts';
import { notFound } from '../../shared/platform/problem.ts';
import { type AdminCall, type AdminResult, adminDoor, listBody, listOptionsOf } from './admin-door.ts';

const refusalSchema = z.strictObject({
  reason: z.string().trim().min(1).max(1_000),
  /** Who answers for it; the caller where nobody is named. */
  person: z.string().trim().min(1).max(200).optional(),
});

/** `GET /api/refusals?limit=&cursor=` -> `{items, next}`: who and what is refused, besides what the settings say */
adminDoor('refusals', {
  route: 'api/refusals',
  methods: ['GET'],
  async handler(call) {
    const { items, next } = await listBlocks(call.services.storage, await listOptionsOf(call));
    return { status: 200, value: await listBody(call, items, next) };
  },
});

/**
 * `PUT /api/refusals/{kind}/{value} {reason, person?}` refuses a user, serial number or hardware id: 200;
 * `GET` -> it, `DELETE` lets it enroll again: 200, or 404
 */
adminDoor('refusal', {
  route: 'api/refusals/{kind}/{value}',
  methods: ['GET', 'PUT', 'DELETE'],
  async handler(call) {
    const [kind, value] = targetOf(call);
    const { storage } = call.services;
    if (call.request.method === 'GET') return { status: 200, value: (await readBlock(storage, kind, value)).value };
    return call.request.method === 'PUT' ? put(call, kind, value) : allow(call, kind, value);
  },
});

async function put(call: AdminCall, kind: RefusedKind, value: string): Promise<AdminResult> {
  const { actor, now, services } = call;
  const { reason, person = actor } = await readJson(call.request, refusalSchema, 16 * 1024);
  const made = await block(services.storage, { kind, value, reason, person, at: now.toISOString() });
  services.catalogue.forget();
  return { status: 200, value: made, audit: { act: 'refuse', subject: subjectOf(made), outcome: reason } };
}

async function allow({ services }: AdminCall, kind: RefusedKind, value: string): Promise<AdminResult> {
  const was = await unblock(services.storage, kind, value);
  const outcome = `was refused: ${was.reason}`;
  return { status: 200, value: was, audit: { act: 'allow', subject: subjectOf(was), outcome } };
}

function subjectOf({ kind, value }: Block): string {
  return `${kind} ${value}`;
}

/** A serial number may have slashes, which the platform leaves encoded in a part of the path. */
function targetOf({ request }: AdminCall): [RefusedKind, string] {
  const { kind = '', value = '' } = request.params;
  const known = REFUSED_KINDS.find((each) => each.toLowerCase() === kind.toLowerCase());
  if (!known) throw notFound(`${kind.slice(0, 60)} is not one of ${REFUSED_KINDS.join(', ')}.`);
  return [known, value.replaceAll(/%2f/gi, '/')];
}
