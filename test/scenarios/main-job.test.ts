import { expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

test('a PC enrolls, is managed and is unenrolled', async () => {
  const { local, get, post } = bound();
  const invitation = await lanyard().invite('adele@example.org');
  expect(invitation.secret).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
  expect(invitation.deepLink).toMatch(
    /^ms-device-enrollment:\?mode=mdm&username=adele%40example\.org&servername=https/,
  );

  const device = await lanyard().newDevice({ name: 'PC-ADELE' });
  const enrollment = await device.enroll({
    server: local.enrollUrl,
    user: 'adele@example.org',
    secret: invitation.secret,
  });
  expect(enrollment.remarks).toEqual([]);
  const id = enrollment.enrollmentId;
  expect(await get('/api/devices')).toMatchObject({
    items: [{ id, name: 'PC-ADELE', user: 'adele@example.org', state: 'enrolled' }],
  });

  const first = await device.sync();
  expect(first.remarks).toEqual([]);
  expect(first.commandsRun.every(({ verb }) => verb === 'Get')).toBe(true);
  const known = await get(`/api/devices/${id}`);
  expect(known).toMatchObject({
    id,
    state: 'enrolled',
    join: { kind: 'none' },
    facts: { osPlatform: expect.any(String) },
  });
  expect(known.lastContact).toBeDefined();

  const queued = await post(`/api/devices/${id}/commands`, [
    { verb: 'Get', target: './DevDetail/SwV' },
    {
      verb: 'Replace',
      target: './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment',
      data: '1',
      format: 'int',
    },
  ]);
  expect(queued.items.map((item: { id: string }) => item.id)).toEqual(['000000000001', '000000000002']);
  await device.sync();
  const result = await get(`/api/devices/${id}/commands/000000000001`);
  expect(result).toMatchObject({ verb: 'Get', target: './DevDetail/SwV', state: 'done', status: 200 });
  expect(result.results[0].data).toMatch(/^10\.0\./);
  expect(await get(`/api/devices/${id}/commands/000000000002`)).toMatchObject({ state: 'done', status: 200 });

  expect(await post(`/api/devices/${id}/unenroll`)).toMatchObject({
    state: 'unenrolling',
    unenroll: { state: 'waiting' },
  });
  const last = await device.sync();
  expect(last).toMatchObject({ unenrolled: true, unenrollAlert: { data: '1', delivered: true } });
  expect(await get(`/api/devices/${id}`)).toMatchObject({ state: 'unenrolled', unenroll: { state: 'confirmed' } });
  expect(device.show()).toMatchObject({ enrolled: false });
  expect(await get('/api/devices')).toMatchObject({ items: [{ id, state: 'unenrolled' }] });
});

test('every command line of the readme is true of the addresses: each port serves its own apps', async () => {
  const { local } = bound();
  expect((await local.admin.send('POST', '/ManagementServer/MDM.svc', '')).status).toBe(404);
  expect((await local.admin.send('GET', '/EnrollmentServer/Discovery.svc')).status).toBe(200);
});

function bound() {
  const it = lanyard();
  return { local: it.local, get: it.get.bind(it), post: it.post.bind(it) };
}
