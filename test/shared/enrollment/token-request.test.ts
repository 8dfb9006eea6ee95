import { expect, test, vi } from 'vitest';
import { openCatalogue } from '../../../shared/catalogue/catalogue.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import type { Applicant } from '../../../shared/enrollment/authentication/applicant.ts';
import { authenticate } from '../../../shared/enrollment/authentication/authenticate.ts';
import { readStandingGrant } from '../../../shared/enrollment/grants.ts';
import { issueToken } from '../../../shared/enrollment/token-request.ts';
import { readEnvelope } from '../../../shared/wire/soap.ts';
import { readRequestSecurityToken } from '../../../shared/wire/wstep.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { signingRequest, tokenRequest } from '../../support/wire.ts';
import { memoryAuthority } from '../certificates/memory-authority.ts';

vi.mock('../../../shared/enrollment/authentication/authenticate.ts');

const USER = 'kim@example.org';
const read = (parts: { csr: string; deviceId: string; hwDevId?: string; enrollmentType?: string }) => {
  const envelope = readEnvelope(Buffer.from(tokenRequest({ user: USER, secret: '', ...parts })));
  return { envelope, request: readRequestSecurityToken(envelope) };
};

test('of a request that its applicant signed, what was signed counts: its device and its key, not what came', async () => {
  const storage = new MemoryStorage();
  const authority = await memoryAuthority(new Date());
  const [signedKey, otherKey] = [signingRequest(), signingRequest()];
  const came = read({ csr: otherKey, deviceId: 'CAME', hwDevId: 'CAME-HW', enrollmentType: 'Device' });
  const { request: signedRequest } = read({ csr: signedKey, deviceId: 'SIGNED', hwDevId: 'SIGNED-HW' });
  const grant = await readStandingGrant(storage, USER);
  const admission = { way: 'certificate', kind: 'deviceOnly' } as const;
  const applicant: Applicant = { user: USER, grant, readAgain: async () => grant, admission, signedRequest };
  vi.mocked(authenticate).mockResolvedValue(applicant);

  const services = {
    storage,
    catalogue: openCatalogue(storage),
    ca: async () => authority,
    appKey: async () => Buffer.alloc(32),
    deviceAuth: 'certificate' as const,
    providerId: 'Lanyard',
    manageUrl: 'https://manage.example.org',
    log: new MemoryLog(),
  };
  const progress = { traceId: '20260301-0d2b86b263e1', step: 'reading' as const };
  const { device } = await issueToken(services, came.envelope, came.request, progress);

  expect(device.enrollmentType).toBe('Full');
  expect(JSON.stringify(device)).toContain('SIGNED-HW');
  expect(JSON.stringify(device)).not.toContain('CAME');
  const [certificate] = device.certificates;
  expect(certificate?.publicKeyHash).toBe(keyHash(signedKey));
  expect(certificate?.publicKeyHash).not.toBe(keyHash(otherKey));
});

function keyHash(csr: string): string {
  return readSigningRequest(Buffer.from(csr, 'base64')).publicKeyHash;
}
