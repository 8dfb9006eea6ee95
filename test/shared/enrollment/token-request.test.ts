import { expect, test } from 'vitest';
import { requestSecurityToken } from '../../../local/device/security-token.ts';
import { openCatalogue } from '../../../shared/catalogue/catalogue.ts';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import { issueToken } from '../../../shared/enrollment/token-request.ts';
import { readEnvelope } from '../../../shared/wire/soap.ts';
import { readRequestSecurityToken } from '../../../shared/wire/wstep.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { UserAuthority } from '../../support/user-certificates.ts';
import { signingRequest, tokenRequest } from '../../support/wire.ts';
import { memoryAuthority } from '../certificates/memory-authority.ts';

const USER = 'kim@example.org';
const keyHash = (csr: string) => readSigningRequest(Buffer.from(csr, 'base64')).publicKeyHash;

test('of a request that its user signed, what was signed counts: its device and its key, not what else was read', async () => {
  const users = new UserAuthority('Contoso Users');
  const [signedKey, otherKey] = [signingRequest(), signingRequest()];
  const signed = requestSecurityToken({
    credential: { kind: 'certificate', certificate: users.issue({ principalNames: [USER] }), now: new Date() },
    to: 'https://enroll.example.org/EnrollmentServer/Enrollment.svc',
    signingRequest: Buffer.from(signedKey, 'base64'),
    context: Object.entries({ DeviceID: 'SIGNED', HWDevID: 'SIGNED-HW', EnrollmentType: 'Full' }).map(
      ([name, value]) => ({
        name,
        value,
      }),
    ),
  });
  const other = { csr: otherKey, deviceId: 'OTHER', hwDevId: 'OTHER-HW', enrollmentType: 'Device' };
  const unsigned = readEnvelope(Buffer.from(tokenRequest({ user: USER, secret: '', ...other })));

  const storage = new MemoryStorage();
  const authority = await memoryAuthority(new Date());
  const catalogue = openCatalogue(storage);
  await catalogue.writePolicy(policySchema.parse({ ways: ['Certificate'], certificates: { issuers: [users.pem] } }));
  const services = {
    storage,
    catalogue,
    ca: async () => authority,
    appKey: async () => Buffer.alloc(32),
    deviceAuth: 'certificate' as const,
    providerId: 'Lanyard',
    enrollUrl: 'https://enroll.example.org',
    manageUrl: 'https://manage.example.org',
    log: new MemoryLog(),
  };
  const progress = { traceId: '20260301-0d2b86b263e1', step: 'reading' as const };
  const request = readRequestSecurityToken(unsigned);
  const { device } = await issueToken(services, readEnvelope(signed), request, progress);

  expect(device).toMatchObject({ user: USER, enrollmentType: 'Full' });
  expect(JSON.stringify(device)).toContain('SIGNED-HW');
  expect(JSON.stringify(device)).not.toContain('OTHER');
  expect(device.certificates.map(({ publicKeyHash }) => publicKeyHash)).toEqual([keyHash(signedKey)]);
});
