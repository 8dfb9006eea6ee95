import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { discoverRequest } from '../../local/device/discovery.ts';
import { newMachine } from '../../local/device/machine.ts';
import { getPoliciesRequest } from '../../local/device/policy.ts';
import { contextItems, readTokenResponse, requestSecurityToken } from '../../local/device/security-token.ts';
import { SHA256, signingRequest } from '../../local/device/signing-request.ts';
import { attributeOf, readXml, select } from '../../local/device/xml-reader.ts';
import { damaged, damages } from '../support/damage.ts';
import { type Invitation, useLanyard } from '../support/lanyard.ts';
import { faultOf, type RawReply, send } from '../support/wire.ts';
import { scaled, TIMEOUT_MS, tell } from './scale.ts';

const lanyard = useLanyard();

const RUNS = scaled(20_000);
const STEPS = ['Discovery', 'Policy', 'Enrollment'] as const;
type Step = (typeof STEPS)[number];

const WORDS = [
  ...['', '0', '-1', '5.0', '9.9', '4', 'true', 'Full', 'Device', 'AppManagement', '\u{1F642}', '&#xA0;', 'a@b.c'],
  ...['OnPremise', 'Federated', 'Certificate', 'AAAA', 'kim@example.org', '0000-0000-0000-0000', '__proto__'],
  'http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue',
  'http://docs.oasis-open.org/ws-sx/ws-trust/200512/Renew',
  'http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10',
  'http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken',
  'urn:ietf:params:oauth:token-type:jwt',
  'http://www.w3.org/2003/05/soap-envelope',
];
const NAMES = [
  ...['Envelope', 'Header', 'Body', 'Security', 'UsernameToken', 'Username', 'Password', 'BinarySecurityToken'],
  ...['RequestType', 'TokenType', 'AdditionalContext', 'ContextItem', 'Value', 'Action', 'MessageID', 'EmailAddress'],
  ...['RequestVersion', 'AuthPolicy', 'client', 'requestFilter'],
];

/** The keys whose requests are rightly signed: a certificate may be for one of these and no other. */
const KEYS: KeyObject[] = [1, 2, 3].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
const publicKeys = new Set(KEYS.map((key) => spkiOf(createPublicKey(key))));

function spkiOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** What a Windows 11 PC sends in this step. */
function request(step: Step, invitation: Invitation, key: number): string {
  const { user, secret } = invitation;
  const machine = newMachine(`PC-${key}`);
  const to = `https://mdm.example.org/EnrollmentServer/${step}.svc`;
  const credential = { kind: 'password', user, secret } as const;
  if (step === 'Discovery') return discoverRequest(machine, user, to).toString();
  if (step === 'Policy') return getPoliciesRequest(credential, to).toString();
  const body = { key: KEYS[key]!, deviceId: machine.deviceId, guid: machine.entraDeviceId, hashOid: SHA256 };
  const parts = { credential, to, signingRequest: signingRequest(body), context: contextItems(machine, '4.0') };
  return requestSecurityToken(parts).toString();
}

let calls = 0;
/** Without TLS in front, each from an address of its own, so that none is slowed down for what another did. */
function call(step: Step, body: string): Promise<RawReply> {
  calls += 1;
  const localAddress = `127.${64 + ((calls >> 16) & 63)}.${(calls >> 8) & 255}.${calls & 255}`;
  const url = lanyard().local.bareUrl.replace('localhost', '127.0.0.1');
  const headers = { 'content-type': 'application/soap+xml; charset=utf-8' };
  return send(`${url}/EnrollmentServer/${step}.svc`, { body, headers, localAddress });
}

/** Reads the certificate out of a reply with the reader of the simulated device. */
function leafOf(reply: RawReply): X509Certificate | undefined {
  const document = reply.status === 200 && reply.body !== '' ? readTokenResponse(Buffer.from(reply.body)) : undefined;
  if (document === undefined) return undefined;
  const [parm] = select(readXml(document), "//characteristic[@type='My']//parm[@name='EncodedCertificate']");
  return new X509Certificate(Buffer.from((parm && attributeOf(parm, 'value')) ?? '', 'base64'));
}

/** Whether a person who reads the message finds the right user and the right secret in it. */
function names(message: string, { user, secret }: Invitation): boolean {
  const plain = message.replaceAll('&#xA0;', ' ').toLowerCase();
  const letters = plain.replace(/[^a-z0-9]/g, '').replaceAll('o', '0');
  return plain.includes(user) && letters.includes(secret.replaceAll('-', '').toLowerCase().replaceAll('o', '0'));
}

function tellsWhatItIs(step: Step, sent: string, reply: RawReply): 'answer' | 'empty' | 'fault' | 'refused' {
  if (reply.status >= 400 && reply.status < 500) return 'refused';
  if (reply.status === 500) {
    expect(faultOf(reply.body), `${step}: ${sent}`).toEqual({
      error: expect.stringMatching(/^\w+$/),
      traceId: expect.stringMatching(/^(nokeep-)?\d{8}-[0-9a-f]{12}$/),
    });
    expect(faultOf(reply.body).error, `${step}: ${sent}`).not.toBe('InternalServiceFault');
    return 'fault';
  }
  expect(reply.status, `${step}: ${sent}`).toBe(200);
  if (sent === '') return 'empty';
  expect(reply.body, `${step}: ${sent}`).toMatch(/DiscoverResponse|GetPoliciesResponse|RequestedSecurityToken/);
  return 'answer';
}

test('a damaged enrollment message gets an answer, a fault or a 4xx, and never a certificate that it may not have', {
  timeout: TIMEOUT_MS,
}, async () => {
  const tally = { answer: 0, empty: 0, fault: 0, refused: 0, certificates: 0 };
  let invitation = await lanyard().invite('kim@example.org', { maxDevices: 1000 });
  const step = fc.constantFrom<Step>('Discovery', 'Policy', 'Enrollment', 'Enrollment');
  const from = fc.constantFrom(...STEPS);
  const property = fc.asyncProperty(step, from, fc.nat(2), damages(WORDS, NAMES), async (to, other, key, list) => {
    // One in three goes to an address that is meant for another message.
    const kind = other === 'Policy' ? other : to;
    const sent = list.reduce(damaged, request(kind, invitation, key));
    const reply = await call(to, sent);
    tally[tellsWhatItIs(to, sent, reply)] += 1;
    // Each call has an address of its own, so none may have been slowed down.
    expect(reply.status, sent).not.toBe(429);
    expect(reply.headers['content-length'], sent).toBe(String(Buffer.byteLength(reply.body)));
    const leaf = leafOf(reply);
    if (!leaf) return;
    tally.certificates += 1;
    expect(names(sent, invitation), sent).toBe(true);
    expect(publicKeys, sent).toContain(spkiOf(leaf.publicKey));
    expect(leaf.subject, sent).toMatch(/^CN=[0-9a-f-]{36}$/);
    if (tally.certificates % 500 === 0) {
      invitation = await lanyard().invite('kim@example.org', { maxDevices: 1000 });
    }
  });
  await fc.assert(property, { numRuns: RUNS, seed: 20260301, endOnFailure: true });
  // Neither side of the property may be empty: damage must be survived, and must be noticed.
  expect(tally.certificates).toBeGreaterThan(RUNS / 20);
  expect(tally.fault).toBeGreaterThan(RUNS / 20);
  tell('Damaged enrollment messages', { sent: RUNS, ...tally });
});
