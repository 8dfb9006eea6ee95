import {
  app,
  type HttpMethod,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
} from '@azure/functions';
import * as z from 'zod';
import { writeAudit } from '../../shared/audit/audit.ts';
import type { Idempotency } from '../../shared/idempotency/idempotency.ts';
import { invalid } from '../../shared/platform/body.ts';
import { now } from '../../shared/platform/clock.ts';
import { openCursor, sealCursor } from '../../shared/platform/cursor.ts';
import { json, problemReply } from '../../shared/platform/http.ts';
import { sha256 } from '../../shared/platform/ids.ts';
import { errorFacts, type Log, logTo } from '../../shared/platform/log.ts';
import { badRequest, notFound, Problem, serviceUnavailable } from '../../shared/platform/problem.ts';
import { SettingsError } from '../../shared/platform/settings.ts';
import { Conflict, RowTooLarge, StorageUnavailable } from '../../shared/storage/errors.ts';
import { type Services, services } from '../services.ts';
import { type AdminAuth, adminAuthOf, callerOf } from './admin-caller.ts';

/** What a call of the admin API comes with. */
export interface AdminCall {
  request: HttpRequest;
  services: Services;
  log: Log;
  /** Who asks: as the caller says where keys open the API, and whom the platform has signed in with Entra. */
  actor: string;
  now: Date;
}

export interface AdminResult {
  status: number;
  value: unknown;
  /** What the audit says of the act; left out for calls that change nothing. */
  audit?: { act: string; subject: string; outcome?: string };
}

interface AdminDoor {
  route: string;
  methods: HttpMethod[];
  /** `admin` asks for the master key, or for the role Approver. */
  authLevel?: 'function' | 'admin';
  handler: (call: AdminCall) => Promise<AdminResult>;
}

/** Registers a door of the admin API: for administrators alone, JSON, refusals as problem details (RFC 9457), acts in the audit. */
export function adminDoor(name: string, door: AdminDoor): void {
  const auth = adminAuthOf(process.env);
  app.http(name, {
    route: door.route,
    methods: door.methods,
    // With Entra the platform asks for the sign-in in front of the app, and the role is looked at behind the door.
    authLevel: auth === 'entra' ? 'anonymous' : (door.authLevel ?? 'function'),
    handler: (request: HttpRequest, context: InvocationContext) => serve(door, auth, request, context),
  });
}

async function serve(
  door: AdminDoor,
  auth: AdminAuth,
  request: HttpRequest,
  context: InvocationContext,
): Promise<HttpResponseInit> {
  const log = logTo(context);
  try {
    const actor = callerOf(request, auth, door.authLevel === 'admin');
    const call: AdminCall = { request, services: services(), log, actor, now: now() };
    const { status, value, audit } = await door.handler(call);
    if (audit) await noteAct(call, audit);
    return json(status, value);
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status >= 500) log.error('A call of the admin API failed', errorFacts(error));
    return problemReply(problem, context.invocationId);
  }
}

/** The act stands by now, so an audit that cannot be written must not call it failed: the log keeps the entry instead. */
async function noteAct(call: AdminCall, audit: NonNullable<AdminResult['audit']>): Promise<void> {
  const { act, subject, outcome = 'done' } = audit;
  const entry = { at: call.now.toISOString(), actor: call.actor, act, subject, outcome };
  try {
    await writeAudit(call.services.storage, entry);
  } catch (error) {
    call.log.error('The audit could not be written', { ...entry, ...errorFacts(error) });
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StorageUnavailable)
    return serviceUnavailable('Storage does not answer. Try again in a minute.', 60);
  if (error instanceof Conflict)
    return new Problem(409, 'Conflict', 'Somebody else changed this at the same moment. Try again.');
  if (error instanceof RowTooLarge) {
    return new Problem(413, 'Content too large', 'This is more than can be stored at once. Ask for less in one call.');
  }
  if (error instanceof SettingsError) return new Problem(500, 'Wrong app settings', error.message);
  return new Problem(500, 'Internal error', 'The server failed. The log names this call by its instance.');
}

/**
 * @returns the Idempotency-Key of a POST with a hash of what it asks, so that another request under it is noticed. A key is
 *   one caller's own: two who choose the same word do not get each other's answers
 */
export function idempotencyOf({ request, actor }: AdminCall, body: unknown): Idempotency | undefined {
  const key = request.headers.get('idempotency-key')?.trim();
  if (!key) return undefined;
  if (key.length > 200) throw badRequest([{ field: 'Idempotency-Key', message: 'is longer than 200 characters' }]);
  const { pathname } = new URL(request.url);
  const asked = JSON.stringify([request.method, pathname.toLowerCase(), body]);
  return { key: JSON.stringify([actor, key]), requestHash: sha256(asked).toString('hex') };
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @returns the device id of the route. @throws {Problem} 404 for what cannot be one */
export function deviceIdOf({ request }: AdminCall): string {
  const id = request.params['id'] ?? '';
  if (!GUID.test(id)) throw notFound(`There is no device ${id.slice(0, 60)}.`);
  return id.toLowerCase();
}

/** @returns the command id of the route. @throws {Problem} 404 for what cannot be one */
export function commandIdOf({ request }: AdminCall): string {
  const id = request.params['commandId'] ?? '';
  if (!/^\d{12}$/.test(id)) throw notFound(`There is no command ${id.slice(0, 60)}.`);
  return id;
}

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  cursor: z.string().max(2_000).optional(),
});

/** `?limit=` (1 to 1,000, default 100) and `?cursor=` of a list. @throws {Problem} 400 */
export async function listOptionsOf({
  request,
  services: { appKey },
}: AdminCall): Promise<{ limit: number; cursor?: string }> {
  const parsed = listQuery.safeParse(Object.fromEntries(request.query));
  if (!parsed.success) throw invalid(parsed.error);
  const { limit, cursor } = parsed.data;
  return { limit, cursor: cursor ? openCursor(await appKey(), cursor) : undefined };
}

/** The body of a list: `{items, next}`; `next` is left out on the last page. */
export async function listBody<T>({ services: { appKey } }: AdminCall, items: T[], next: string | undefined) {
  return { items, ...(next === undefined ? {} : { next: sealCursor(await appKey(), next) }) };
}
