import type { Catalogue, CatalogueContent } from '../catalogue/catalogue.ts';
import { checkClientCertificate } from '../certificates/client-certificate.ts';
import type { Device } from '../devices/device.ts';
import { updateDeviceList } from '../devices/device-list.ts';
import { now } from '../platform/clock.ts';
import { sha256 } from '../platform/ids.ts';
import { errorFacts, type Log } from '../platform/log.ts';
import { hasSecrets, openProfiles } from '../profiles/secrets.ts';
import type { Storage } from '../storage/storage.ts';
import { Conflict } from '../storage/tables.ts';
import { type ClientMessage, readSyncHdr, readSyncML, type SyncHdr, SyncMLError } from '../wire/syncml.ts';
import { XmlError } from '../wire/xml.ts';
import { readFurtherCommands, readPartition } from './device-partition.ts';
import { challengeReply, verifyDigest } from './digest-authentication.ts';
import { keyFor, openReply, openSecrets, sealReply } from './secret-data.ts';
import { traceMessage } from './trace-message.ts';
import { takeTurn } from './turn.ts';
import type { TurnInput, TurnOutcome } from './turn-state.ts';
import { wantedDefaults } from './wanted-defaults.ts';
import type { Snapshot } from './working-copy.ts';

/** The largest message that is read. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * In digest mode nobody knows who speaks before the header is read. What is larger than this is taken apart only when its
 * header has proved the caller.
 */
export const MAX_UNPROVEN_BYTES = 64 * 1024;

/** Lost races in a row after which the device is asked to come again. */
const MAX_ATTEMPTS = 8;
const MAX_FURTHER_PAGES = 20;

export interface ManagementServices {
  storage: Storage;
  catalogue: Catalogue;
  deviceAuth: 'certificate' | 'digest';
  /** Whether `X-ARR-ClientCert` comes from the platform; without that it is the caller's word and worth nothing. */
  clientCert: 'platform' | 'none';
  /** The app's own key, from which nonces are made; asked for in digest mode only. */
  appKey(): Promise<Buffer>;
  log: Log;
}

export interface ManagementRequest {
  body: Buffer;
  certificateHeader: string | null;
}

/** `body` is SyncML when the status is 200, else empty. */
export interface ManagementReply {
  status: 200 | 400 | 403 | 503;
  body: Buffer;
}

/**
 * Answers one OMA-DM message: one read, one pure turn, one write; again from the read when somebody else wrote first.
 *
 * 403: the caller is not an enrollment that may speak, and the message was not read. 400: not a SyncML message.
 * 503: others kept writing to this device at the same moment; the device comes again.
 */
export async function answerMessage(
  services: ManagementServices,
  request: ManagementRequest,
): Promise<ManagementReply> {
  return services.deviceAuth === 'certificate'
    ? answerWithCertificate(services, request)
    : answerWithDigest(services, request);
}

async function answerWithCertificate(
  services: ManagementServices,
  request: ManagementRequest,
): Promise<ManagementReply> {
  const catalogue = await services.catalogue.read();
  const header = services.clientCert === 'platform' ? request.certificateHeader : null;
  const caller = checkClientCertificate(header, catalogue.issuers, now());
  if (!caller.ok) return refused(services, caller.reason);
  const message = parse(services, request.body, readSyncML);
  if (!message) return { status: 400, body: Buffer.alloc(0) };

  return settle(services, caller.enrollmentId, request.body, (snapshot) => {
    const reason = snapshot ? whyRefused(snapshot.device.value, caller.thumbprint) : 'no such enrollment';
    if (!snapshot || reason) return { reply: refused(services, reason ?? 'no such enrollment') };
    const opens = Number(message.header.msgId) === 1;
    return { snapshot, input: inputOf(request, message, caller.thumbprint, opens, catalogue) };
  });
}

async function answerWithDigest(services: ManagementServices, request: ManagementRequest): Promise<ManagementReply> {
  const isSmall = request.body.length <= MAX_UNPROVEN_BYTES;
  const small = isSmall ? parse(services, request.body, readSyncML) : undefined;
  const header = isSmall ? small?.header : parse(services, request.body, readSyncHdr);
  if (!header) return { status: 400, body: Buffer.alloc(0) };
  const key = await services.appKey();
  const { cred, locName } = header;
  // Without a credential there is nothing to look up; with one, LocName is the enrollment id that we gave it as name.
  if (!cred || !locName || !ENROLLMENT_ID.test(locName)) {
    return { status: 200, body: challengeReply(key, header, cred ? 401 : 407, now()) };
  }
  const catalogue = await services.catalogue.read();
  return settle(services, locName.toLowerCase(), request.body, (snapshot) => {
    const verdict = verifyDigest(key, header, snapshot?.device.value.digestCredential, snapshot?.session?.value, now());
    if (verdict.kind === 'challenge' || !snapshot) {
      return { reply: { status: 200, body: challengeReply(key, header, 401, now()) } };
    }
    if (snapshot.device.value.state === 'blocked') return { reply: refused(services, 'blocked') };
    const message = small ?? parse(services, request.body, readSyncML);
    if (!message) return { reply: { status: 400, body: Buffer.alloc(0) } };
    const nonce = verdict.kind === 'opens' ? verdict.nonce : snapshot.session?.value.nonce;
    const input = inputOf(request, message, cred.data, verdict.kind === 'opens', catalogue);
    return { snapshot, input: { ...input, nonce } };
  });
}

const ENROLLMENT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Messages are counted from 1 on (OMA-DM Representation 6.2.10). */
const MESSAGE_ID = /^[1-9]\d{0,8}$/;

/** @returns what `read` gives for a message that can be read, or for its header */
function parse<T extends SyncHdr | ClientMessage>(
  services: ManagementServices,
  body: Buffer,
  read: (body: Buffer) => T,
): T | undefined {
  try {
    const message = read(body);
    const { msgId } = 'header' in message ? message.header : message;
    if (!MESSAGE_ID.test(msgId)) throw new SyncMLError('MsgID is not a number from 1 on');
    return message;
  } catch (error) {
    if (!(error instanceof SyncMLError || error instanceof XmlError)) throw error;
    services.log.warn('A management message could not be read', { reason: error.message, bytes: body.length });
    return undefined;
  }
}

function refused(services: ManagementServices, reason: string): ManagementReply {
  services.log.warn('A management message was refused', { reason });
  return { status: 403, body: Buffer.alloc(0) };
}

/** A certificate that we signed is not enough: it must be one of this enrollment's, and the enrollment not blocked. */
function whyRefused(device: Device, thumbprint: string): string | undefined {
  if (device.state === 'blocked') return 'the enrollment is blocked';
  const known = device.certificates.some((certificate) => certificate.thumbprint === thumbprint);
  return known ? undefined : 'the certificate is none of this enrollment';
}

function inputOf(
  request: ManagementRequest,
  message: ClientMessage,
  credential: string,
  opens: boolean,
  { policy, policyUnreadable, profiles }: CatalogueContent,
): TurnInput {
  const bodyHash = sha256(request.body).toString('hex');
  // What the organisation wants is not known then, and what PCs were given stays.
  const defaults = policyUnreadable ? undefined : wantedDefaults(policy);
  const wanted = { ...(defaults && { defaults }), inventoryDays: policy.inventory.days, profiles };
  return { message, bodyHash, credential, opens, now: now(), ...wanted };
}

type Admission = { reply: ManagementReply } | { snapshot: Snapshot; input: TurnInput };

/** Read, admit, turn, write; a lost race starts again from the read. */
async function settle(
  services: ManagementServices,
  enrollmentId: string,
  body: Buffer,
  admit: (snapshot: Snapshot | undefined) => Admission,
): Promise<ManagementReply> {
  const table = services.storage.table('devices');
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const admission = admit(await readPartition(table, enrollmentId));
    if ('reply' in admission) return admission.reply;
    const { snapshot, outcome } = await turnWithEnoughCommands(services, admission);
    try {
      await store(services, enrollmentId, outcome);
      await emptyObsolete(services, outcome);
      await traceMessage(services, { snapshot, received: body, outcome, now: admission.input.now });
      return { status: 200, body: outcome.reply };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      services.log.info('Another writer was first; the message is answered again from the start', { attempt });
    }
  }
  return { status: 503, body: Buffer.alloc(0) };
}

async function turnWithEnoughCommands(
  services: ManagementServices,
  admission: { snapshot: Snapshot; input: TurnInput },
): Promise<{ snapshot: Snapshot; outcome: TurnOutcome }> {
  let { snapshot } = admission;
  let outcome = await turnWithSecrets(services, snapshot, admission.input);
  for (let page = 0; outcome.starved && page < MAX_FURTHER_PAGES; page += 1) {
    snapshot = await readFurtherCommands(services.storage.table('devices'), snapshot);
    outcome = await turnWithSecrets(services, snapshot, admission.input);
  }
  return { snapshot, outcome };
}

/** The turn is pure: what it needs of secret data is decrypted before, and what it leaves is encrypted behind it. */
async function turnWithSecrets(
  { storage, log }: ManagementServices,
  snapshot: Snapshot,
  input: TurnInput,
): Promise<TurnOutcome> {
  const { profiles = [] } = input;
  const device = snapshot.device.value;
  const key = await keyFor(storage, snapshot, log, hasSecrets(device, profiles));
  const secrets = openSecrets(key, snapshot);
  const profileSecrets = key === 'notNow' ? new Map<string, undefined>() : openProfiles(key, device, profiles);
  const outcome = takeTurn(openReply(key, snapshot), { ...input, secrets, profileSecrets });
  if (!outcome.holdsSecret) return outcome;
  return { ...outcome, changes: sealReply(key, snapshot.device.value.id, outcome.changes) };
}

/** Large results first, so that no row names a blob that is not there; then the one transaction; then the list. */
async function store(services: ManagementServices, enrollmentId: string, outcome: TurnOutcome): Promise<void> {
  const results = services.storage.blobs('results');
  await Promise.all(outcome.blobs.map((blob) => results.write(blob.name, blob.data)));
  if (outcome.changes.length > 0) await services.storage.table('devices').write(enrollmentId, outcome.changes);
  if (outcome.listDue) await updateDeviceList(services.storage, outcome.device, now(), services.log);
}

/** This app may not delete, so that nobody who takes it over can. What it empties, the storage account deletes by age. */
async function emptyObsolete({ storage, log }: ManagementServices, { obsolete }: TurnOutcome): Promise<void> {
  try {
    await Promise.all(obsolete.map((name) => storage.blobs('results').write(name, Buffer.alloc(0))));
  } catch (error) {
    log.warn('Pieces of a value that was not completed could not be emptied', errorFacts(error));
  }
}
