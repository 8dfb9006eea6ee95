import * as z from 'zod';
import { readDevice } from '../../shared/devices/device-rows.ts';
import { readJson } from '../../shared/platform/body.ts';
import { notFound } from '../../shared/platform/problem.ts';
import { listTrace, readExchange } from '../../shared/trace/trace.ts';
import { isTraced, MAX_TRACE_HOURS, switchTraceOff, switchTraceOn } from '../../shared/trace/trace-switch.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf, listBody, listOptionsOf } from './admin-door.ts';

const traceSchema = z.strictObject({ hours: z.int().min(1).max(MAX_TRACE_HOURS) });

/**
 * `POST /api/devices/{id}/trace {hours}` traces the device's messages for so long; `DELETE` ends that;
 * `GET` -> `{items, next}`: what was said, the oldest first
 */
adminDoor('trace', {
  route: 'api/devices/{id}/trace',
  methods: ['GET', 'POST', 'DELETE'],
  async handler(call) {
    if (call.request.method === 'POST') return switchOn(call);
    return call.request.method === 'DELETE' ? switchOff(call) : list(call);
  },
});

/** `GET /api/devices/{id}/trace/{n}` -> one message with its reply: in words, and as XML without secrets; 404 */
adminDoor('trace-message', {
  route: 'api/devices/{id}/trace/{n}',
  methods: ['GET'],
  async handler(call) {
    const deviceId = deviceIdOf(call);
    const n = call.request.params['n'] ?? '';
    const exchange = await readExchange(call.services.storage, deviceId, n);
    if (!exchange) throw notFound(`The trace of device ${deviceId} has no message ${n.slice(0, 60)}.`);
    return { status: 200, value: { n, ...exchange } };
  },
});

async function switchOn(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { hours } = await readJson(call.request, traceSchema, 1_024);
  const { services, actor: by, now } = call;
  const { trace } = await switchTraceOn(services.storage, deviceId, { by, hours, now });
  const audit = { act: 'trace on', subject: deviceId, outcome: `until ${trace?.until}` };
  return { status: 200, value: { trace: { on: true, ...trace } }, audit };
}

async function switchOff(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  await switchTraceOff(call.services.storage, deviceId);
  return { status: 200, value: { trace: { on: false } }, audit: { act: 'trace off', subject: deviceId } };
}

async function list(call: AdminCall): Promise<AdminResult> {
  const deviceId = deviceIdOf(call);
  const { storage } = call.services;
  const options = await listOptionsOf(call);
  const { value: device } = await readDevice(storage, deviceId);
  const { items, next } = await listTrace(storage, deviceId, options);
  const trace = { on: isTraced(device, call.now), ...device.trace };
  return { status: 200, value: { trace, ...(await listBody(call, items, next)) } };
}
