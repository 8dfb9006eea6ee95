import { describe, expect, test } from 'vitest';
import { faultError } from '../../../local/device/soap-fault.ts';
import { openCatalogue } from '../../../shared/catalogue/catalogue.ts';
import type { CertificateAuthority } from '../../../shared/certificates/certificate-authority.ts';
import { CertificateAuthorityError } from '../../../shared/certificates/certificate-authority-error.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { DEVICE_ROW } from '../../../shared/devices/device.ts';
import { answerTokenRequest } from '../../../shared/enrollment/answer-token-request.ts';
import { writeEnrollmentToken } from '../../../shared/enrollment/authentication/enrollment-token.ts';
import { certificateRecord } from '../../../shared/enrollment/certificate-record.ts';
import { createInvitation } from '../../../shared/enrollment/invitations/invitations.ts';
import { Journal } from '../../../shared/enrollment/journal/journal.ts';
import { readAttempt } from '../../../shared/enrollment/journal/journal-view.ts';
import { Throttle } from '../../../shared/enrollment/throttle.ts';
import { StorageUnavailable } from '../../../shared/storage/errors.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';
import { signingRequest, tokenRequest } from '../../support/wire.ts';
import { memoryAuthority, newRsaKey, publicKeyOf } from '../certificates/memory-authority.ts';
import { signedData } from '../certificates/signed-data.ts';

const USER = 'kim@example.org';
const csr = signingRequest();
const KEY = Buffer.alloc(32, 1);
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** An enroll app with one invitation. */
async function server(ca: () => Promise<CertificateAuthority>) {
  const storage = new MemoryStorage();
  const now = new Date();
  const expiresAt = new Date(now.getTime() + 3_600_000).toISOString();
  const { secret } = await createInvitation(storage, { user: USER, expiresAt, maxDevices: 1, createdBy: 'sam' }, now);
  const services = {
    storage,
    ca,
    catalogue: openCatalogue(storage),
    journal: new Journal(storage),
    throttle: new Throttle(),
    log: new MemoryLog(),
    appKey: async () => KEY,
    deviceAuth: 'certificate' as const,
    providerId: 'Lanyard',
    enrollUrl: 'https://enroll.example.org',
    manageUrl: 'https://manage.example.org',
  };
  const ask = (parts: Partial<Parameters<typeof tokenRequest>[0]> = {}, address = '192.0.2.1') =>
    answerTokenRequest(services, { body: Buffer.from(tokenRequest({ user: USER, secret, csr, ...parts })), address });
  return { storage, services, ask };
}

const noAuthority = async () => {
  throw new CertificateAuthorityError('The vault refused the signature.');
};

describe('a token request', () => {
  test('that is accepted names the attempt in its reply', async () => {
    const authority = await memoryAuthority(new Date());
    const { storage, ask } = await server(async () => authority);
    const { status, body } = await ask();
    expect(status).toBe(200);
    const traceId = /<ActivityId CorrelationId="([^"]+)"[^>]*>\1</.exec(body.toString())?.[1] ?? '';
    expect(await readAttempt(storage, traceId)).toMatchObject({ outcome: 'enrolled', step: 'issue', user: USER });
  });

  test.each<[string, () => Promise<CertificateAuthority>, string]>([
    ['authorityUnreachable', noAuthority, '0x80180004'],
    ['storageUnreachable', () => Promise.reject(new StorageUnavailable('Storage does not answer.')), '0x80180005'],
    ['failed', () => Promise.reject(new TypeError('x is not a function')), '0x80180006'],
  ])(
    'that the server fails at is answered as %s, counts as no failure of the caller and costs no use',
    async (cause, ca, hresult) => {
      const { storage, services, ask } = await server(ca);
      for (let n = 0; n < 25; n += 1) {
        const { status, body } = await ask();
        expect(status).toBe(500);
        const error = faultError(body, status, 'token');
        expect(error.hresult).toBe(hresult);
        if (n === 0) expect(await readAttempt(storage, error.traceId ?? '')).toMatchObject({ cause, step: 'issue' });
      }
      const authority = await memoryAuthority(new Date());
      Object.assign(services, { ca: async () => authority });
      expect((await ask()).status).toBe(200);
    },
  );

  test('tells a stranger nothing: closed, blocked or full, a wrong secret is a wrong secret', async () => {
    const { services, ask } = await server(noAuthority);
    const before = (await ask({ secret: 'AAAA-AAAA-AAAA-AAAA' })).body.toString();
    const policy = (await services.catalogue.read()).policy;
    const enrollment = { ...policy.enrollment, open: false, closedMessage: 'Closed.', maintenance: true };
    await services.catalogue.writePolicy({ ...policy, enrollment });
    const after = (await ask({ secret: 'AAAA-AAAA-AAAA-AAAA' })).body.toString();
    const bare = (text: string) => text.replace(/<TraceId>[^<]+/, '');
    expect(bare(after)).toBe(bare(before));
    expect((await ask()).body.toString()).toContain('InMaintenance');
  });

  test('with the right secret is never slowed down, however often it is refused', async () => {
    const { services, ask } = await server(noAuthority);
    const policy = (await services.catalogue.read()).policy;
    await services.catalogue.writePolicy({ ...policy, enrollment: { ...policy.enrollment, open: false } });
    for (let n = 0; n < 30; n += 1) expect((await ask()).status).toBe(500);
    for (let n = 0; n < 20; n += 1) await ask({ secret: 'wrong' }, '192.0.2.2');
    expect((await ask({ secret: 'wrong' }, '192.0.2.2')).status).toBe(429);
  });
});

const USER_TOKEN = 'http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken';
const headerWith = (token: string) =>
  `<wsse:Security><wsse:BinarySecurityToken ValueType="${USER_TOKEN}">${Buffer.from(token).toString('base64')}</wsse:BinarySecurityToken></wsse:Security>`;

describe('the journal says who asked', () => {
  /** What the journal has of a request with the token of the sign-in page, where enrollment is closed. */
  async function entryFor(
    claims: { sub: string; invitation?: string },
    signedIn: Date,
    bend = (token: string) => token,
  ) {
    const { storage, services, ask } = await server(noAuthority);
    const { policy } = await services.catalogue.read();
    const enrollment = { ...policy.enrollment, open: false };
    await services.catalogue.writePolicy({ ...policy, ways: ['Federated'], enrollment });
    const token = bend(await writeEnrollmentToken(KEY, claims, signedIn));
    const { status, body } = await ask({ security: headerWith(token) });
    return readAttempt(storage, faultError(body, status, 'token').traceId ?? '');
  }
  const sub = 'nina@example.org';

  test('once a token of the sign-in page has proved it, whatever the refusal', async () => {
    const closed = await entryFor({ sub }, minutesAgo(1));
    expect(closed).toMatchObject({ cause: 'closed', user: sub, userProved: true, step: 'eligibility' });
    const gone = await entryFor({ sub, invitation: 'gone' }, minutesAgo(1));
    expect(gone).toMatchObject({ cause: 'wrongCredential', user: sub, userProved: true });
  });

  test('as a token claims that is too late or bent', async () => {
    const late = await entryFor({ sub }, minutesAgo(31));
    expect(late).toMatchObject({ cause: 'expiredToken', user: sub, userProved: false, step: 'authentication' });
    const bent = await entryFor({ sub }, minutesAgo(1), (token) => `${token.slice(0, -6)}AAAAAA`);
    expect(bent).toMatchObject({ cause: 'badToken', user: sub, userProved: false });
    const none = await entryFor({ sub }, minutesAgo(1), (token) => token.replace(/\..*\./, '.e30.'));
    expect(none).toMatchObject({ cause: 'badToken', user: '', userProved: false });
  });

  test('as who typed a password says, and by a right one as it proves', async () => {
    const { storage, services, ask } = await server(noAuthority);
    const entry = async (parts: object) => {
      const { status, body } = await ask(parts);
      return readAttempt(storage, faultError(body, status, 'token').traceId ?? '');
    };
    expect(await entry({ secret: 'wrong' })).toMatchObject({ user: USER, userProved: false, step: 'authentication' });
    const { policy } = await services.catalogue.read();
    await services.catalogue.writePolicy({ ...policy, enrollment: { ...policy.enrollment, open: false } });
    expect(await entry({})).toMatchObject({ user: USER, userProved: true, step: 'eligibility' });
  });

  test('and what the PC was really sent, with the place to ask', async () => {
    const { storage, services, ask } = await server(noAuthority);
    const { policy } = await services.catalogue.read();
    await services.catalogue.writePolicy({
      ...policy,
      support: { ...policy.support, website: 'https://help.example.org' },
    });
    const { status, body } = await ask({ secret: 'wrong' });
    const { traceId = '', message } = faultError(body, status, 'token');
    expect(message).toContain('https://help.example.org');
    const { onThePc } = await readAttempt(storage, traceId);
    expect(`Authentication: ${onThePc?.message}`).toBe(message);
  });
});

describe('a renewal', () => {
  const ID = '6f7a3c1e-0d2b-4a59-8c64-2f1f5a9b7d30';

  /** An enroll app with one device, and renewals that are signed with its certificate. */
  async function serverWithDevice(state: 'enrolled' | 'blocked') {
    const authority = await memoryAuthority(new Date());
    const { storage, services, ask } = await server(async () => authority);
    await services.catalogue.publishCertificate(authority.issuingCertificate);
    const key = newRsaKey();
    const leaf = await issueLeaf({
      ca: authority,
      enrollmentId: ID,
      subjectPublicKeyInfo: publicKeyOf(key),
      now: new Date(),
    });
    const certificates = [certificateRecord(leaf, 'a'.repeat(64), new Date())];
    const device = enrolledDevice({ id: ID, user: USER, state, certificates });
    await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: DEVICE_ROW, value: device }]);
    const content = Buffer.from(csr, 'base64');
    const signedBy = (certificate: Buffer, signer = key) =>
      ask({
        requestType: 'Renew',
        secret: '',
        csr: signedData({ content, key: signer, certificate }).toString('base64'),
      });
    return { storage, ask, leaf, signedBy };
  }

  test('never slows its address down, and names its device in the journal once that is proved', async () => {
    for (const [state, cause] of [
      ['blocked', 'renewalBlocked'],
      ['enrolled', 'renewalTooEarly'],
    ] as const) {
      const { storage, leaf, signedBy, ask } = await serverWithDevice(state);
      for (let n = 0; n < 25; n += 1) {
        const { status, body } = await signedBy(leaf.der);
        expect(status).toBe(500);
        const attempt = n === 0 && (await readAttempt(storage, faultError(body, status, 'token').traceId ?? ''));
        if (attempt) expect(attempt).toMatchObject({ cause, enrollmentId: ID, user: USER, userProved: true });
      }
      expect((await ask({ secret: 'wrong' })).status).toBe(500);
    }
  });

  test('of a stranger is not slowed down either, and costs no look at any device; what is kept of it is counted', async () => {
    const { storage, leaf, signedBy, ask } = await serverWithDevice('enrolled');
    const stranger = await memoryAuthority(new Date());
    const key = newRsaKey();
    const foreign = await issueLeaf({
      ca: stranger,
      enrollmentId: ID,
      subjectPublicKeyInfo: publicKeyOf(key),
      now: new Date(),
    });
    storage.calls.length = 0;
    const tries = [
      () => ask({ requestType: 'Renew', secret: '' }),
      () => signedBy(foreign.der, key),
      () => signedBy(leaf.der, key),
    ];
    const statuses = new Set<number>();
    for (let n = 0; n < 30; n += 1) statuses.add((await tries[n % 3]!()).status);
    expect([...statuses]).toEqual([500]);
    expect(storage.calls.filter(({ table }) => table !== 'journal' && table !== 'catalogue')).toEqual([]);
    storage.calls.length = 0;
    for (const attempt of tries) await attempt();
    expect(storage.calls).toEqual([]);
  });
});
