import { describe, expect, test } from 'vitest';
import { readDeepLink } from '../../local/device/deep-link.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();
const GUID = '0F2C7B1E-58A1-4A0E-9F0D-2F4B7F1C9A11';

/** A PC whose user presses the link and types the secret. */
async function enrollBy(deepLink: string, secret: string) {
  const { server = '', user = '' } = readDeepLink(deepLink);
  const device = await lanyard().newDevice();
  const { enrollmentId } = await device.enroll({ server, user, secret });
  return lanyard().get(`/api/devices/${enrollmentId}`);
}

describe('a deep link', () => {
  test('brings what the administrator said of the PC into its record', async () => {
    const { deepLink, secret, id } = await lanyard().invite('kim@example.org', {
      ownership: 'personal',
      deviceIdentifier: GUID,
      tenantIdentifier: 'Haus Süd & Co',
    });
    expect(readDeepLink(deepLink)).toMatchObject({
      mode: 'mdm',
      ownership: '2',
      deviceIdentifier: GUID.toLowerCase(),
      tenantIdentifier: 'Haus Süd & Co',
      accessToken: undefined,
    });
    expect((await enrollBy(deepLink, secret)).admission).toEqual({
      way: 'invitation',
      kind: 'deviceOnly',
      invitationId: id,
      ownership: 'personal',
      deviceIdentifier: GUID.toLowerCase(),
      tenantIdentifier: 'Haus Süd & Co',
    });
  });

  test('carries the secret only where the organisation wants it', async () => {
    await lanyard().admin.call('PUT', '/api/settings', { invitations: { secretInLink: true } });
    const { deepLink, secret } = await lanyard().invite();
    expect(readDeepLink(deepLink).accessToken).toBe(secret);
    await lanyard().admin.call('PUT', '/api/settings', {});
    expect((await lanyard().invite()).deepLink).not.toContain('accesstoken');
  });

  test.each<[object, string, RegExp]>([
    [{ mode: 'awa' }, 'mode', /work account/],
    [{ ownership: 'mine' }, 'ownership', /.+/],
    [{ deviceIdentifier: 'PC-1' }, 'deviceIdentifier', /GUID/],
    [{ deviceIdentifier: GUID, maxDevices: 2 }, 'deviceIdentifier', /one device/],
    [{ tenantIdentifier: '' }, 'tenantIdentifier', /.+/],
    [{ tenantIdentifier: 'a\u0000b' }, 'tenantIdentifier', /XML/],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt', /past/],
    [{ expiresAt: '2099-01-01T00:00:00Z' }, 'expiresAt', /away/],
    [{ expiresAt: 'tomorrow' }, 'expiresAt', /.+/],
    [{ expiresAt: '2099-01-01T00:00:00Z', expiresInHours: 1 }, 'expiresAt', /together/],
  ])('is refused with %j', async (more, field, message) => {
    await expect(lanyard().invite('kim@example.org', more)).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(new RegExp(`${field}: .*${message.source}`)),
    });
  });
});

describe('a tenant', () => {
  test('that the organisation has set is in every link, and no other is taken', async () => {
    await lanyard().admin.call('PUT', '/api/settings', { invitations: { tenantIdentifier: 'contoso.example' } });
    const { deepLink } = await lanyard().invite();
    expect(readDeepLink(deepLink).tenantIdentifier).toBe('contoso.example');
    await expect(lanyard().invite('kim@example.org', { tenantIdentifier: 'other.example' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/tenantIdentifier: .*contoso\.example/),
    });
    await expect(lanyard().invite('kim@example.org', { tenantIdentifier: 'Contoso.Example' })).resolves.toBeDefined();
  });

  test('that was set after a link was sent refuses the PC that comes by it, and costs no use', async () => {
    await lanyard().admin.call('PUT', '/api/settings', {});
    const invitation = await lanyard().invite('lee@example.org', { tenantIdentifier: 'other.example' });
    await lanyard().admin.call('PUT', '/api/settings', { invitations: { tenantIdentifier: 'contoso.example' } });
    await expect(enrollBy(invitation.deepLink, invitation.secret)).rejects.toMatchObject({ hresult: '0x80180003' });
    await lanyard().admin.call('PUT', '/api/settings', {});
    expect(await enrollBy(invitation.deepLink, invitation.secret)).toMatchObject({ state: 'enrolled' });
  });
});
