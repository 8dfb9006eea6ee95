import { expect, test } from 'vitest';
import { readProvisioningPackage } from '../../local/device/provisioning-package.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

function bulkInvitation(more: object = {}) {
  return lanyard().post('/api/invitations', { user: 'workshop@example.org', bulk: true, ...more });
}

test('PCs enroll by one package, as devices without a user, until it is used up', async () => {
  const { provisioningPackage } = await bulkInvitation({ maxDevices: 2, ownership: 'corporate' });
  const request = readProvisioningPackage(provisioningPackage);
  const newPc = () => lanyard().newDevice({ machine: { enrollmentType: 'Device' } });

  const device = await newPc();
  const { enrollmentId, remarks } = await device.enroll(request);
  expect(remarks).toEqual([]);
  expect((await device.sync()).remarks).toEqual([]);
  expect(device.valueOf('./Vendor/MSFT/DMClient/Provider/Lanyard/UPN')).toBeUndefined();
  expect(await lanyard().get(`/api/devices/${enrollmentId}`)).toMatchObject({
    user: 'workshop@example.org',
    enrollmentType: 'Device',
    admission: { way: 'invitation', kind: 'deviceOnly', bulk: true, ownership: 'corporate' },
    userCanDisconnect: { allowed: true, reason: expect.stringContaining('bulk') },
    notes: [expect.stringContaining('no person')],
  });
  await expect(device.unenroll()).resolves.toMatchObject({ unenrolled: true });

  await (await newPc()).enroll(request);
  await expect((await newPc()).enroll(request)).rejects.toMatchObject({ hresult: '0x80180013' });
});

test('a package ends on its day', async () => {
  const end = new Date(lanyard().now().getTime() + 86_400_000).toISOString();
  const { expiresAt, provisioningPackage } = await bulkInvitation({ maxDevices: 50, expiresAt: end });
  expect(expiresAt).toBe(end);
  lanyard().pass({ days: 1, minutes: 1 });
  const device = await lanyard().newDevice({ machine: { enrollmentType: 'Device' } });
  await expect(device.enroll(readProvisioningPackage(provisioningPackage))).rejects.toMatchObject({
    hresult: '0x80180002',
  });
});

test('a call that is sent twice gives the same package', async () => {
  const headers = { 'idempotency-key': 'workshop' };
  const body = { user: 'workshop@example.org', bulk: true, maxDevices: 5 };
  const first = await lanyard().post('/api/invitations', body, headers);
  expect(first.provisioningPackage).toContain(first.secret);
  expect(await lanyard().post('/api/invitations', body, headers)).toEqual(first);
});

test('an ordinary invitation has no package', async () => {
  expect(await lanyard().invite()).not.toHaveProperty('provisioningPackage');
});

test('a package enrolls where the sign-in page comes first, and is not made where no secret is taken', async () => {
  const change = (settings: object) => lanyard().admin.call('PUT', '/api/settings', settings);
  await change({ ways: ['Federated', 'OnPremise'] });
  const { provisioningPackage } = await bulkInvitation();
  const device = await lanyard().newDevice({ machine: { enrollmentType: 'Device', offers: ['OnPremise'] } });
  await expect(device.enroll(readProvisioningPackage(provisioningPackage))).resolves.toBeDefined();
  await change({ ways: ['Federated'] });
  await expect(bulkInvitation()).rejects.toMatchObject({ status: 400, message: expect.stringContaining('OnPremise') });
});
