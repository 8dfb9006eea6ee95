import { expect, test } from 'vitest';
import { observeStorage, services } from '../../functions/services.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();
const PROVIDER = './Vendor/MSFT/DMClient/Provider/Lanyard';
const SETTINGS = {
  support: { phone: '+49 30 5550100', email: 'help@example.org', website: 'https://help.example.org/mdm' },
  deviceDefaults: {
    nameTemplate: 'LAP-%SERIAL%',
    userMayDisconnect: false,
    completePage: { title: 'Welcome', text: 'Your PC is ready.' },
  },
};

const change = (settings: object) => lanyard().admin.call('PUT', '/api/settings', settings);

test('a PC shows the help desk after its first session, and refuses Disconnect until that is allowed again', async () => {
  await change(SETTINGS);
  const { device, id } = await lanyard().enrolledDevice();
  expect(device.valueOf(`${PROVIDER}/HelpPhoneNumber`)).toBeUndefined();
  await expect(lanyard().get(`/api/devices/${id}`)).resolves.toMatchObject({ userCanDisconnect: { allowed: true } });

  expect((await device.sync()).remarks).toEqual([]);
  const node = (name: string) => device.valueOf(`${PROVIDER}/${name}`);
  expect(['HelpPhoneNumber', 'HelpEmailAddress', 'HelpWebsite'].map(node)).toEqual(Object.values(SETTINGS.support));
  expect(node('CustomEnrollmentCompletePage/Title')).toBe('Welcome');
  await expect(device.unenroll()).rejects.toMatchObject({ hresult: '0x80070005' });
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
    userCanDisconnect: { allowed: false, reason: expect.stringContaining('AllowManualMDMUnenrollment') },
    defaults: { 'support.phone': { state: 'done', status: 200 } },
  });

  await change({ ...SETTINGS, deviceDefaults: { ...SETTINGS.deviceDefaults, userMayDisconnect: true } });
  const second = await device.sync();
  expect(second.commandsRun.map(({ verb, target }) => `${verb} ${target}`)).toEqual([
    'Delete ./Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment',
  ]);
  expect((await device.sync()).commandsRun).toEqual([]);
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({ userCanDisconnect: { allowed: true } });
  await expect(device.unenroll()).resolves.toMatchObject({ unenrolled: true });
});

test('a PC keeps what it was given while settings of a later version cannot be read', async () => {
  await change(SETTINGS);
  const { device } = await lanyard().enrolledDevice();
  await device.sync();
  const { storage, catalogue } = services();
  const policy = { ...SETTINGS, ofALaterVersion: true };
  await storage.table('catalogue').write('catalogue', [{ kind: 'upsert', rowKey: 'policy', value: { policy } }]);
  catalogue.forget();
  expect((await device.sync()).commandsRun).toEqual([]);
  await expect(device.unenroll()).rejects.toMatchObject({ hresult: '0x80070005' });
  await lanyard().admin.call('PUT', '/api/settings?replace=unreadable', SETTINGS);
});

test('a PC gets its name by the template, which holds after a restart that nobody forces', async () => {
  await change(SETTINGS);
  const machine = { serialNumber: '5CG1234' };
  const { device, id } = await lanyard().enrolledDevice({ machine });
  const { commandsRun } = await device.sync();
  expect(commandsRun.some(({ verb }) => verb === 'Exec')).toBe(false);
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
    name: device.machine.name,
    notes: [expect.stringContaining('after its next restart')],
  });
  await device.restart();
  expect(device.machine.name).toBe('LAP-5CG1234');
  lanyard().pass({ days: 8 });
  await device.sync();
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({ name: 'LAP-5CG1234' });
});

test('a PC of a domain keeps its name, and its record says whom settings reach', async () => {
  await change(SETTINGS);
  const { device, id } = await lanyard().enrolledDevice({ machine: { join: 'domain', domainName: 'corp.example' } });
  const notes = [expect.stringContaining('corp.example')];
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
    enrollment: { DomainName: 'corp.example' },
    notes,
  });
  const { commandsRun } = await device.sync();
  expect(commandsRun.filter(({ verb, target }) => verb === 'Replace' && target.includes('DNSComputerName'))).toEqual(
    [],
  );
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({ join: { kind: 'domain' }, notes });
});

test('a PC that does not know a part is asked once, and the others reach it', async () => {
  await change(SETTINGS);
  const nodes = [{ path: `${PROVIDER}/HelpPhoneNumber`, access: [], answers: { Replace: 404, Add: 404 } }];
  const { device, id } = await lanyard().enrolledDevice({ nodes });
  await device.sync();
  expect((await device.sync()).commandsRun).toEqual([]);
  expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
    defaults: { 'support.phone': { state: 'failed', status: 404 }, 'support.email': { state: 'done' } },
  });
});

test("a refused PC names the help desk's page, and ours where there is none", async () => {
  const wrong = { server: lanyard().local.enrollUrl, user: 'kim@example.org', secret: '0000-0000-0000-0000' };
  const device = await lanyard().newDevice();
  await change(SETTINGS);
  await expect(device.enroll(wrong)).rejects.toMatchObject({
    message: expect.stringMatching(/has ended\. Help: https:\/\/help\.example\.org\/mdm$/),
  });
  await change({});
  const ours = `has ended. Help: ${lanyard().local.enrollUrl}/help`;
  await expect(device.enroll(wrong)).rejects.toMatchObject({ message: expect.stringContaining(ours) });
});

test('what a PC is given costs no call to storage', async () => {
  await change(SETTINGS);
  const { device } = await lanyard().enrolledDevice();
  await device.sync();
  await change({ ...SETTINGS, support: { ...SETTINGS.support, phone: '+49 30 5550199' } });
  await lanyard().get('/api/settings');
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => {
    calls.push(`${service} ${operation} ${name}`);
  });
  expect((await device.sync()).commandsRun).toHaveLength(1);
  observeStorage(undefined);
  const message = ['table query devices', 'table transaction devices'];
  expect(calls).toEqual([...message, ...message]);
});
