import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import { DEVICE_ROW, type Device } from '../../../shared/devices/device.ts';
import { certificateRecord } from '../../../shared/enrollment/certificate-record.ts';
import { EnrollmentRefusal } from '../../../shared/enrollment/refusal.ts';
import { renewCertificate } from '../../../shared/enrollment/renewal.ts';
import { setClock } from '../../../shared/platform/clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';
import { signingRequest } from '../../support/wire.ts';
import { type MemoryAuthority, memoryAuthority, newRsaKey, publicKeyOf } from '../certificates/memory-authority.ts';
import { signedData } from '../certificates/signed-data.ts';

const ENROLLED = new Date('2026-03-01T12:00:00.000Z');
const DUE = new Date('2027-02-01T12:00:00.000Z');
const ID = '6f7a3c1e-0d2b-4a59-8c64-2f1f5a9b7d30';

let ca: MemoryAuthority;
let device: Device;
let valid: Buffer;
let wanted: string;

beforeAll(async () => {
  ca = await memoryAuthority(ENROLLED);
  const key = newRsaKey();
  const leaf = await issueLeaf({ ca, enrollmentId: ID, subjectPublicKeyInfo: publicKeyOf(key), now: ENROLLED });
  device = enrolledDevice({ id: ID, certificates: [certificateRecord(leaf, 'a'.repeat(64), ENROLLED)] });
  const content = Buffer.from(signingRequest(), 'base64');
  wanted = readSigningRequest(content).publicKeyHash;
  valid = signedData({ content, key, certificate: leaf.der });
});

/** Sends a token; gives the certificates that the enrollment has then. */
async function renew(data: Buffer): Promise<Device['certificates']> {
  const storage = new MemoryStorage();
  await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: DEVICE_ROW, value: device }]);
  const issuers = [new X509Certificate(ca.issuingCertificate), new X509Certificate(ca.rootCertificate)];
  const catalogue = { read: async () => ({ issuers }) } as unknown as Parameters<
    typeof renewCertificate
  >[0]['catalogue'];
  const request = { requestType: 'Renew' as const, token: { valueType: '#PKCS7', data }, context: [] };
  setClock(() => DUE);
  try {
    await renewCertificate({ storage, catalogue, ca: async () => ca, log: new MemoryLog() }, request, {
      traceId: 't1',
      onProved() {},
    });
  } catch (error) {
    if (!(error instanceof EnrollmentRefusal)) throw error;
    expect(error.refusal).toMatch(/^renewal/);
  } finally {
    setClock(undefined);
  }
  return (await storage.table('devices').get<Device>(ID, DEVICE_ROW))!.value.certificates;
}

test.each([
  ['once', (data: Buffer) => data],
  ['twice', (data: Buffer) => Buffer.from(data.toString('base64'))],
  ['twice, in lines', (data: Buffer) => Buffer.from(data.toString('base64').replace(/.{64}/g, '$&\r\n'))],
])('a renewal that is encoded %s gets a certificate for its new key and the same subject', async (_, encode) => {
  const [, renewed] = await renew(encode(valid));
  expect(renewed?.publicKeyHash).toBe(wanted);
  expect(new X509Certificate(Buffer.from(renewed!.der, 'base64')).subject).toBe(`CN=${ID}`);
});

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  fc.record({
    kind: fc.constant('copy' as const),
    from: fc.nat(),
    to: fc.nat(),
    length: fc.integer({ min: 1, max: 300 }),
  }),
);

function mutate(bytes: Buffer, change: typeof mutation extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const result = Buffer.from(bytes);
  if (change.kind === 'flip') {
    result[change.at % bytes.length]! ^= change.bits;
    return result;
  }
  if (change.kind === 'copy') {
    bytes.copy(
      result,
      change.to % bytes.length,
      change.from % bytes.length,
      (change.from % bytes.length) + change.length,
    );
    return result;
  }
  const at = change.at % bytes.length;
  const rest = change.kind === 'cut' ? bytes.subarray(at + change.length) : bytes.subarray(at);
  const added = change.kind === 'insert' ? Buffer.from(change.bytes) : Buffer.alloc(0);
  return Buffer.concat([bytes.subarray(0, at), added, rest]);
}

test('no change of a renewal gets a certificate for another key or another subject', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (changes) => {
      const certificates = await renew(changes.reduce(mutate, valid));
      for (const certificate of certificates.slice(1)) {
        expect(certificate.publicKeyHash).toBe(wanted);
        expect(new X509Certificate(Buffer.from(certificate.der, 'base64')).subject).toBe(`CN=${ID}`);
      }
    }),
    { numRuns: 300 },
  );
}, 20_000);
