import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import { DISCOVER, DISCOVERY_PATH, type Discovered, discoverRequest, readDiscoverResponse } from './discovery.ts';
import { envelopeRemarks } from './envelope-remarks.ts';
import { DeviceError, HRESULT, httpHresult } from './errors.ts';
import type { HttpClient, HttpReply } from './http-client.ts';
import type { Machine } from './machine.ts';
import type { MakeKey } from './make-key.ts';
import { type CertificatePolicy, GET_POLICIES, getPoliciesRequest, readPolicies } from './policy.ts';
import { type Provisioned, readProvisioningDocument } from './provisioning-reader.ts';
import { contextItems, readTokenResponse, requestSecurityToken, TOKEN } from './security-token.ts';
import type { UserCertificate } from './signed-request.ts';
import { OIW_SHA1_WITH_RSA, SHA256, signingRequest } from './signing-request.ts';
import { faultError } from './soap-fault.ts';
import type { Credential } from './soap-request.ts';

export interface EnrollmentRequest {
  /** the address typed in Settings, with or without the path */
  server: string;
  user: string;
  secret: string;
  /** the sign-in page of a Federated server: gets its address, gives the text of `wresult` */
  signIn?: (authenticationUrl: string) => Promise<string>;
  /** a JWT of Entra; there is no probe then, and AuthenticationServiceUrl is not used */
  entraToken?: string;
  /** what the terms of use gave for a proof; goes along as EnrollmentData */
  enrollmentData?: string;
  /** a certificate of the user, which the PC then offers to sign with */
  certificate?: UserCertificate;
}

export interface EnrollmentResult {
  provisioned: Provisioned;
  key: KeyObject;
  remarks: string[];
}

/** What the calls of one enrollment share. */
export interface Run {
  http: HttpClient;
  machine: Machine;
  remarks: string[];
}

/**
 * Probe, Discover, GetPolicies, RequestSecurityToken, and the reading of the provisioning document (MS-MDE2 1.3).
 * Nothing is kept: the caller does that. Errors: DeviceError with the code that the PC would show.
 */
export async function requestEnrollment(v: {
  http: HttpClient;
  machine: Machine;
  request: EnrollmentRequest;
  makeKey: MakeKey;
  now: Date;
}): Promise<EnrollmentResult> {
  const { request } = v;
  const machine = request.certificate ? withCertificate(v.machine) : v.machine;
  const run: Run = { http: v.http, machine, remarks: [] };
  // Whoever comes by way of Entra fills in no form; the address may then be empty.
  const isTyped = !request.entraToken || request.user !== '';
  if (isTyped && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(request.user)) {
    throw new DeviceError(HRESULT.invalidArgument, 'settings', 'the form takes a name of the form user@domain only');
  }
  const discoveryUrl = discoveryAddress(request.server);
  if (!request.entraToken) await probe(run, discoveryUrl);
  const discovered = await discover(run, request.user, discoveryUrl);
  const credential = await credentialFor(discovered, request, v.now);
  const policy = discovered.policyUrl ? await getPolicies(run, credential, discovered.policyUrl) : undefined;
  const key = await v.makeKey(machine.keyBits ?? policy?.minimalKeyLength ?? 2048);
  const { enrollmentData } = request;
  const document = await getToken(run, { discovered, credential, policy, key, enrollmentData });
  const provisioned = readProvisioningDocument(document, {
    enrollmentType: machine.enrollmentType,
    publicKey: createPublicKey(key),
    now: v.now,
  });
  return { provisioned, key, remarks: [...run.remarks, ...(policy?.remarks ?? []), ...provisioned.remarks] };
}

/** Errors: the text is no https address. */
export function discoveryAddress(server: string): string {
  const text = server.includes('://') ? server : `https://${server}`;
  if (!URL.canParse(text) || !text.startsWith('https://')) {
    throw new DeviceError(HRESULT.invalidArgument, 'settings', `"${server}" is not an https address`);
  }
  const url = new URL(text);
  if (url.pathname === '/') url.pathname = DISCOVERY_PATH;
  return url.href;
}

async function probe(run: Run, url: string): Promise<void> {
  const headers = { 'User-Agent': 'ENROLLClient', 'Cache-Control': 'no-cache', Pragma: 'no-cache' };
  const reply = await run.http.send({ step: 'probe', method: 'GET', url, headers });
  if (reply.status !== 200) {
    throw new DeviceError(httpHresult(reply.status), 'probe', `the probe got HTTP ${reply.status}`, {
      retryAfter: reply.retryAfter,
    });
  }
}

async function post(
  run: Run,
  call: { step: string; url: string; body: Buffer; messageId: string; replyAction: string },
): Promise<HttpReply> {
  const { step, url, body, messageId, replyAction: action } = call;
  const headers = { 'Content-Type': 'application/soap+xml; charset=utf-8', 'User-Agent': 'ENROLLClient' };
  const reply = await run.http.send({ step, method: 'POST', url, headers, body });
  if (reply.status === 200) {
    run.remarks.push(...envelopeRemarks(reply, { step, action, messageId }));
    return reply;
  }
  const error = faultError(reply.body, reply.status, step);
  if (reply.status !== 429 && reply.status !== 503) throw error;
  const { hresult, message, traceId } = error;
  throw new DeviceError(hresult, step, message, { traceId, retryAfter: reply.retryAfter });
}

export async function discover(run: Run, user: string, url: string): Promise<Discovered> {
  const { body } = await post(run, {
    step: 'discover',
    url,
    body: discoverRequest(run.machine, user, url),
    ...DISCOVER,
  });
  return readDiscoverResponse(body);
}

export async function getPolicies(run: Run, credential: Credential, url: string): Promise<CertificatePolicy> {
  const { body } = await post(run, {
    step: 'policies',
    url,
    body: getPoliciesRequest(credential, url),
    ...GET_POLICIES,
  });
  return readPolicies(body);
}

async function credentialFor(discovered: Discovered, request: EnrollmentRequest, now: Date): Promise<Credential> {
  if (discovered.authPolicy === 'OnPremise') return { kind: 'password', user: request.user, secret: request.secret };
  if (discovered.authPolicy === 'Certificate') {
    if (request.certificate) return { kind: 'certificate', certificate: request.certificate, now };
    throw new DeviceError(HRESULT.invalidArgument, 'discover', 'this device has no certificate to enroll with');
  }
  if (request.entraToken) return { kind: 'entra', token: request.entraToken };
  if (!request.signIn) {
    throw new DeviceError(
      HRESULT.webAuthentication,
      'sign-in',
      'the server wants a sign-in page and nobody is there to use it',
    );
  }
  const address = signInAddress(discovered.authenticationUrl ?? '', request.user);
  return { kind: 'federated', token: await request.signIn(address) };
}

/** The address of the sign-in page as the broker opens it (MS-MDE2 3.2). */
export function signInAddress(authenticationUrl: string, user: string): string {
  const name = encodeURIComponent(user);
  const appru = encodeURIComponent('ms-app://windows.immersivecontrolpanel');
  const separator = authenticationUrl.includes('?') ? '&' : '?';
  return `${authenticationUrl}${separator}appru=${appru}&login_hint=${name}&username=${name}`;
}

async function getToken(
  run: Run,
  call: {
    discovered: Discovered;
    credential: Credential;
    policy?: CertificatePolicy;
    key: KeyObject;
    enrollmentData?: string;
  },
): Promise<string> {
  const { discovered, credential, policy, key } = call;
  const { machine } = run;
  const hashOid = hashOidFor(machine, policy, discovered);
  const body = requestSecurityToken({
    credential,
    to: discovered.enrollmentUrl,
    signingRequest: signingRequest({ key, deviceId: machine.deviceId, guid: randomUUID().toUpperCase(), hashOid }),
    context: [...contextItems(machine, discovered.enrollmentVersion), ...dataItem(call.enrollmentData)],
  });
  return askForToken(run, discovered.enrollmentUrl, body);
}

const dataItem = (value: string | undefined) => (value === undefined ? [] : [{ name: 'EnrollmentData', value }]);

const withCertificate = (machine: Machine): Machine => ({
  ...machine,
  offers: machine.offers ?? ['OnPremise', 'Federated', 'Certificate'],
});

/** Sends a RequestSecurityToken. Out: the provisioning document. */
export async function askForToken(run: Run, url: string, body: Buffer): Promise<string> {
  const reply = await post(run, { step: 'token', url, body, ...TOKEN });
  const document = readTokenResponse(reply.body);
  if (document === undefined) throw faultError(reply.body, reply.status, 'token');
  return document;
}

/** Nothing negotiated: a server that names a version gets SHA-256 all the same, an older one the hash of old. */
export function hashOidFor(machine: Machine, policy: CertificatePolicy | undefined, discovered: Discovered): string {
  return (
    machine.hashOid ?? policy?.hashOid ?? (discovered.enrollmentVersion === undefined ? OIW_SHA1_WITH_RSA : SHA256)
  );
}
