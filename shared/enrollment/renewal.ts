import { X509Certificate } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CertificateAuthority } from '../certificates/certificate-authority.ts';
import { checkLeaf } from '../certificates/client-certificate.ts';
import { CmsError, MAX_SIGNED_DATA, readSignedData } from '../certificates/cms.ts';
import { issueLeaf, type Leaf } from '../certificates/leaf.ts';
import { readSigningRequest, type SigningRequest, SigningRequestError } from '../certificates/signing-request.ts';
import { sha256Thumbprint } from '../certificates/thumbprint.ts';
import { DEVICE_ROW, type Device, type DeviceCertificate, hasLeft } from '../devices/device.ts';
import { updateDeviceList } from '../devices/device-list.ts';
import { mayRenewNow } from '../devices/renewal-window.ts';
import { now } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { renewalDocument } from '../wire/provisioning.ts';
import type { RequestSecurityToken } from '../wire/wstep.ts';
import { certificateRecord } from './certificate-record.ts';
import { EnrollmentRefusal } from './refusal.ts';

/**
 * RequestSecurityToken with RequestType Renew (MS-MDE2 3.5): a request for a new key, signed with the key of the present
 * certificate. The signature is the whole proof: no password, no TLS certificate and no limit of the organisation counts.
 */

/** The same key again within this time is the same request, whose reply was lost. */
const SAME_REQUEST_FOR_MS = 30 * 60_000;
/** Windows tries sixteen times in its sixty days. A device that got more certificates than this cannot keep any. */
export const MAX_LIVE_CERTIFICATES = 20;
/** Renewals that the record keeps; a device renews about once a year. */
const MAX_RENEWALS_KEPT = 20;
const MAX_ATTEMPTS = 5;

export interface RenewalServices {
  storage: Storage;
  catalogue: Catalogue;
  ca(): Promise<CertificateAuthority>;
  log: Log;
}

export interface RenewalAttempt {
  traceId: string;
  onProved(device: Device): void;
}

export interface Renewed {
  device: Device;
  certificate: Pick<DeviceCertificate, 'thumbprint' | 'notAfter'>;
  /** The wap-provisioningdoc with the new certificate. */
  document: string;
}

/**
 * Renews the certificate of an enrollment. The new one is stored before the device is told; the old one stays good until
 * its own end. Calls: the device, and three more when a certificate is issued.
 * @param attempt.traceId names the attempt in the record
 * @param attempt.onProved is told the device as soon as it is proved which one asks, refused or not
 * @throws {EnrollmentRefusal} `renewal…` with the cause; nothing is stored then
 */
export async function renewCertificate(
  services: RenewalServices,
  request: RequestSecurityToken,
  { traceId, onProved }: RenewalAttempt,
): Promise<Renewed> {
  const at = now();
  const { issuers } = await services.catalogue.read();
  const proof = readProof(request, issuers, at);
  let leaf: Leaf | undefined;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const row = await services.storage.table('devices').get<Device>(proof.enrollmentId, DEVICE_ROW);
    const device = checkOwner(row, proof);
    onProved(device.value);
    checkMayRenew(device.value);
    const given = device.value.certificates.find((certificate) => isRepeated(certificate, proof.request, at));
    const ca = await services.ca();
    if (given) return renewed(device.value, given, { ca, issuers, signer: proof.signer });
    checkDue(device.value, proof, at);
    leaf ??= await issueLeaf({ ca, enrollmentId: proof.enrollmentId, ...proof.request, now: at });
    const certificate = certificateRecord(leaf, proof.request.publicKeyHash, at);
    const value = withCertificate(device.value, certificate, { at, traceId });
    const change = { kind: 'replace' as const, rowKey: DEVICE_ROW, value, etag: device.etag };
    if (!(await tryWrite(services.storage.table('devices'), value.id, [change]))) continue;
    await updateDeviceList(services.storage, value, undefined, services.log);
    return renewed(value, certificate, { ca, issuers, signer: proof.signer });
  }
  throw new EnrollmentRefusal('busy', 'Others kept changing the record of this device at the same moment.');
}

/** Who asks, proved, and the key that he asks for. */
interface Proof {
  enrollmentId: string;
  thumbprint: string;
  signer: X509Certificate;
  request: SigningRequest;
}

function readProof({ token }: RequestSecurityToken, issuers: X509Certificate[], at: Date): Proof {
  if (!token) throw new EnrollmentRefusal('renewalUnreadable', 'The request has no BinarySecurityToken.');
  try {
    let enrollmentId = '';
    const { content, signer } = readSignedData(unwrapped(token.data), (certificate) => {
      enrollmentId = enrollmentOf(certificate, issuers, at);
    });
    const request = readSigningRequest(unwrapped(content));
    return { enrollmentId, thumbprint: sha256Thumbprint(signer.raw), signer, request };
  } catch (error) {
    if (error instanceof CmsError || error instanceof SigningRequestError) {
      throw new EnrollmentRefusal('renewalUnreadable', error.message);
    }
    throw error;
  }
}

/** @throws {EnrollmentRefusal} `renewalExpired` for a certificate of ours that has ended, `renewalForeign` for any other */
function enrollmentOf(signer: X509Certificate, issuers: X509Certificate[], at: Date): string {
  const checked = checkLeaf(signer, issuers, at);
  if (checked.ok) return checked.enrollmentId;
  const end = new Date(signer.validTo);
  const hasEnded = end < at && checkLeaf(signer, issuers, end).ok;
  const reason = `The renewal is not signed by a certificate that is good here: ${checked.reason}.`;
  throw new EnrollmentRefusal(hasEnded ? 'renewalExpired' : 'renewalForeign', reason);
}

/**
 * A renewal by hand comes in base64 once more than a silent one, and documents leave open which layer that is. DER begins
 * with 0x30, its base64 with `M`.
 */
function unwrapped(bytes: Buffer): Buffer {
  if (bytes[0] !== 0x4d || bytes.length > 2 * MAX_SIGNED_DATA) return bytes;
  const text = bytes.toString('latin1').replace(/\s/g, '');
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : bytes;
}

/** @throws {EnrollmentRefusal} unless the certificate is one of the enrollment that it names */
function checkOwner(row: Row<Device> | undefined, { enrollmentId, thumbprint }: Proof): Row<Device> {
  if (!row?.value.certificates.some((certificate) => certificate.thumbprint === thumbprint)) {
    const reason = row ? 'The certificate is none of its enrollment.' : `There is no enrollment ${enrollmentId}.`;
    throw new EnrollmentRefusal('renewalForeign', reason);
  }
  return row;
}

/** @throws {EnrollmentRefusal} where the enrollment is over */
function checkMayRenew(device: Device): void {
  const { id, state } = device;
  if (state === 'blocked') throw new EnrollmentRefusal('renewalBlocked', `Device ${id} is blocked.`);
  if (hasLeft(device)) throw new EnrollmentRefusal('renewalLeft', `Device ${id} is ${state}.`);
}

function isRepeated(certificate: DeviceCertificate, { publicKeyHash }: SigningRequest, at: Date): boolean {
  return (
    certificate.publicKeyHash === publicKeyHash && at.getTime() - Date.parse(certificate.issuedAt) < SAME_REQUEST_FOR_MS
  );
}

function checkDue(device: Device, { signer }: Proof, at: Date): void {
  const end = new Date(signer.validTo);
  if (!mayRenewNow(device, end, at)) {
    const reason = `The certificate of device ${device.id} is good until ${end.toISOString()}.`;
    throw new EnrollmentRefusal('renewalTooEarly', reason);
  }
  if (liveCertificates(device, at).length >= MAX_LIVE_CERTIFICATES) {
    const reason = `Device ${device.id} has ${MAX_LIVE_CERTIFICATES} certificates that are good.`;
    throw new EnrollmentRefusal('renewalTooOften', reason);
  }
}

function liveCertificates({ certificates }: Device, at: Date): DeviceCertificate[] {
  return certificates.filter(({ notAfter }) => Date.parse(notAfter) >= at.getTime());
}

/** Certificates that have ended open nothing any more and leave the record, which every message reads. */
function withCertificate(
  device: Device,
  certificate: DeviceCertificate,
  { at, traceId }: { at: Date; traceId: string },
): Device {
  const { thumbprint, notAfter } = certificate;
  const renewal = { at: at.toISOString(), traceId, thumbprint, notAfter };
  return {
    ...device,
    revision: device.revision + 1,
    certificates: [...liveCertificates(device, at), certificate],
    renewals: [...(device.renewals ?? []), renewal].slice(-MAX_RENEWALS_KEPT),
  };
}

interface Authorities {
  ca: CertificateAuthority;
  issuers: X509Certificate[];
  /** The certificate that the device has now. */
  signer: X509Certificate;
}

function renewed(device: Device, certificate: DeviceCertificate, authorities: Authorities): Renewed {
  const document = renewalDocument({
    enrollmentType: device.enrollmentType,
    providerId: device.providerId,
    leafCertificate: Buffer.from(certificate.der, 'base64'),
    ...newAuthorities(authorities),
  });
  return { device, certificate, document };
}

/** What the device did not get with its present certificate: nothing, while that comes from the same issuing CA. */
function newAuthorities({ ca, issuers, signer }: Authorities) {
  const { issuingCertificate, rootCertificate } = ca;
  if (isFrom(signer, new X509Certificate(issuingCertificate))) return {};
  const root = new X509Certificate(rootCertificate);
  const knowsRoot = issuers.some((issuer) => isFrom(signer, issuer) && isFrom(issuer, root));
  return knowsRoot ? { issuingCertificate } : { issuingCertificate, rootCertificate };
}

function isFrom(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
