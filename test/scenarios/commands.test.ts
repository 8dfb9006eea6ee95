import { describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import type { NetworkFaults } from '../../local/device/network-faults.ts';
import { useLanyard } from '../support/lanyard.ts';
import { everythingStored } from '../support/stored.ts';

const lanyard = useLanyard();
const POLICY = './Device/Vendor/MSFT/Policy/Config/Area';

const show = (id: string, command: string) => lanyard().get(`/api/devices/${id}/commands/${command}`);
const commandsOf = async (id: string) => (await lanyard().get(`/api/devices/${id}/commands`)).items;

async function queueAtomic(id: string, commands: object[]): Promise<string> {
  return (await lanyard().post(`/api/devices/${id}/commands`, { verb: 'Atomic', commands })).items[0].id;
}

describe('an Atomic', () => {
  test('does all of its parts, and each has a status of its own', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    const command = await queueAtomic(id, [
      { verb: 'Add', target: `${POLICY}/A`, data: '1' },
      { verb: 'Replace', items: [{ target: `${POLICY}/B`, data: '2' }] },
    ]);
    await device.sync();
    expect(await show(id, command)).toMatchObject({
      verb: 'Atomic',
      state: 'done',
      status: 200,
      commands: [{ verb: 'Add' }, { verb: 'Replace' }],
      results: [{ status: 200 }, { status: 200 }],
    });
    expect([device.valueOf(`${POLICY}/A`), device.valueOf(`${POLICY}/B`)]).toEqual(['1', '2']);
  });

  test('that fails keeps nothing, and says which part failed and what became of the others', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    const command = await queueAtomic(id, [
      { verb: 'Replace', target: `${POLICY}/A`, data: '1' },
      { verb: 'Replace', target: './DevDetail/SwV', data: '1' },
      { verb: 'Replace', target: `${POLICY}/C`, data: '3' },
    ]);
    await device.sync();
    const shown = await show(id, command);
    expect(shown).toMatchObject({ state: 'failed', status: 507 });
    expect(shown.results.map(({ status }: { status: number }) => status)).toEqual([216, 405, 215]);
    expect(shown.reason).toMatch(/Replace \.\/DevDetail\/SwV \(part 2\) was answered 405.*Nothing of it was kept/);
    expect(device.valueOf(`${POLICY}/A`)).toBeUndefined();
  });

  test('goes again with a Replace for what is there already', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    await lanyard().queue(id, 'Add', `${POLICY}/A`, { data: 'old' });
    await device.sync();
    const command = await queueAtomic(id, [
      { verb: 'Add', target: `${POLICY}/A`, data: 'new' },
      { verb: 'Add', target: `${POLICY}/B`, data: 'new' },
    ]);
    await device.sync();
    expect(await show(id, command)).toMatchObject({ state: 'done', commands: [{ verb: 'Add' }, { verb: 'Add' }] });
    expect([device.valueOf(`${POLICY}/A`), device.valueOf(`${POLICY}/B`)]).toEqual(['new', 'new']);
  });

  test('for the user waits until he signs in', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    const target = './User/Vendor/MSFT/Policy/Config/Area/A';
    const command = await queueAtomic(id, [{ verb: 'Replace', target, data: '1' }]);
    await device.sync({ loginStatus: 'none' });
    expect(await show(id, command)).toMatchObject({ state: 'waiting', waitingFor: 'userSignIn' });
    await device.sync();
    expect(await show(id, command)).toMatchObject({ state: 'done' });
  });
});

describe('secret data', () => {
  const SECRET = 'Pa55-phrase-of-hers';
  const NODE = './Device/Vendor/MSFT/Accounts/Users/kim/Password';
  const nowhere = async () => {
    const stored = await everythingStored(lanyard().local.storage);
    // That replies which are kept are among what is looked through.
    expect(stored).toContain('<SyncHdr>');
    expect(stored).not.toContain(SECRET);
    expect(lanyard().logs.join('\n')).not.toContain(SECRET);
  };

  test('reaches the device and lies nowhere, whether the command waits, was sent or has ended', async () => {
    const network: NetworkFaults = {};
    const { device, id } = await lanyard().enrolledDevice({ network });
    const headers = { 'Idempotency-Key': 'secret-1' };
    const body = [
      { verb: 'Add', target: NODE, data: SECRET },
      { verb: 'Replace', target: `${POLICY}/Hidden`, data: SECRET, secret: true },
    ];
    const queued = await lanyard().post(`/api/devices/${id}/commands`, body, headers);
    expect(queued.items.map((each: { items: unknown[] }) => each.items[0])).toMatchObject([
      { target: NODE, data: '***', secret: true },
      { target: `${POLICY}/Hidden`, data: '***', secret: true },
    ]);
    expect(await lanyard().post(`/api/devices/${id}/commands`, body, headers)).toEqual(queued);
    await nowhere();

    // The reply that carries it is lost: it is kept for a repetition.
    await device.sync({ loginStatus: 'none' }).catch(() => undefined);
    await nowhere();
    expect((await commandsOf(id)).map(({ state }: { state: string }) => state)).toEqual(['done', 'done']);
    expect(device.valueOf(NODE)).toBe(SECRET);
    expect(device.valueOf(`${POLICY}/Hidden`)).toBe(SECRET);
    expect(JSON.stringify(await commandsOf(id))).not.toContain(SECRET);
    await nowhere();
  });

  test('is not stored with the reply that carries it, and that reply is given again all the same', async () => {
    const network: NetworkFaults = {};
    const { device, id } = await lanyard().enrolledDevice({ network });
    await device.sync();
    const command = await lanyard().queue(id, 'Add', NODE, { data: SECRET });
    Object.assign(network, { requests: 0, sendTwice: [1], cutOffBefore: [3] });
    await device.sync().catch(() => undefined);
    await nowhere();
    expect(await show(id, command)).toMatchObject({ state: 'sent' });
    Object.assign(network, { sendTwice: [], cutOffBefore: [] });
    await device.sync();
    expect(await show(id, command)).toMatchObject({ state: 'done' });
    await nowhere();
  });

  test('that a Get brings is not kept and not shown', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    await lanyard().queue(id, 'Add', './Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml', { data: `<key>${SECRET}</key>` });
    const command = await lanyard().queue(id, 'Get', './Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml');
    await device.sync();
    expect(await show(id, command)).toMatchObject({ state: 'done', results: [{ status: 200, data: '***' }] });
    await nowhere();
  });
});

describe('a command that was not sent in time', () => {
  test('is expired by the timer, and is not sent', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    await device.sync();
    const [short, long] = [
      await lanyard().queue(id, 'Get', './DevDetail/SwV', { expiresInHours: 1 }),
      await lanyard().queue(id, 'Get', './DevDetail/HwV'),
    ];
    lanyard().pass({ hours: 2 });
    await lanyard().local.host.fireTimer('expired-commands');
    expect(await show(id, short)).toMatchObject({ state: 'expired', reason: expect.stringContaining('not sent') });
    expect(await show(id, long)).toMatchObject({ state: 'waiting' });
    const { commandsRun } = await device.sync();
    const queued = commandsRun.map(({ target }) => target).filter((target) => /SwV$|HwV$/.test(target));
    expect(queued).toEqual(['./DevDetail/HwV']);
  });

  test('is expired where it would be sent, and one that was sent never', async () => {
    const network: NetworkFaults = {};
    const { device, id } = await lanyard().enrolledDevice({ network });
    await device.sync();
    const sent = await lanyard().queue(id, 'Get', './DevDetail/SwV', { expiresInHours: 1 });
    Object.assign(network, { requests: 0, cutOffBefore: [2] });
    await device.sync().catch(() => undefined);
    const late = await lanyard().queue(id, 'Get', './DevDetail/HwV', { expiresInHours: 1 });
    lanyard().pass({ hours: 2 });
    Object.assign(network, { cutOffBefore: [] });
    await device.sync();
    expect(await show(id, sent)).toMatchObject({ state: 'done' });
    expect(await show(id, late)).toMatchObject({ state: 'expired' });
  });
});

describe('a value of five megabytes', () => {
  const LARGE = './Vendor/MSFT/Test/Large';
  const value = `<begin>${'0123456789äöü🙂 '.repeat(300_000)}`.slice(0, 3_960_000);
  const nodes = [
    { path: LARGE, access: ['Get' as const], format: 'xml', value },
    { path: `${LARGE}2`, access: ['Get' as const], value: 'y'.repeat(6 * 1024 * 1024) },
  ];

  test('comes in pieces, is kept as it is, and is shown by its beginning and a path of its own', async () => {
    expect(Buffer.byteLength(value)).toBeGreaterThan(4.9 * 1024 * 1024);
    const { device, id } = await lanyard().enrolledDevice({ nodes, machine: { pieceCharacters: 900_000 } });
    const command = await lanyard().queue(id, 'Get', LARGE);
    const behind = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    await device.sync();
    expect(await show(id, behind)).toMatchObject({ state: 'done' });
    const read: string[] = [];
    observeStorage(({ service }) => void (service === 'blob' && read.push(service)));
    const shown = await show(id, command);
    observeStorage(undefined);
    expect(read).toEqual([]);
    expect(shown).toMatchObject({
      state: 'done',
      results: [{ status: 200, format: 'xml', size: Buffer.byteLength(value) }],
    });
    expect(shown.results[0].head).toBe(value.slice(0, 200));
    expect(JSON.stringify(shown).length).toBeLessThan(2_000);
    const whole = await lanyard().get(shown.results[0].href);
    expect(whole.data === value).toBe(true);
  });

  test('that is larger is not kept, the answer says so, and what is behind it goes on', async () => {
    const { device, id } = await lanyard().enrolledDevice({ nodes, machine: { pieceCharacters: 900_000 } });
    const command = await lanyard().queue(id, 'Get', `${LARGE}2`);
    const behind = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    await device.sync();
    expect(await show(id, command)).toMatchObject({
      state: 'failed',
      results: [{ note: expect.stringContaining('5 MiB') }],
    });
    expect(await show(id, behind)).toMatchObject({ state: 'done' });
    const stored = await lanyard().storage.blobs('results').read(`${id}/${command}/0-1.0`);
    expect(stored).toHaveLength(0);
  });

  test('of a result that is not there is a 404', async () => {
    const { device, id } = await lanyard().enrolledDevice();
    const command = await lanyard().queue(id, 'Get', './DevDetail/SwV');
    await expect(show(id, `${command}/results/0`)).rejects.toMatchObject({ status: 404 });
    await device.sync();
    expect(await show(id, `${command}/results/0`)).toMatchObject({ status: 200, data: '10.0.26200.9278' });
    await expect(show(id, `${command}/results/1`)).rejects.toMatchObject({ status: 404 });
    await expect(show(id, `${command}/results/x`)).rejects.toMatchObject({ status: 404 });
  });
});

test('a command over which the device gives up does not keep the others: they go, and it is rejected with the reason', async () => {
  const nodes = [{ path: './Vendor/MSFT/Test/Poison', access: ['Get' as const], value: '', chokes: true as const }];
  const { device, id } = await lanyard().enrolledDevice({ nodes });
  await device.sync();
  const before = await lanyard().queue(id, 'Get', './DevDetail/SwV');
  const poison = await lanyard().queue(id, 'Get', './Vendor/MSFT/Test/Poison');
  const behind = await lanyard().queue(id, 'Get', './DevDetail/HwV');
  await device.sync();
  expect(await show(id, before)).toMatchObject({ state: 'sent' });
  await device.sync();
  expect(await show(id, before)).toMatchObject({ state: 'done' });
  await device.sync();
  await device.sync();
  expect(await show(id, poison)).toMatchObject({ state: 'rejected', reason: expect.stringContaining('aborted 3') });
  expect(await show(id, behind)).toMatchObject({ state: 'done' });
});

test.each([
  ['0', { state: 'done', results: [{ status: 200 }] }],
  ['-2147023293', { state: 'failed', results: [{ status: 500, originalError: '0x80070643' }] }],
])('what a device tells later of a command that it accepted ends it: %s', async (later, end) => {
  const path = './Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B1%7D/DownloadInstall';
  const nodes = [{ path, access: ['Exec' as const], exec: 202, later }];
  const { device, id } = await lanyard().enrolledDevice({ nodes });
  const command = await lanyard().queue(id, 'Exec', path.replace('./', './Device/'), { data: '<MsiInstallJob/>' });
  await device.sync();
  expect(await show(id, command)).toMatchObject({ state: 'accepted', results: [{ status: 202 }] });
  await device.sync();
  expect(await show(id, command)).toMatchObject(end);
});

test('a node that an Add finds there is replaced, and one that cannot be says both', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  for (const target of [`${POLICY}/A`, './Device/Vendor/MSFT/Accounts/Domain/ComputerName']) {
    await lanyard().queue(id, 'Add', target, { data: 'one' });
    await lanyard().queue(id, 'Add', target, { data: 'two' });
  }
  await device.sync();
  const states = (await commandsOf(id)).map(({ state }: { state: string }) => state);
  expect(states).toEqual(['done', 'done', 'done', 'failed']);
  expect(device.valueOf(`${POLICY}/A`)).toBe('two');
  expect((await commandsOf(id))[3].reason).toContain('exists already (418) and could not be replaced (405)');
});

test('commands that would cut the device off are refused with the reason, the authority of this management among them', async () => {
  const { id } = await lanyard().enrolledDevice();
  const { issuers } = await (await import('../../functions/services.ts')).services().catalogue.read();
  const own = issuers[0]!.fingerprint.replaceAll(':', '');
  for (const target of [
    './Device/Vendor/MSFT/DMClient/Provider/Lanyard',
    `./Vendor/MSFT/RootCATrustedCertificates/Root/${own}`,
    `./Vendor/MSFT/CertificateStore/Root/System/${own}`,
  ]) {
    const refused = lanyard().queue(id, 'Delete', target);
    await expect(refused).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('cut the device off'),
    });
  }
  await lanyard().queue(id, 'Delete', `./Vendor/MSFT/RootCATrustedCertificates/Root/${'0'.repeat(40)}`);
});
