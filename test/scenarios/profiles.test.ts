import { expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import type { NodeDefinition, Verb } from '../../local/device/csp-tree.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();
const SET: Verb[] = ['Get', 'Add', 'Replace', 'Delete'];
const POLICY = './Vendor/MSFT/Policy/Config';
const PASSWORD = 'Pa55-phrase-of-the-office';

/** What a PC has beside what every simulated one has. */
const NODES: NodeDefinition[] = [
  { path: './Vendor/MSFT/BitLocker', access: SET, open: { replaceCreates: true } },
  ...['DomainProfile', 'PrivateProfile', 'PublicProfile'].flatMap((profile): NodeDefinition[] => {
    const top = `./Vendor/MSFT/Firewall/MdmStore/${profile}`;
    const access: Verb[] = ['Get', 'Replace'];
    return [
      { path: `${top}/EnableFirewall`, access, format: 'bool', value: 'true' },
      { path: `${top}/DefaultInboundAction`, access, format: 'int', value: '1' },
      { path: `${top}/DefaultOutboundAction`, access, format: 'int', value: '0' },
      { path: `${top}/AllowLocalPolicyMerge`, access, format: 'bool', value: 'true' },
    ];
  }),
];

// biome-ignore lint/suspicious/noExplicitAny: tests read what they need of the JSON
const put = (name: string, body: object) => lanyard().admin.call<any>('PUT', `/api/profiles/${name}`, body);
const remove = (name: string) => lanyard().admin.call('DELETE', `/api/profiles/${name}`);
const problems = async (path: string, method = 'GET', body?: unknown) => {
  try {
    return await lanyard().admin.call(method, path, body);
  } catch (error) {
    return (error as Error).message;
  }
};
const custom = (name: string, value: string, more: object = {}) => ({
  settings: [{ target: `./Device/Vendor/MSFT/Policy/Config/${name}`, value, format: 'int' }],
  ...more,
});
type Device = Awaited<ReturnType<ReturnType<typeof lanyard>['enrolledDevice']>>['device'];
const changesOf = async (device: Device) =>
  (await device.sync()).commandsRun
    .filter(({ verb }) => verb !== 'Get')
    .map(({ verb, target, status }) => `${verb} ${target.split('/').slice(-2).join('/')} ${status}`);
const stateOf = (id: string) => lanyard().get(`/api/devices/${id}/profiles`);

test('a PC is given a profile, shows it, is corrected a day later, and loses it', async () => {
  const path = `${POLICY}/Update/DeferQualityUpdatesPeriodInDays`;
  const definition: NodeDefinition = { path, access: SET, format: 'int' };
  const { device, id } = await lanyard().enrolledDevice({ nodes: [definition] });
  await device.sync();
  const made = await put('ring', { template: 'windows-update', assignedTo: { devices: [id] } });
  expect(made).toMatchObject({
    profile: { name: 'ring', template: { name: 'windows-update' } },
    effectiveWithinSeconds: 60,
  });
  expect(await changesOf(device)).toHaveLength(9);
  expect(device.valueOf(path)).toBe('7');
  expect(await stateOf(id)).toMatchObject({ profiles: ['ring'], conflicts: [], leftOut: [] });
  expect((await stateOf(id)).settings.map(({ state }: { state: string }) => state)).toEqual(Array(9).fill('done'));
  expect(await changesOf(device)).toEqual([]);

  await put('ring', { template: 'windows-update', input: { deferQualityDays: 14 } });
  expect(await changesOf(device)).toEqual(['Replace Update/DeferQualityUpdatesPeriodInDays 200']);
  expect(await lanyard().get('/api/profiles/ring')).toMatchObject({ assignedTo: { devices: [id] } });

  // Somebody sets it by hand.
  definition.shows = '0';
  expect(await changesOf(device)).toEqual([]);
  lanyard().pass({ days: 1 });
  expect(await changesOf(device)).toEqual(['Replace Update/DeferQualityUpdatesPeriodInDays 200']);
  delete definition.shows;
  expect(device.valueOf(path)).toBe('14');
  expect((await stateOf(id)).settings[0]).toMatchObject({ state: 'done', drifts: 1 });

  await remove('ring');
  const gone = await changesOf(device);
  expect(gone).toHaveLength(9);
  expect(gone).toContain('Delete Update/DeferQualityUpdatesPeriodInDays 200');
  expect(device.valueOf(path)).toBeUndefined();
  expect(await stateOf(id)).toMatchObject({ profiles: [], settings: [] });
});

test('tags bring profiles and take them away; the list shows them', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await put('screen', custom('Test/Screen', '5', { assignedTo: { tags: ['Sales'] } }));
  expect(await changesOf(device)).toEqual([]);
  const tags = (...names: string[]) => lanyard().admin.call('PUT', `/api/devices/${id}/tags`, { tags: names });
  expect(await tags('sales', 'Berlin')).toMatchObject({ tags: ['berlin', 'sales'] });
  const listed = (await lanyard().get('/api/devices?limit=1000')).items.find((each: { id: string }) => each.id === id);
  expect(listed.tags).toEqual(['berlin', 'sales']);
  expect(await changesOf(device)).toEqual(['Replace Test/Screen 200']);
  await tags('berlin');
  expect(await changesOf(device)).toEqual(['Delete Test/Screen 200']);
  const audit = (await lanyard().get('/api/audit')).items.map(({ act }: { act: string }) => act);
  expect(audit).toEqual(expect.arrayContaining(['tag device', 'put profile']));
  await remove('screen');
});

test('two profiles that contradict each other are named everywhere, and neither wins', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const forIt = { assignedTo: { devices: [id] } };
  await put('one', custom('Test/Volume', '1', forIt));
  expect(await changesOf(device)).toEqual(['Replace Test/Volume 200']);
  const second = await put('two', custom('Test/Volume', '2', forIt));
  expect(second.profile.conflicts).toEqual([expect.objectContaining({ with: 'one', overlap: 'certain' })]);
  expect(await changesOf(device)).toEqual([]);
  expect(device.valueOf(`${POLICY}/Test/Volume`)).toBe('1');
  expect(await stateOf(id)).toMatchObject({
    conflicts: [{ profiles: ['one', 'two'] }],
    settings: [{ state: 'conflict', reason: expect.stringContaining('one, two') }],
  });
  expect((await lanyard().get('/api/profile-conflicts')).items).toEqual([
    { target: './Device/Vendor/MSFT/Policy/Config/Test/Volume', profiles: ['one', 'two'], overlap: 'certain' },
  ]);
  expect((await lanyard().get('/api/profiles/two/devices')).items).toMatchObject([
    { id, problem: { state: 'conflict' } },
  ]);
  await lanyard().post('/api/profiles/one/assignments', { remove: { devices: [id] } });
  expect(await changesOf(device)).toEqual(['Replace Test/Volume 200']);
  expect(device.valueOf(`${POLICY}/Test/Volume`)).toBe('2');
  expect((await lanyard().get('/api/profiles/two/devices')).items).toEqual([]);
  await remove('one');
  await remove('two');
});

test('a setting that a PC refuses is told in words, and found by how long it has failed', async () => {
  const refused: NodeDefinition = { path: `${POLICY}/Test/Hard`, access: SET, answers: { Replace: 500 } };
  const { device, id } = await lanyard().enrolledDevice({ nodes: [refused] });
  await put('hard', custom('Test/Hard', '1', { assignedTo: { devices: [id] } }));
  expect(await changesOf(device)).toEqual(['Replace Test/Hard 500']);
  expect((await stateOf(id)).settings).toMatchObject([
    { state: 'failed', status: 500, reason: 'The device failed to do it.' },
  ]);
  const failing = async (days: number) =>
    (await lanyard().get(`/api/profiles/hard/devices?failedForDays=${days}`)).items;
  expect(await failing(0)).toMatchObject([{ id, problem: { state: 'failed' } }]);
  expect(await failing(2)).toEqual([]);
  lanyard().pass({ days: 3 });
  expect(await failing(2)).toHaveLength(1);
  await remove('hard');
  expect(await changesOf(device)).toEqual([]);
});

test('the ready profiles of policies are taken as they are by a PC that knows which values there are, and others are not', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const forms = ['password', 'windows-update', 'defender'];
  for (const template of forms) await put(template, { template, assignedTo: { devices: [id] } });
  const statuses = (await changesOf(device)).filter((change) => !change.startsWith('Atomic'));
  expect(statuses).toHaveLength(8 + 9 + 7);
  expect(statuses.every((change) => /^Replace .* 200$/.test(change))).toBe(true);
  for (const template of forms) await remove(template);
  await device.sync();
  await put('unknown', custom('Defender/PUAProtection', '3', { assignedTo: { devices: [id] } }));
  expect(await changesOf(device)).toEqual(['Replace Defender/PUAProtection 500']);
  await remove('unknown');
});

test('the key of a Wi-Fi reaches the PC and nothing else', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const body = { template: 'wifi', input: { ssid: 'Office', password: PASSWORD }, assignedTo: { devices: [id] } };
  const made = await put('office', body);
  expect(made.profile).toMatchObject({
    template: { input: { password: '***' } },
    settings: [{ value: '***', secret: true }],
  });
  // The node is not there, so Replace finds none.
  expect(await changesOf(device)).toEqual(['Replace Office/WlanXml 404', 'Add Office/WlanXml 200']);
  expect(device.valueOf('./Vendor/MSFT/WiFi/Profile/Office/WlanXml')).toContain(`<keyMaterial>${PASSWORD}<`);
  await put('office', { ...body, input: { ...body.input, password: '***' } });
  expect(await changesOf(device)).toEqual([]);
  const shown = await Promise.all(
    ['/api/profiles', '/api/profiles/office', '/api/audit', `/api/devices/${id}/profiles`].map((path) =>
      lanyard().get(path),
    ),
  );
  const rows = await Promise.all([
    lanyard().storage.table('catalogue').page('catalogue'),
    lanyard().storage.table('devices').page(id),
  ]);
  expect(JSON.stringify([shown, rows, lanyard().logs])).not.toContain(PASSWORD);
  await remove('office');
  expect(await changesOf(device)).toEqual(['Delete Office/WlanXml 200']);
});

test('BitLocker is refused on a PC whose recovery key would be kept nowhere, and given to one that is joined', async () => {
  const alone = await lanyard().enrolledDevice({ nodes: NODES });
  const joined = await lanyard().enrolledDevice({ nodes: NODES, machine: { join: 'joined' } });
  await put('encrypted', { template: 'bitlocker', assignedTo: { devices: [alone.id, joined.id] } });
  expect(await changesOf(alone.device)).toEqual([]);
  expect((await stateOf(alone.id)).settings.at(-1)).toMatchObject({
    state: 'refused',
    reason: expect.stringContaining('recovery key'),
  });
  expect((await lanyard().get('/api/profiles/encrypted/devices')).items).toMatchObject([
    { id: alone.id, problem: { state: 'refused' } },
  ]);
  expect((await changesOf(joined.device)).at(-1)).toBe('Replace BitLocker/RequireDeviceEncryption 200');
  expect(joined.device.valueOf('./Vendor/MSFT/BitLocker/RequireDeviceEncryption')).toBe('1');
  await remove('encrypted');
});

test('a firewall that cannot be deleted gets the values that Windows has', async () => {
  const { device, id } = await lanyard().enrolledDevice({ nodes: NODES });
  await put('wall', { template: 'firewall', input: { blockOutbound: true }, assignedTo: { devices: [id] } });
  await device.sync();
  const node = './Vendor/MSFT/Firewall/MdmStore/PublicProfile/DefaultOutboundAction';
  expect(device.valueOf(node)).toBe('1');
  await remove('wall');
  const changes = await changesOf(device);
  expect(changes).toHaveLength(12);
  expect(changes.every((each) => /^Replace .* 200$/.test(each))).toBe(true);
  expect(device.valueOf(node)).toBe('0');
});

test('a message takes the same two calls with profiles as without', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  await put('calls', { template: 'defender', assignedTo: { devices: [id] } });
  await put('office', { template: 'wifi', input: { ssid: 'O', password: PASSWORD }, assignedTo: { devices: [id] } });
  await lanyard().get('/api/settings');
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => {
    calls.push(`${service} ${operation} ${name}`);
  });
  const { messages } = await device.sync();
  observeStorage(undefined);
  const message = ['table query devices', 'table transaction devices'];
  expect(calls).toEqual(Array.from({ length: messages }, () => message).flat());
  await remove('calls');
  await remove('office');
});

test('a PC that is to leave is not set to anything', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  await put('late', custom('Test/Late', '1', { assignedTo: { all: true } }));
  await lanyard().post(`/api/devices/${id}/unenroll`);
  const { commandsRun } = await device.sync();
  expect(commandsRun.some(({ target }) => target.includes('Late'))).toBe(false);
  await remove('late');
});

test('what cannot be a profile is refused with the field that is wrong', async () => {
  expect(await problems('/api/profiles/nobody')).toContain('There is no profile nobody');
  expect(await problems('/api/profiles/A_b', 'PUT', custom('Test/A', '1'))).toContain(
    'small letters, digits and dashes',
  );
  expect(await problems('/api/profiles/a', 'PUT', { settings: [] })).toContain('settings');
  expect(await problems('/api/profiles/a', 'PUT', { template: 'bitlocker', input: { method: 'x' } })).toContain(
    'input.method',
  );
  expect(await problems('/api/profiles/a', 'PUT', custom('Test/A', 'x'))).toContain('whole number');
  expect(await problems('/api/profiles/a/assignments', 'POST', {})).toContain('neither add nor remove');
  expect((await lanyard().get('/api/profile-templates')).items.map(({ name }: { name: string }) => name)).toEqual([
    'bitlocker',
    'password',
    'windows-update',
    'defender',
    'firewall',
    'wifi',
    'vpn',
    'certificate-trust',
  ]);
});
