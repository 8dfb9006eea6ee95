import * as z from 'zod';
import { acceptRiskSchema } from '../../shared/devices/accepted-risk.ts';
import type { Device } from '../../shared/devices/device.ts';
import { deviceView } from '../../shared/devices/device-view.ts';
import { readOptionalJson } from '../../shared/platform/body.ts';
import {
  administratorPassword,
  localAdministratorSchema,
  repeatablePassword,
} from '../../shared/unenroll/local-administrator.ts';
import { showUnenroll } from '../../shared/unenroll/unenroll-preview.ts';
import { askToUnenroll, callOffUnenroll } from '../../shared/unenroll/unenroll-requests.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf, idempotencyOf } from './admin-door.ts';

const unenrollSchema = z
  .strictObject({
    after: z.enum(['now', 'queue']).optional(),
    acceptRisk: acceptRiskSchema.optional(),
    localAdministrator: localAdministratorSchema.optional(),
    laps: z.literal(true).optional(),
  })
  // A risk that is taken would overtake the account, whose password was shown by then.
  .refine(
    ({ acceptRisk, localAdministrator, laps }) =>
      [acceptRisk, localAdministrator, laps].filter((given) => given !== undefined).length <= 1,
    'give one of acceptRisk, localAdministrator and laps',
  );

type Asked = z.output<typeof unenrollSchema>;

/**
 * `POST /api/devices/{id}/unenroll {after?, acceptRisk?, localAdministrator?, laps?}` -> 202 and the device; with
 * `localAdministrator` the password of the account that is made, this once. `DELETE` calls it off: 200, or 409 with the
 * state. `GET` shows what would happen and changes nothing: the preview of a link must not unenroll anybody.
 */
adminDoor('unenroll', {
  route: 'api/devices/{id}/unenroll',
  methods: ['GET', 'POST', 'DELETE'],
  handler: (call) => {
    if (call.request.method === 'GET') return preview(call);
    return call.request.method === 'DELETE' ? callOff(call) : ask(call);
  },
});

async function preview(call: AdminCall): Promise<AdminResult> {
  return { status: 200, value: await showUnenroll(call.services.storage, deviceIdOf(call)) };
}

async function ask(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const body = await readOptionalJson(call.request, unenrollSchema, 16 * 1024);
  const { services, log, now, actor } = call;
  const idempotency = idempotencyOf(call, body);
  const account = body.localAdministrator && (await accountOf(call, body.localAdministrator.name, idempotency?.key));
  const { after, acceptRisk, laps } = body;
  const request = { by: actor, after, acceptRisk, laps, localAdministrator: account };
  const device = await askToUnenroll({ storage: services.storage, log, now }, deviceId, request, idempotency);
  const made = account && { name: account.name, password: account.password(askedAtOf(device)) };
  const value = { ...deviceView(device, undefined), ...(made ? { localAdministrator: made } : {}) };
  return { status: 202, value, audit: { act: 'unenroll', subject: deviceId, outcome: inWords(body) } };
}

/** When the account was asked for: what a repeated call is answered has the time of the first. */
function askedAtOf({ unenroll }: Device): string {
  return unenroll?.localAdministrator?.askedAt ?? '';
}

/** Its password is in the reply and, sealed, in the command, and nowhere else; a repeated call derives it again. */
async function accountOf({ services, ...call }: AdminCall, name: string, key: string | undefined) {
  if (key === undefined) {
    const password = administratorPassword(name);
    return { name, password: () => password };
  }
  const secret = { appKey: await services.appKey(), key };
  const deviceId = deviceIdOf({ services, ...call });
  return { name, password: (askedAt: string) => repeatablePassword(secret, { deviceId, name, askedAt }) };
}

/** For the audit. */
function inWords({ after, acceptRisk, localAdministrator, laps }: Asked): string | undefined {
  const parts = [
    ...(after === 'queue' ? ['behind the queue'] : []),
    ...(acceptRisk ? [`risk accepted by ${acceptRisk.person}: ${acceptRisk.reason}`] : []),
    ...(localAdministrator ? [`local administrator ${localAdministrator.name} to be made`] : []),
    ...(laps ? ['LAPS to set a new password'] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : undefined;
}

async function callOff(call: AdminCall): Promise<AdminResult> {
  const { services, log, now } = call;
  const deviceId = deviceIdOf(call);
  const device = await callOffUnenroll({ storage: services.storage, log, now }, deviceId);
  return { status: 200, value: deviceView(device, undefined), audit: { act: 'call off unenroll', subject: deviceId } };
}
