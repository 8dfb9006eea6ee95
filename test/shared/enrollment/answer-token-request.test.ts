import { describe, expect, test } from 'vitest';
import { faultError } from '../../../local/device/soap-fault.ts';
import { openCatalogue } from '../../../shared/catalogue/catalogue.ts';
import type { CertificateAuthority } from '../../../shared/certificates/certificate-authority.ts';
import { CertificateAuthorityError } from '../../../shared/certificates/certificate-authority-error.ts';
import { answerTokenRequest } from '../../../shared/enrollment/answer-token-request.ts';
import { createInvitation } from '../../../shared/enrollment/invitations/invitations.ts';
import { Journal } from '../../../shared/enrollment/journal/journal.ts';
import { readAttempt } from '../../../shared/enrollment/journal/journal-view.ts';
import { Throttle } from '../../../shared/enrollment/throttle.ts';
import { StorageUnavailable } from '../../../shared/storage/errors.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { signingRequest, tokenRequest } from '../../support/wire.ts';
import { memoryAuthority } from '../certificates/memory-authority.ts';

const USER = 'kim@example.org';
const csr = signingRequest();

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
    appKey: async () => Buffer.alloc(32, 1),
    deviceAuth: 'certificate' as const,
    providerId: 'Lanyard',
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
