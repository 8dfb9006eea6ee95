import * as z from 'zod';
import { KEPT_FOR_MS } from '../../shared/catalogue/catalogue.ts';
import { DEVICE_ROW, type Device } from '../../shared/devices/device.ts';
import { invalid, readJson } from '../../shared/platform/body.ts';
import { badRequest, notFound } from '../../shared/platform/problem.ts';
import { conflictsOf } from '../../shared/profiles/conflicts.ts';
import { showDeviceProfiles } from '../../shared/profiles/device-profiles-view.ts';
import { listFailing } from '../../shared/profiles/failing-devices.ts';
import {
  type AssignmentChange,
  assignmentChangeSchema,
  PROFILE_NAME,
  profileSchemaFor,
} from '../../shared/profiles/intake.ts';
import { profileListView, profileView } from '../../shared/profiles/profile-view.ts';
import {
  changeAssignment,
  deleteProfile,
  listProfiles,
  openSecretsOf,
  putProfile,
  readProfile,
} from '../../shared/profiles/store.ts';
import { TEMPLATES } from '../../shared/profiles/templates/templates.ts';
import type { Storage } from '../../shared/storage/storage.ts';
import { type AdminCall, type AdminResult, adminDoor, deviceIdOf, listBody, listOptionsOf } from './admin-door.ts';

const MAX_BODY_BYTES = 512 * 1024;

/** `GET /api/profiles?limit=&cursor=` -> `{items, next}`, in the order of the names */
adminDoor('profiles', {
  route: 'api/profiles',
  methods: ['GET'],
  async handler(call) {
    const { cursor = '', limit } = await listOptionsOf(call);
    const all = await listProfiles(call.services.storage);
    const from = all.filter(({ name }) => name >= cursor);
    const items = from.slice(0, limit).map((profile) => profileListView(profile, all));
    return { status: 200, value: await listBody(call, items, from[limit]?.name) };
  },
});

/**
 * `PUT /api/profiles/{name}` makes or replaces a profile: 201 or 200; `GET` -> it; `DELETE` takes it from every device: 200, or
 * 404
 */
adminDoor('profile', {
  route: 'api/profiles/{name}',
  methods: ['GET', 'PUT', 'DELETE'],
  async handler(call) {
    if (call.request.method === 'PUT') return put(call);
    return call.request.method === 'DELETE' ? remove(call) : show(call);
  },
});

/** `POST /api/profiles/{name}/assignments {add?, remove?}` -> the profile: 200, or 404 */
adminDoor('profile-assignments', {
  route: 'api/profiles/{name}/assignments',
  methods: ['POST'],
  async handler(call) {
    const { actor, now, services } = call;
    const name = nameOf(call);
    const change = await readJson(call.request, assignmentChangeSchema, MAX_BODY_BYTES);
    await changeAssignment(services.storage, name, await withFormerIds(services.storage, change), { actor, now });
    services.catalogue.forget();
    const outcome = JSON.stringify(change).slice(0, 1_000);
    return { ...(await changed(call, name, 200)), audit: { act: 'assign profile', subject: name, outcome } };
  },
});

/** What is taken from a PC is taken from what it was enrolled as before too: else it would hold on by that. */
async function withFormerIds(storage: Storage, change: AssignmentChange): Promise<AssignmentChange> {
  const devices = change.remove?.devices ?? [];
  const rows = await Promise.all(devices.map((id) => storage.table('devices').get<Device>(id, DEVICE_ROW)));
  const former = rows.flatMap((row) => row?.value.formerIds ?? []);
  return change.remove ? { ...change, remove: { ...change.remove, devices: [...devices, ...former] } } : change;
}

const forDays = z.coerce.number().int().min(0).max(1_000).optional();
const failedQuery = z.object({
  failedForDays: forDays,
  undoneForDays: forDays,
  target: z.string().max(1_000).optional(),
});

/**
 * `GET /api/profiles/{name}/devices?failedForDays=N&undoneForDays=N&target=LocURI` -> `{items, next}`: the devices on which the
 * profile, or one setting of it, does not hold
 */
adminDoor('profile-devices', {
  route: 'api/profiles/{name}/devices',
  methods: ['GET'],
  async handler(call) {
    const { services, now } = call;
    const { value: profile } = await readProfile(services.storage, nameOf(call));
    const query = failedQuery.safeParse(Object.fromEntries(call.request.query));
    if (!query.success) throw invalid(query.error);
    const profiles = query.data.target === undefined ? [] : await listProfiles(services.storage);
    const options = { ...(await listOptionsOf(call)), ...query.data, profiles, now };
    const { items, next } = await listFailing(services.storage, profile, options);
    return { status: 200, value: await listBody(call, items, next) };
  },
});

/** `GET /api/profile-conflicts` -> `{items}`: pairs of profiles that ask for different values of one setting */
adminDoor('profile-conflicts', {
  route: 'api/profile-conflicts',
  methods: ['GET'],
  async handler({ services }) {
    return { status: 200, value: { items: conflictsOf(await listProfiles(services.storage)) } };
  },
});

/** `GET /api/profile-templates` -> `{items}`: the ready profiles, each with the JSON Schema of what is filled in */
adminDoor('profile-templates', {
  route: 'api/profile-templates',
  methods: ['GET'],
  async handler() {
    const items = TEMPLATES.map(({ name, title, summary, notes, atomic, together = false, secrets, input }) => {
      return { name, title, summary, notes, atomic, together, secrets, input: z.toJSONSchema(input, { io: 'input' }) };
    });
    return { status: 200, value: { items } };
  },
});

/** `GET /api/devices/{id}/profiles` -> the state of each setting; 404 */
adminDoor('device-profiles', {
  route: 'api/devices/{id}/profiles',
  methods: ['GET'],
  async handler(call) {
    const { services, now } = call;
    const profiles = await listProfiles(services.storage);
    return { status: 200, value: await showDeviceProfiles(services.storage, deviceIdOf(call), profiles, now) };
  },
});

/** @throws {Problem} 404 for what cannot be the name of one */
function nameOf({ request }: AdminCall): string {
  const name = (request.params['name'] ?? '').toLowerCase();
  if (!PROFILE_NAME.test(name)) throw notFound(`There is no profile ${name.slice(0, 60)}.`);
  return name;
}

async function show(call: AdminCall): Promise<AdminResult> {
  const { storage } = call.services;
  const name = nameOf(call);
  await readProfile(storage, name);
  return viewOf(call, name, 200);
}

async function put(call: AdminCall): Promise<AdminResult> {
  const { actor, now, services } = call;
  const { storage, catalogue } = services;
  const name = newNameOf(call);
  const [{ issuers }, secrets] = await Promise.all([catalogue.read(), openSecretsOf(storage, name)]);
  const asked = await readJson(call.request, profileSchemaFor({ authorities: issuers, ...secrets }), MAX_BODY_BYTES);
  const { isNew, profile } = await putProfile(storage, name, asked, { actor, now });
  catalogue.forget();
  const outcome = `${profile.settings.length} settings${profile.template ? ` by ${profile.template.name}` : ''}`;
  return { ...(await changed(call, name, isNew ? 201 : 200)), audit: { act: 'put profile', subject: name, outcome } };
}

/** A name that cannot be is a mistake here, and not something that is missing. */
function newNameOf({ request }: AdminCall): string {
  const name = (request.params['name'] ?? '').toLowerCase();
  const message = 'must be small letters, digits and dashes, at most 60, and begin with a letter or digit';
  if (!PROFILE_NAME.test(name)) throw badRequest([{ field: 'name', message }]);
  return name;
}

async function remove(call: AdminCall): Promise<AdminResult> {
  const { storage, catalogue } = call.services;
  const profile = await deleteProfile(storage, nameOf(call));
  catalogue.forget();
  const value = { profile: profileView(profile, [profile]), effectiveWithinSeconds: KEPT_FOR_MS / 1_000 };
  return { status: 200, value, audit: { act: 'delete profile', subject: profile.name } };
}

/** The profile as it is now; apps keep what they know for a minute, and the reply says so. */
async function changed(call: AdminCall, name: string, status: number): Promise<AdminResult> {
  const { value } = await viewOf(call, name, status);
  return { status, value: { profile: value, effectiveWithinSeconds: KEPT_FOR_MS / 1_000 } };
}

async function viewOf({ services }: AdminCall, name: string, status: number): Promise<AdminResult> {
  const all = await listProfiles(services.storage);
  const profile = all.find((each) => each.name === name);
  if (!profile) throw notFound(`There is no profile ${name}.`);
  return { status, value: profileView(profile, all) };
}
