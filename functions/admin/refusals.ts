import * as z from 'zod';
import { readDevice } from '../../shared/devices/device-rows.ts';
import { holdDevice, readDeviceHold, releaseDevice } from '../../shared/enrollment/eligibility/decommission-hold.ts';
import { type Block, REFUSED_KINDS } from '../../shared/enrollment/eligibility/refusal-rows.ts';
import { block, listBlocks, readBlock, unblock } from '../../shared/enrollment/eligibility/refusals-list.ts';
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
 * `PUT /api/refusals/{kind}/{value} {reason, person?}` refuses a user, a serial number, a hardware id, or a device that is
 * taken out of service: 200; `GET` -> it, `DELETE` lets it enroll again: 200, or 404
 */
adminDoor('refusal', {
  route: 'api/refusals/{kind}/{value}',
  methods: ['GET', 'PUT', 'DELETE'],
  async handler(call) {
    const [kind, value] = targetOf(call);
    const { storage } = call.services;
    if (call.request.method === 'GET') {
      const row = await (kind === 'device' ? readDeviceHold(storage, value) : readBlock(storage, kind, value));
      return { status: 200, value: row.value };
    }
    return call.request.method === 'PUT' ? put(call, kind, value) : allow(call, kind, value);
  },
});

async function put(call: AdminCall, kind: Kind, value: string): Promise<AdminResult> {
  const { actor, now, services } = call;
  const { reason, person = actor } = await readJson(call.request, refusalSchema, 16 * 1024);
  const { storage } = services;
  const why = { reason, person, at: now.toISOString() };
  const made =
    kind === 'device'
      ? await holdDevice(storage, (await readDevice(storage, value.toLowerCase())).value, why)
      : await block(storage, { kind, value, ...why });
  services.catalogue.forget();
  return { status: 200, value: made, audit: { act: 'refuse', subject: subjectOf(made), outcome: reason } };
}

async function allow({ services }: AdminCall, kind: Kind, value: string): Promise<AdminResult> {
  const { storage } = services;
  const was = await (kind === 'device' ? releaseDevice(storage, value) : unblock(storage, kind, value));
  const outcome = `was refused: ${was.reason}`;
  return { status: 200, value: was, audit: { act: 'allow', subject: subjectOf(was), outcome } };
}

function subjectOf({ kind, value }: Block): string {
  return `${kind} ${value}`;
}

const KINDS = [...REFUSED_KINDS, 'device'] as const;
type Kind = (typeof KINDS)[number];

/** A serial number may have slashes, which the platform leaves encoded in a part of the path. */
function targetOf({ request }: AdminCall): [Kind, string] {
  const { kind = '', value = '' } = request.params;
  const known = KINDS.find((each) => each.toLowerCase() === kind.toLowerCase());
  if (!known) throw notFound(`${kind.slice(0, 60)} is not one of ${KINDS.join(', ')}.`);
  return [known, value.replaceAll(/%2f/gi, '/')];
}
