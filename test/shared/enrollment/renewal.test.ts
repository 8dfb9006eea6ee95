import { type KeyObject, X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { DEVICE_ROW, type Device } from '../../../shared/devices/device.ts';
import { certificateRecord } from '../../../shared/enrollment/certificate-record.ts';
import { renewCertificate } from '../../../shared/enrollment/renewal.ts';
import { setClock } from '../../../shared/platform/clock.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';
import { signingRequest } from '../../support/wire.ts';
import { type MemoryAuthority, memoryAuthority, newRsaKey, publicKeyOf } from '../certificates/memory-authority.ts';
import { signedData } from '../certificates/signed-data.ts';

const ENROLLED = new Date('2026-03-01T12:00:00.000Z');
const END = new Date('2027-03-01T12:00:00.000Z');
const daysBefore = (days: number) => new Date(END.getTime() - days * 86_400_000);
const ID = '6f7a3c1e-0d2b-4a59-8c64-2f1f5a9b7d30';

let ca: MemoryAuthority;
let key: KeyObject;
let leaf: Awaited<ReturnType<typeof issueLeaf>>;
let contents: Buffer[];
let storage: MemoryStorage;

beforeAll(async () => {
  ca = await memoryAuthority(ENROLLED);
  key = newRsaKey();
  leaf = await issueLeaf({ ca, enrollmentId: ID, subjectPublicKeyInfo: publicKeyOf(key), now: ENROLLED });
  contents = [1, 2].map(() => Buffer.from(signingRequest(), 'base64'));
});

beforeEach(() => {
  storage = new MemoryStorage();
  setClock(() => daysBefore(30));
});
afterEach(() => setClock(undefined));

async function enrolled(change: Partial<Device> = {}): Promise<Device> {
  const certificates = [certificateRecord(leaf, 'a'.repeat(64), ENROLLED)];
  const device = enrolledDevice({ id: ID, certificates, digestCredential: 'digest', ...change });
  await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: DEVICE_ROW, value: device }]);
  return device;
}

const record = async () => (await storage.table('devices').get<Device>(ID, DEVICE_ROW))!.value;

/** Which devices were proved to ask. */
const proved: string[] = [];
const onProved = ({ id }: Device) => void proved.push(id);

/** @param authority who issues now */
function renew(content = contents[0]!, { data, authority = ca }: { data?: Buffer; authority?: MemoryAuthority } = {}) {
  const known = [ca.issuingCertificate, ca.rootCertificate, authority.issuingCertificate, authority.rootCertificate];
  const issuers = known.map((der) => new X509Certificate(der));
  const catalogue = { read: async () => ({ issuers }) } as unknown as Parameters<
    typeof renewCertificate
  >[0]['catalogue'];
  const token = { valueType: '#PKCS7', data: data ?? signedData({ content, key, certificate: leaf.der }) };
  const services = { storage, catalogue, ca: async () => authority, log: new MemoryLog() };
  return renewCertificate(services, { requestType: 'Renew', token, context: [] }, { traceId: 'trace-1', onProved });
}

test('a renewal changes nothing of the record but certificates and renewals', async () => {
  const before = await enrolled();
  const { certificate, document } = await renew();
  const { certificates, renewals, revision, ...rest } = await record();
  const { certificates: old, revision: first, ...unchanged } = before;
  expect(rest).toEqual(unchanged);
  expect(revision).toBe(first + 1);
  expect(certificates).toEqual([...old, certificate]);
  expect(renewals).toMatchObject([{ traceId: 'trace-1', thumbprint: certificate.thumbprint }]);
  expect(document).not.toContain('<characteristic type="Root">');
  expect(document).not.toContain('<characteristic type="CA">');
  expect(document).not.toContain('WSTEP');
});

test('certificates that have ended leave the record', async () => {
  const ended = { ...certificateRecord(leaf, 'b'.repeat(64), ENROLLED), notAfter: daysBefore(40).toISOString() };
  await enrolled({
    certificates: [{ ...ended, thumbprint: 'old' }, certificateRecord(leaf, 'a'.repeat(64), ENROLLED)],
  });
  await renew();
  expect((await record()).certificates.map(({ thumbprint }) => thumbprint)).not.toContain('old');
});

test('two renewals for two keys at the same moment both come through', async () => {
  await enrolled();
  await Promise.all([renew(contents[0]), renew(contents[1])]);
  expect((await record()).certificates).toHaveLength(3);
});

test('the same request gets the same certificate for half an hour, and another after it', async () => {
  await enrolled();
  const { certificate } = await renew();
  setClock(() => new Date(daysBefore(30).getTime() + 29 * 60_000));
  expect((await renew()).certificate).toEqual(certificate);
  setClock(() => new Date(daysBefore(30).getTime() + 31 * 60_000));
  expect((await renew()).certificate).not.toEqual(certificate);
});

test.each([
  [63, false],
  [61, true],
  [60, true],
  [1, true],
])('%i days before the end it is time: %s', async (days, isTime) => {
  await enrolled();
  setClock(() => daysBefore(days));
  if (isTime) await expect(renew()).resolves.toBeDefined();
  else await expect(renew()).rejects.toMatchObject({ refusal: 'renewalTooEarly' });
});

test.each([
  ['asked for last week', { renewNowAt: daysBefore(207).toISOString() }, true],
  ['asked for long ago', { renewNowAt: daysBefore(240).toISOString() }, false],
  [
    'asked for and done since',
    {
      renewNowAt: daysBefore(207).toISOString(),
      renewals: [{ at: daysBefore(206).toISOString(), traceId: 't', thumbprint: '', notAfter: '' }],
    },
    false,
  ],
])('a renewal long before the end that an administrator %s', async (_, change, isTime) => {
  await enrolled(change);
  setClock(() => daysBefore(200));
  if (isTime) await expect(renew()).resolves.toBeDefined();
  else await expect(renew()).rejects.toMatchObject({ refusal: 'renewalTooEarly' });
});

describe('after the certificate authority was followed by another', () => {
  test('below the same root, the document brings the new issuing CA', async () => {
    await enrolled();
    const next = { ...(await memoryAuthority(ENROLLED, ca.rootKey)), rootCertificate: ca.rootCertificate };
    const { document } = await renew(contents[0], { authority: next });
    expect(document).toContain('<characteristic type="CA">');
    expect(document).not.toContain('<characteristic type="Root">');
  });

  test('below another root, it brings both', async () => {
    await enrolled();
    const { document } = await renew(contents[0], { authority: await memoryAuthority(ENROLLED) });
    expect(document).toContain('<characteristic type="CA">');
    expect(document).toContain('<characteristic type="Root">');
  });
});

describe('a renewal is refused', () => {
  test('whose certificate was issued by a stranger under the same name', async () => {
    await enrolled();
    const strange = await memoryAuthority(ENROLLED);
    const subjectPublicKeyInfo = publicKeyOf(key);
    const forged = await issueLeaf({ ca: strange, enrollmentId: ID, subjectPublicKeyInfo, now: ENROLLED });
    const data = signedData({ content: contents[0]!, key, certificate: forged.der });
    await expect(renew(contents[0], { data })).rejects.toMatchObject({ refusal: 'renewalForeign' });
  });

  test('whose certificate is ours and not stored for its enrollment', async () => {
    await enrolled();
    const subjectPublicKeyInfo = publicKeyOf(key);
    const other = await issueLeaf({ ca, enrollmentId: ID, subjectPublicKeyInfo, now: ENROLLED });
    const data = signedData({ content: contents[0]!, key, certificate: other.der });
    await expect(renew(contents[0], { data })).rejects.toMatchObject({ refusal: 'renewalForeign' });
  });

  test('whose certificate has ended', async () => {
    await enrolled();
    setClock(() => daysBefore(-1));
    await expect(renew()).rejects.toMatchObject({ refusal: 'renewalExpired' });
  });

  test('that asks for a key that its sender does not hold', async () => {
    await enrolled();
    const content = Buffer.from(signingRequest({ spoil: true }), 'base64');
    await expect(renew(content)).rejects.toMatchObject({ refusal: 'renewalUnreadable' });
  });

  test.each([
    ['a bare certificate request', () => contents[0]!],
    ['base64 of nothing', () => Buffer.from('MAAA')],
    ['nothing', () => Buffer.alloc(0)],
  ])('that is %s', async (_, data) => {
    await enrolled();
    await expect(renew(contents[0], { data: data() })).rejects.toMatchObject({ refusal: 'renewalUnreadable' });
  });
});
