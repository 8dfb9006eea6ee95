import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { discoverRequest } from '../../local/device/discovery.ts';
import { newMachine } from '../../local/device/machine.ts';
import { setClock } from '../../shared/platform/clock.ts';
import { StorageUnavailable } from '../../shared/storage/errors.ts';
import { useLanyard } from '../support/lanyard.ts';
import { UserAuthority } from '../support/user-certificates.ts';
import { faultOf, send, tokenRequest } from '../support/wire.ts';

const lanyard = useLanyard();
const authority = new UserAuthority('Contoso Users');
const kim = authority.issue({ principalNames: ['kim@example.org'] });

const settings = (more: object = {}) => lanyard().admin.call('PUT', '/api/settings', more);
const byCertificate = { ways: ['Certificate', 'OnPremise'], certificates: { issuers: [authority.pem] } };
const shown = (id: string) => lanyard().get(`/api/devices/${id}`);

async function discovered(path = '/EnrollmentServer/Discovery.svc'): Promise<string | undefined> {
  const url = `${lanyard().local.enrollUrl}${path}`;
  const body = discoverRequest(newMachine('PC-1'), 'kim@example.org', url);
  const reply = await send(url, { body, ca: lanyard().local.tlsRoot });
  return /<AuthPolicy>([^<]*)/.exec(reply.body)?.[1];
}

describe('Discovery', () => {
  test('goes by the settings at once, and at the address for Entra by none', async () => {
    await settings({ ways: ['Federated', 'OnPremise'] });
    expect(await discovered()).toBe('Federated');
    await settings({ ways: ['OnPremise'] });
    expect(await discovered()).toBe('OnPremise');
    expect(await discovered('/entra/EnrollmentServer/Discovery.svc')).toBe('Federated');
  });

  test('reads the settings once a minute, whoever asks', async () => {
    await settings({ ways: ['Federated'] });
    const calls: string[] = [];
    observeStorage(({ operation, name }) => void calls.push(`${operation} ${name}`));
    for (let asked = 0; asked < 5; asked += 1) await discovered();
    expect(calls).toEqual(['query catalogue']);
    lanyard().pass({ minutes: 2 });
    await discovered();
    expect(calls).toHaveLength(2);
    observeStorage(undefined);
  });

  test('answers as before while storage is away', async () => {
    await settings({ ways: ['Federated'] });
    expect(await discovered()).toBe('Federated');
    lanyard().pass({ minutes: 2 });
    observeStorage(() => {
      throw new StorageUnavailable('down');
    });
    expect(await discovered()).toBe('Federated');
    observeStorage(undefined);
  });

  test.each(['GET', 'HEAD', 'POST'])('at the address for Entra takes an empty %s calmly', async (method) => {
    const url = `${lanyard().local.enrollUrl}/entra/EnrollmentServer/Discovery.svc`;
    const { status, body } = await send(url, { method, ca: lanyard().local.tlsRoot });
    expect([status, body]).toEqual([200, '']);
  });
});

describe('a way that is not offered', () => {
  test('is refused at the token too, the right secret notwithstanding', async () => {
    await settings({ ways: ['Federated'] });
    const { user, secret } = await lanyard().invite();
    const { enrollUrl, tlsRoot } = lanyard().local;
    const { status, body } = await send(`${enrollUrl}/EnrollmentServer/Enrollment.svc`, {
      body: tokenRequest({ user, secret }),
      ca: tlsRoot,
      localAddress: '127.78.0.1',
    });
    expect([status, faultOf(body).error]).toEqual([500, 'InvalidSecurity']);
    await settings();
    const device = await lanyard().newDevice();
    expect((await device.enroll({ server: enrollUrl, user, secret })).enrollmentId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a user with a certificate', () => {
  beforeAll(() => setClock(() => new Date(lanyard().now())));
  beforeEach(() => settings(byCertificate));
  const account = () => ({ server: lanyard().local.enrollUrl, user: 'someone@example.org', secret: '' });

  test('enrolls as whom the certificate names, and is managed', async () => {
    const device = await lanyard().newDevice();
    const { enrollmentId, remarks } = await device.enroll({ ...account(), certificate: kim });
    expect(remarks).toEqual([]);
    expect((await device.sync()).remarks).toEqual([]);
    expect(await shown(enrollmentId)).toMatchObject({
      user: 'kim@example.org',
      enrollmentType: 'Full',
      admission: { way: 'certificate', kind: 'deviceOnly' },
    });
  });

  test('is refused when nobody trusted issued it', async () => {
    const stranger = new UserAuthority('Contoso Users').issue({ principalNames: ['kim@example.org'] });
    const refused = (await lanyard().newDevice()).enroll({ ...account(), certificate: stranger });
    await expect(refused).rejects.toMatchObject({ hresult: '0x80180002' });
  });

  test('is refused when his PC is five minutes off', async () => {
    for (const minutes of [-6, 6]) {
      const now = () => new Date(lanyard().now().getTime() + minutes * 60_000);
      const device = await lanyard().newDevice({ now });
      await expect(device.enroll({ ...account(), certificate: kim })).rejects.toMatchObject({ hresult: '0x80180002' });
    }
  });

  test('is not asked for it where the way is not in the list', async () => {
    await settings({ ...byCertificate, ways: ['OnPremise'] });
    const { user, secret } = await lanyard().invite();
    const device = await lanyard().newDevice();
    const { enrollmentId } = await device.enroll({ server: account().server, user, secret, certificate: kim });
    expect((await shown(enrollmentId)).admission.way).toBe('invitation');
  });
});

describe('attestation', () => {
  const enroll = async () => {
    const { user, secret } = await lanyard().invite();
    const device = await lanyard().newDevice();
    const { enrollmentId } = await device.enroll({ server: lanyard().local.enrollUrl, user, secret });
    return enrollmentId;
  };

  test('that is wanted brings what the TPM says, which is kept and shown as having come', async () => {
    await settings({ attestation: true });
    const id = await enroll();
    const view = await shown(id);
    expect(view.attestation.items).toMatchObject({
      AIKPub: 'present',
      AIKAttestationClaim: 'present',
      AIKCert: 'absent',
    });
    expect(view.enrollment.RequestVersion).toBe('5.0');
    expect(JSON.stringify(view).length).toBeLessThan(6_000);
    const row = await lanyard().storage.table('devices').get<{ items: Record<string, string> }>(id, '~attestation');
    expect(row?.value.items['AIKAttestationClaim']).toHaveLength(1_624);
  });

  test('that is not wanted brings nothing but why', async () => {
    await settings();
    const { attestation } = await shown(await enroll());
    expect(Object.values(attestation.items)).not.toContain('present');
    expect(attestation).toMatchObject({ status: expect.stringContaining('NoAttestation'), hresult: '0x80070057' });
  });
});
