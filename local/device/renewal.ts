import { createPrivateKey, createPublicKey, randomUUID, X509Certificate } from 'node:crypto';
import { findCertificate } from './certificate-search.ts';
import { signedData } from './cms.ts';
import { askForToken, discover, discoveryAddress, getPolicies, hashOidFor, type Run } from './enrollment-client.ts';
import { DeviceError, HRESULT } from './errors.ts';
import type { HttpClient } from './http-client.ts';
import type { Machine } from './machine.ts';
import type { MakeKey } from './make-key.ts';
import { readRenewedCertificate } from './provisioned-certificates.ts';
import { contextItems, requestSecurityToken } from './security-token.ts';
import { signingRequest } from './signing-request.ts';
import type { Credential } from './soap-request.ts';
import type { CertificateFiles, EnrollmentState } from './state.ts';
import { provisioningError, readWapDocument } from './wap-document.ts';

export interface RenewalReport {
  renewed: boolean;
  certificateNotAfter: Date;
  /** why not */
  error?: DeviceError;
}

const DAY_MS = 86_400_000;
/** Windows renews with a version of its own, whatever it speaks at enrollment; which one was not seen. */
const REQUEST_VERSION = '4.0';
const NO_LONGER = '0x80180016';

/**
 * Is it time for the scheduled renewal (MS-MDE2 3.5, ROBO)? In the last RenewPeriod days, every RetryInterval days, and
 * never with a certificate that has ended.
 */
export function isRenewalDue(v: {
  enrollment: EnrollmentState;
  /** days, as the tree has them now */
  renewPeriod: number;
  retryInterval: number;
  now: Date;
}): boolean {
  const end = Date.parse(v.enrollment.certificateNotAfter);
  const at = v.now.getTime();
  if (at > end || at < end - v.renewPeriod * DAY_MS) return false;
  const { lastTry } = v.enrollment.renewal ?? {};
  return !lastTry || at - Date.parse(lastTry) >= v.retryInterval * DAY_MS;
}

/**
 * Discover at the stored address with a fixed version, GetPolicies and RequestSecurityToken with the user and an empty
 * password, the request for a new key signed with the present one. Nothing is kept: the caller does that.
 * Errors: DeviceError; 0x80180016 without a call where the certificate has ended.
 */
export async function requestRenewal(v: {
  http: HttpClient;
  machine: Machine;
  enrollment: EnrollmentState;
  present: CertificateFiles;
  makeKey: MakeKey;
  now: Date;
}): Promise<CertificateFiles> {
  const { enrollment, present, now } = v;
  const signer = { key: createPrivateKey(present.key), certificate: new X509Certificate(present.certificate) };
  if (new Date(signer.certificate.validTo) < now) {
    throw new DeviceError(NO_LONGER, 'renewal', `the certificate ended on ${signer.certificate.validTo}`);
  }
  const machine: Machine = { ...v.machine, requestVersion: REQUEST_VERSION };
  const run: Run = { http: v.http, machine, remarks: [] };
  const credential: Credential = { kind: 'password', user: enrollment.user, secret: '' };
  const discovered = await discover(run, enrollment.user, discoveryAddress(enrollment.server));
  const policy = discovered.policyUrl ? await getPolicies(run, credential, discovered.policyUrl) : undefined;
  const key = await v.makeKey(machine.keyBits ?? policy?.minimalKeyLength ?? 2048);
  const hashOid = hashOidFor(machine, policy, discovered);
  const request = signingRequest({ key, deviceId: machine.deviceId, guid: randomUUID().toUpperCase(), hashOid });
  const body = requestSecurityToken({
    credential,
    to: discovered.enrollmentUrl,
    renewal: signedData(request, signer),
    context: contextItems(machine, discovered.enrollmentVersion),
  });
  const document = await askForToken(run, discovered.enrollmentUrl, body);
  const publicKey = createPublicKey(key);
  const renewed = readRenewalDocument(document, { enrollment, present, publicKey, now });
  return { ...renewed, key: key.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/**
 * Reads the provisioning document of a renewal (MS-MDE2 3.5.4.1.1.2): CertificateStore, and an APPLICATION that has the
 * PROVIDER-ID and nothing else. Certificates of issuers may be left out where the device has them.
 * Errors: 0x8018001E, 0x8018001F, 0x80180024 where the management account would not find the new certificate.
 */
function readRenewalDocument(
  text: string,
  v: {
    enrollment: EnrollmentState;
    present: CertificateFiles;
    publicKey: ReturnType<typeof createPublicKey>;
    now: Date;
  },
): Omit<CertificateFiles, 'key'> {
  const { enrollment, present, publicKey, now } = v;
  const top = readWapDocument(text);
  const stranger = top.find(({ type }) => type !== 'CertificateStore' && type !== 'APPLICATION');
  if (stranger) throw provisioningError(HRESULT.provisionUnknown, `${stranger.type} has no place in a renewal`);
  const [store, ...moreStores] = top.filter(({ type }) => type === 'CertificateStore');
  const [application, ...moreApplications] = top.filter(({ type }) => type === 'APPLICATION');
  const names = [...(application?.parms.keys() ?? [])];
  const provider = application?.parms.get('PROVIDER-ID')?.value;
  if (provider !== enrollment.providerId || names.length !== 1 || moreApplications.length > 0) {
    throw provisioningError(HRESULT.provisionAccount, 'APPLICATION must have the PROVIDER-ID of this account alone');
  }
  if (!store || moreStores.length > 0) {
    throw provisioningError(HRESULT.provisionCertificateStore, 'CertificateStore must be there once');
  }
  const expected = { enrollmentType: v.enrollment.store === 'My\\User' ? 'Full' : 'Device', publicKey, now } as const;
  const { leaf, issuing, root } = readRenewedCertificate(store, expected, present);
  const found = { store: enrollment.store, certificate: leaf.toString(), key: '' };
  if (enrollment.search && !findCertificate(enrollment.search, [found])) {
    throw provisioningError(HRESULT.clientCertificateNotFound, 'the account does not find the new certificate');
  }
  return { certificate: leaf.toString(), issuing: issuing.map(String).join(''), root: root.toString() };
}

/** The record after a renewal that worked: Windows deletes the old certificate and its key when it has installed the new one. */
export function withRenewed(enrollment: EnrollmentState, files: CertificateFiles, now: Date): EnrollmentState {
  const leaf = new X509Certificate(files.certificate);
  return {
    ...enrollment,
    certificate: leaf.fingerprint.replaceAll(':', ''),
    certificateNotAfter: new Date(leaf.validTo).toISOString(),
    renewal: {
      status: 2,
      errorCode: '0',
      lastTry: now.toISOString(),
      certificates: [files],
    },
  };
}

/** The record after one that did not: it is tried again after the interval. */
export function withFailedRenewal(enrollment: EnrollmentState, error: DeviceError, now: Date): EnrollmentState {
  const certificates = enrollment.renewal?.certificates ?? [];
  return {
    ...enrollment,
    renewal: { status: 3, errorCode: String(Number(error.hresult) | 0), lastTry: now.toISOString(), certificates },
  };
}
