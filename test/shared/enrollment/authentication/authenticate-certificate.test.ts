import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requestSecurityToken } from '../../../../local/device/security-token.ts';
import { signMessage, type UserCertificate } from '../../../../local/device/signed-request.ts';
import { policySchema } from '../../../../shared/catalogue/policy.ts';
import { authenticate } from '../../../../shared/enrollment/authentication/authenticate.ts';
import { authenticateByCertificate } from '../../../../shared/enrollment/authentication/authenticate-certificate.ts';
import { setClock } from '../../../../shared/platform/clock.ts';
import { USER_TOKEN, X509_TOKEN } from '../../../../shared/wire/namespaces.ts';
import { readEnvelope } from '../../../../shared/wire/soap.ts';
import { readRequestSecurityToken } from '../../../../shared/wire/wstep.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { UserAuthority } from '../../../support/user-certificates.ts';
import { signingRequest } from '../../../support/wire.ts';

const authority = new UserAuthority('Contoso Users');
const kim = authority.issue({ principalNames: ['kim@example.org'] });
const sam = authority.issue({ principalNames: ['sam@example.org'], keys: kim.wish.keys });
const csr = Buffer.from(signingRequest(), 'base64');
const NOW = new Date();
const minutesLater = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const policy = policySchema.parse({ ways: ['Certificate'], certificates: { issuers: [authority.pem] } });

beforeEach(() => setClock(() => NOW));
afterEach(() => setClock(undefined));

function message(certificate: UserCertificate = kim, now = NOW): string {
  return requestSecurityToken({
    credential: { kind: 'certificate', certificate, now },
    to: 'https://enroll.example.org/EnrollmentServer/Enrollment.svc',
    signingRequest: csr,
    context: [
      { name: 'DeviceID', value: 'D1' },
      { name: 'EnrollmentType', value: 'Full' },
    ],
  }).toString();
}

async function prove(text: string, more: { policy?: typeof policy } = {}) {
  const envelope = readEnvelope(Buffer.from(text));
  const request = readRequestSecurityToken(envelope);
  const storage = new MemoryStorage();
  const appKey = async () => Buffer.alloc(32);
  return authenticate({ storage, policy, appKey, envelope, request, report() {}, ...more });
}
const refusalOf = (text: string, more?: { policy?: typeof policy }) =>
  prove(text, more).then(
    ({ user }) => user,
    (error) => error.refusal ?? error,
  );

/** Changes what is to be signed, and signs that. */
function resigned(change: (text: string) => string, certificate = kim): string {
  const bare = message(certificate).replace(/<Signature .*<\/Signature>/s, '');
  return signMessage(Buffer.from(change(bare)), certificate).toString();
}

describe('a request that its user signed', () => {
  test('is his, and what counts of it is what he signed', async () => {
    const { user, admission, signedRequest, grant } = await prove(message());
    expect([user, admission]).toEqual(['kim@example.org', { way: 'certificate', kind: 'deviceOnly' }]);
    expect(grant.value.user).toBe('kim@example.org');
    expect(signedRequest?.token?.data.equals(csr)).toBe(true);
    expect(signedRequest?.context).toContainEqual({ name: 'DeviceID', value: 'D1' });
  });

  test('is his where the certificate is named by the type that the documents have for every token', async () => {
    const documented = resigned((text) => text.replace(`ValueType="${X509_TOKEN}"`, `ValueType="${USER_TOKEN}"`));
    expect(documented).toContain(`ValueType="${USER_TOKEN}"`);
    expect(await refusalOf(documented)).toBe('kim@example.org');
  });

  test('may come again within its minutes, as when the reply was lost', async () => {
    const text = message();
    expect(await refusalOf(text)).toBe('kim@example.org');
    expect(await refusalOf(text)).toBe('kim@example.org');
  });
});

test('a signed message is of no use for another certificate of the same key', async () => {
  const text = message(kim);
  const envelope = readEnvelope(Buffer.from(text));
  const input = { storage: new MemoryStorage(), policy, appKey: async () => Buffer.alloc(32), report() {} };
  const request = readRequestSecurityToken(envelope);
  const asked = (certificate: UserCertificate) =>
    authenticateByCertificate({ ...input, envelope, request }, certificate.certificate.toString('base64'));
  expect((await asked(kim)).user).toBe('kim@example.org');
  await expect(asked(sam)).rejects.toMatchObject({
    refusal: 'badCertificate',
    message: expect.stringContaining('another certificate was signed'),
  });
});

describe('refused is a request', () => {
  test.each([
    ['that was changed on its way', () => message().replace('>D1<', '>D2<')],
    ['with the signature taken away', () => message().replace(/<Signature .*<\/Signature>/s, '')],
    [
      "with another's certificate of the same key put in",
      () => message().replace(kim.certificate.toString('base64'), sam.certificate.toString('base64')),
    ],
    [
      'whose certificate is no base64 of one',
      () => resigned((text) => text.replace(/(u:Id="uuid[^>]*>)[^<]*/, '$1AAAA')),
    ],
    ['signed six minutes ago', () => message(kim, minutesLater(-6))],
    ['signed in six minutes', () => message(kim, minutesLater(6))],
    ['that ended two minutes ago', () => message(kim, minutesLater(-4))],
    ['without a time stamp', () => resigned((text) => text.replace(/<u:Timestamp>.*<\/u:Timestamp>/s, ''))],
    ['whose time stamp is none', () => resigned((text) => text.replace(/<u:Created>[^<]*/, '<u:Created>now'))],
    ['whose time stamp does not end', () => resigned((text) => text.replace(/<u:Expires>.*<\/u:Expires>/s, ''))],
  ])('%s', async (_, text) => {
    expect(await refusalOf(text())).toBe('badCertificate');
  });

  test('where no issuer is trusted', async () => {
    expect(await refusalOf(message(), { policy: policySchema.parse({ ways: ['Certificate'] }) })).toBe(
      'badCertificate',
    );
  });

  test('where the way is not offered, however good it is', async () => {
    const without = policySchema.parse({ certificates: { issuers: [authority.pem] } });
    expect(await refusalOf(message(), { policy: without })).toBe('wayNotOffered');
  });

  test('that brings a name and a secret as well, which count as such and are not offered', async () => {
    const name = '<wsse:UsernameToken><wsse:Username>boss@example.org</wsse:Username></wsse:UsernameToken>';
    const both = resigned((text) => text.replace('<u:Timestamp>', `${name}<u:Timestamp>`));
    expect(await refusalOf(both)).toBe('wayNotOffered');
  });
});
