import { isDeepStrictEqual } from 'node:util';
import type { CertificateAuthority } from '../certificates/certificate-authority.ts';
import { issueLeaf } from '../certificates/leaf.ts';
import type { SigningRequest } from '../certificates/signing-request.ts';
import { changeFlags } from '../devices/change-flags.ts';
import {
  type Admission,
  ATTESTATION_ROW,
  DEVICE_ROW,
  type Device,
  type DeviceCertificate,
  hasLeft,
  type PollSchedule,
} from '../devices/device.ts';
import { addFlag, newFlag } from '../devices/device-flags.ts';
import { addToDeviceList } from '../devices/device-list.ts';
import { agreeOnSerial, contradicts, type Identity, identityOf } from '../devices/identity.ts';
import { announceDevice } from '../devices/identity-index.ts';
import { waitsToBeTold } from '../devices/unenroll.ts';
import { newGuid } from '../platform/ids.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { type Change, Conflict, tryWrite } from '../storage/tables.ts';
import { certificateRecord } from './certificate-record.ts';
import { announceCounted, claimPlace, type DeviceCount, type Limits } from './eligibility/limits.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { type GrantRow, type GrantUse, writeUses } from './grants.ts';
import { EnrollmentRefusal } from './refusal.ts';
import { settleReturn } from './return.ts';

/**
 * Turns an accepted request into an enrollment. A use of the grant is written first and names the enrollment, so
 * whatever breaks off after it, the device's next try finds the same enrollment and completes it: a lost reply, a crash
 * or a retry with a new key costs no second use.
 */

/** The same key again within this time is the same request, whose reply was lost. */
export const SAME_REQUEST_FOR_MS = 30 * 60_000;

/** Each retry leaves a record and took a signature, so one use of an invitation must not give them without end. */
export const MAX_RETRIES = 20;

/** Lost races for the record of an enrollment whose place another takes. */
const MAX_SUPERSEDE_ATTEMPTS = 5;

/**
 * An enrollment takes at most sixteen calls of storage. Nine are always needed: the grant, the refusals, the use, the record,
 * the list, three of the index of identities, the journal. What else it may take.
 */
const SPARE_CALLS = 7;
/** To read, end and list the enrollment whose place this one takes, and to say that it was asked to leave. */
const CALLS_TO_SUPERSEDE = 5;

export interface AcceptedRequest {
  /** What lets the user enroll, as it was read. */
  grant: GrantRow;
  admission: Admission;
  signingRequest: SigningRequest;
  context: EnrollmentContext;
  providerId: string;
  /** Digest mode: gives B64(MD5(name:secret)) for the enrollment, to be stored before the device learns the secret. */
  credentialFor?: (enrollmentId: string) => string;
  /** The schedule that the provisioning document gives it. */
  poll?: PollSchedule;
  /** How many devices there may be; without them any number. */
  limits?: Limits;
  now: Date;
}

/**
 * Calls: the use, the device, the list, and three to look for the device by what it says of itself; up to seven more for
 * limits, a request that came before, and a device that was enrolled before. What these do not suffice for is done within the hour.
 * @returns the enrollment's record and its certificate (DER)
 * @throws {GrantMoved}; {EnrollmentRefusal} `invitationUsedUp`, `userDeviceLimit`, `organisationDeviceLimit`, `deviceBlocked`, `busy` when a later request took the place of this one
 */
export async function issueEnrollment(
  storage: Storage,
  ca: CertificateAuthority,
  request: AcceptedRequest,
): Promise<{ device: Device; certificate: Buffer }> {
  const { now } = request;
  const use = await chooseUse(storage, request);
  const spare = SPARE_CALLS - use.calls - (use.replaces ? CALLS_TO_SUPERSEDE : 0);
  const existing = use.isNew ? undefined : await readDevice(storage, use.enrollmentId);
  const issued = existing?.value.certificates.find((c) => c.publicKeyHash === request.signingRequest.publicKeyHash);
  if (existing && issued) {
    checkCurrent(existing.value);
    if (use.replaces) await supersede(storage, use.replaces, existing.value, use);
    const device = await renewCredential(storage, existing, request);
    await announceDevice(storage, device);
    const settled = await settleReturn(storage, device, now, spare);
    return { device: settled, certificate: Buffer.from(issued.der, 'base64') };
  }

  const { subjectPublicKeyInfo, publicKeyHash } = request.signingRequest;
  // Before the use is written: a certificate authority that does not answer must cost no use, nor leave one behind.
  const leaf = await issueLeaf({ ca, enrollmentId: use.enrollmentId, subjectPublicKeyInfo, now });
  await use.keep();
  const device = newDevice(request, use, certificateRecord(leaf, publicKeyHash, now));
  await insertDevice(storage, device, besides(request));
  if (use.replaces) await supersede(storage, use.replaces, device, use);
  await announceCounted(storage, device, use.count);
  return { device: await settleReturn(storage, device, now, spare), certificate: leaf.der };
}

function checkCurrent({ id, state }: Device): void {
  if (state === 'blocked') throw new EnrollmentRefusal('deviceBlocked', `Device ${id} of the same request is blocked.`);
  if (state !== 'superseded') return;
  throw new EnrollmentRefusal('busy', 'A later request of the same hardware took the place of this one.');
}

/** The reply that was lost carried a secret and a schedule; the repeated one may carry others, so what is stored follows. */
async function renewCredential(storage: Storage, row: Row<Device>, request: AcceptedRequest): Promise<Device> {
  const { poll = row.value.poll } = request;
  const digestCredential = request.credentialFor?.(row.value.id) ?? row.value.digestCredential;
  if (digestCredential === row.value.digestCredential && isDeepStrictEqual(poll, row.value.poll)) return row.value;
  const value = { ...row.value, poll, digestCredential, revision: row.value.revision + 1 };
  await storage.table('devices').write(value.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
  return value;
}

interface ChosenUse {
  enrollmentId: string;
  /** False when an earlier request had written it already. */
  isNew: boolean;
  /** Writes a new use. @throws {GrantMoved} */
  keep(): Promise<void>;
  /** An enrollment that never opened a management session and whose place this one takes. */
  replaces?: string;
  replacesWithoutSerial?: true;
  /** How many devices there are, where that is limited. */
  count?: Row<DeviceCount>;
  /** Calls of storage that it took to choose. */
  calls: number;
}

async function chooseUse(storage: Storage, request: AcceptedRequest): Promise<ChosenUse> {
  const { grant, signingRequest, context, now } = request;
  const { id: grantId, uses, maxDevices = Number.POSITIVE_INFINITY } = grant.value;
  const same = uses.find((use) => use.publicKeyHash === signingRequest.publicKeyHash);
  if (same && now.getTime() - Date.parse(same.at) < SAME_REQUEST_FOR_MS) {
    const { enrollmentId, replaces, replacesWithoutSerial } = same;
    return { enrollmentId, isNew: false, keep: async () => {}, replaces, replacesWithoutSerial, calls: 0 };
  }
  const identity = identityOf({ context: context.values, facts: {}, admission: request.admission });
  const candidate = findAlike(uses, context, identity);
  const abandoned = candidate && (await neverCalled(storage, candidate)) ? candidate : undefined;
  const retries = abandoned ? (abandoned.retries ?? 0) + 1 : 0;
  if (retries > MAX_RETRIES) {
    const reason = `Grant ${grantId} was tried ${retries} times by a device that never called.`;
    throw new EnrollmentRefusal('invitationUsedUp', reason);
  }
  const kept = uses.filter((use) => use !== abandoned);
  if (kept.length >= maxDevices) {
    throw new EnrollmentRefusal('invitationUsedUp', `Invitation ${grantId} allows ${maxDevices} device(s).`);
  }
  const use: GrantUse = {
    enrollmentId: newGuid(),
    publicKeyHash: signingRequest.publicKeyHash,
    hwDevId: context.hwDevId,
    identity,
    at: now.toISOString(),
    replaces: abandoned?.enrollmentId,
    retries,
    ...(abandoned && !agreeOnSerial(abandoned.identity ?? {}, identity) ? { replacesWithoutSerial: true } : {}),
  };
  const { changes, count, calls } = await claimPlace(storage, request, use);
  const keep = () => writeUses(storage, grant, [...kept, use], changes);
  const { enrollmentId, replaces, replacesWithoutSerial } = use;
  return {
    enrollmentId,
    isNew: true,
    keep,
    replaces,
    replacesWithoutSerial,
    count,
    calls: calls + (candidate ? 1 : 0),
  };
}

/**
 * A retry in Settings makes a new key: an enrollment of the same hardware that never called is given up for it. Copies of
 * one disk have one HWDevID, so what has another serial number, DeviceID or Entra device id is another device. Windows keeps
 * its DeviceID as long as it is installed.
 */
function findAlike(uses: GrantUse[], { hwDevId }: EnrollmentContext, identity: Identity): GrantUse | undefined {
  if (hwDevId === '') return undefined;
  return uses.findLast((use) => use.hwDevId === hwDevId && !contradicts(use.identity ?? {}, identity));
}

async function neverCalled(storage: Storage, { enrollmentId }: GrantUse): Promise<boolean> {
  const { rows } = await storage.table('devices').page<Device>(enrollmentId, { before: '2', limit: 2 });
  const [device, session] = rows;
  return !session && (!device || mayBeGivenUp(device.value));
}

/** A blocked one keeps its state and its use: whoever has the PC must not get out of it by a retry. */
function mayBeGivenUp(device: Device): boolean {
  return !hasLeft(device) && device.state !== 'blocked';
}

async function readDevice(storage: Storage, enrollmentId: string): Promise<Row<Device> | undefined> {
  return storage.table('devices').get<Device>(enrollmentId, DEVICE_ROW);
}

/** A second try may find the record that the first one wrote before it broke off; then its certificate is added. */
async function insertDevice(storage: Storage, device: Device, more: Change[]): Promise<void> {
  const table = storage.table('devices');
  try {
    await table.write(device.id, [{ kind: 'insert', rowKey: DEVICE_ROW, value: device }, ...more]);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const row = await readDevice(storage, device.id);
    if (!row) throw error;
    checkCurrent(row.value);
    const certificates = [...row.value.certificates, ...device.certificates];
    // The device goes by the reply to its last try, so that one's credential is kept.
    const digestCredential = device.digestCredential ?? row.value.digestCredential;
    const poll = device.poll ?? row.value.poll;
    const value = { ...row.value, certificates, digestCredential, poll, revision: row.value.revision + 1 };
    await table.write(device.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }, ...more]);
  }
}

/** What is too large for the record and belongs to it goes into the same transaction. */
function besides({ context: { attestation } }: AcceptedRequest): Change[] {
  return attestation?.kept ? [{ kind: 'upsert', rowKey: ATTESTATION_ROW, value: attestation.kept }] : [];
}

/**
 * One that calls at this very moment is ended all the same: its use is the other's by now, and whoever could have both stand
 * by calling in time would have more devices than he was given.
 * @throws {EnrollmentRefusal} `busy`
 */
async function supersede(storage: Storage, enrollmentId: string, by: Device, use: Replacing): Promise<void> {
  for (let attempt = 1; attempt <= MAX_SUPERSEDE_ATTEMPTS; attempt += 1) {
    const row = await readDevice(storage, enrollmentId);
    if (!row) return supersedeUnwritten(storage, enrollmentId, by, use);
    if (!mayBeGivenUp(row.value)) return;
    const value: Device = { ...row.value, ...supersededBy(by, use, row.value), revision: row.value.revision + 1 };
    const change: Change = { kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag };
    if (!(await tryWrite(storage.table('devices'), enrollmentId, [change]))) continue;
    await addToDeviceList(storage, value);
    if (!waitsToBeTold(row.value)) return;
    const flag = newFlag('unenrollOvertaken', enrollmentId, new Date(by.enrolledAt));
    await changeFlags(storage, by.id, ({ flags }) => addFlag(flags, flag));
    return;
  }
  throw new EnrollmentRefusal('busy', `Enrollment ${enrollmentId}, whose place this one takes, keeps changing.`);
}

/**
 * The request that had reserved the use broke off, or is still on its way and would make a second device of one use. A
 * record without a certificate, of the same hardware as the one that takes its place, keeps it out.
 */
async function supersedeUnwritten(storage: Storage, id: string, by: Device, use: Replacing): Promise<void> {
  const { digestCredential: _, flags: _flags, ...rest } = by;
  const value: Device = { ...rest, id, certificates: [], ...supersededBy(by, use, {}) };
  const written = await tryWrite(storage.table('devices'), id, [{ kind: 'insert', rowKey: DEVICE_ROW, value }]);
  if (!written) await supersede(storage, id, by, use);
}

type Replacing = Pick<ChosenUse, 'replaces' | 'replacesWithoutSerial'>;

function supersededBy(by: Device, { replacesWithoutSerial }: Replacing, { flags }: Pick<Device, 'flags'>) {
  const flag = newFlag('withoutSerial', by.id, new Date(by.enrolledAt));
  return {
    state: 'superseded' as const,
    supersededBy: by.id,
    supersededBecause: 'retry' as const,
    ...(replacesWithoutSerial ? { flags: addFlag(flags, flag) } : {}),
  };
}

function newDevice(request: AcceptedRequest, use: ChosenUse, certificate: DeviceCertificate): Device {
  const { context, now, providerId, grant, admission } = request;
  const { enrollmentId: id, replaces, replacesWithoutSerial } = use;
  return {
    id,
    revision: 1,
    user: grant.value.user,
    name: context.deviceName,
    state: 'enrolled',
    enrollmentType: context.enrollmentType,
    providerId,
    poll: request.poll,
    enrolledAt: now.toISOString(),
    admission,
    context: context.values,
    attestation: context.attestation?.summary,
    devInfo: {},
    facts: {},
    certificates: [certificate],
    digestCredential: request.credentialFor?.(id),
    nextSequence: 1,
    flags: replaces && replacesWithoutSerial ? [newFlag('withoutSerial', replaces, now)] : undefined,
  };
}
