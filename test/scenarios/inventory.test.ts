import { expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import type { InventoryListView, InventoryValueView, InventoryView } from '../../shared/devices/inventory-view.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

const inventoryOf = (id: string): Promise<InventoryView> => lanyard().get(`/api/devices/${id}/inventory`);
const value = ({ values }: InventoryView, name: string): InventoryValueView | undefined =>
  values.find((each) => each.name === name);
const list = ({ lists }: InventoryView, name: string): InventoryListView | undefined =>
  lists.find((each) => each.name === name);
const setDays = (days: number) => lanyard().admin.call('PUT', '/api/settings', { inventory: { days } });

test('the first hour is left to the enrollment; then protection, network and apps are read, each with its time', async () => {
  await setDays(7);
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  expect(value(await inventoryOf(id), 'defenderEnabled')).toEqual({
    area: 'protection',
    name: 'defenderEnabled',
    value: null,
  });
  expect(value(await inventoryOf(id), 'secureBoot')).toMatchObject({
    value: '1',
    means: 'on',
    readAt: expect.any(String),
  });

  lanyard().pass({ hours: 2 });
  expect((await device.sync()).remarks).toEqual([]);
  const read = await inventoryOf(id);
  const readAt = lanyard().now().toISOString().slice(0, 10);
  expect(value(read, 'firewall')).toMatchObject({ value: '0', means: 'on', readAt: expect.stringContaining(readAt) });
  expect(value(read, 'defenderSignatureVersion')?.value).toMatch(/^1\./);
  expect(value(read, 'bitLocker')).toMatchObject({ value: '0', means: 'complies' });
  expect(list(read, 'networkAdapters')?.rows).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: device.machine.macs[0]?.replaceAll('-', ''), IPAddressV4: '192.0.2.17' }),
    ]),
  );
  expect(list(read, 'programs')).toMatchObject({
    count: 2,
    rows: expect.arrayContaining([
      {
        id: '{6B1F0E55-7C32-4F0A-9D33-0C4B3E0A9A11}',
        Name: 'Contoso Reader',
        Publisher: 'Contoso',
        Version: '24.2.0',
        MsiProductCode: '{6B1F0E55-7C32-4F0A-9D33-0C4B3E0A9A11}',
      },
    ]),
  });
  expect(list(read, 'storeApps')?.rows).toEqual([
    { id: 'Contoso.Notes_8wekyb3d8bbwe', Name: 'Contoso.Notes', Version: '3.2.0.0', Publisher: 'CN=Contoso' },
  ]);
});

test('it is read again when its days are over, at once when somebody asks, and not otherwise', async () => {
  await setDays(3);
  const { device, id } = await lanyard().enrolledDevice();
  lanyard().pass({ hours: 2 });
  await device.sync();
  lanyard().pass({ days: 2 });
  expect((await device.sync()).commandsRun).toEqual([]);
  expect(await lanyard().post(`/api/devices/${id}/inventory`)).toHaveProperty('wantedAt');
  const asked = await device.sync();
  expect(await inventoryOf(id)).not.toHaveProperty('wantedAt');
  expect(asked.commandsRun.filter(({ target }) => target.endsWith('?list=StructData'))).toHaveLength(3);
  expect((await device.sync()).commandsRun).toEqual([]);
  lanyard().pass({ days: 4 });
  expect((await device.sync()).commandsRun.length).toBeGreaterThan(20);

  await setDays(0);
  lanyard().pass({ days: 5 });
  const { commandsRun } = await device.sync();
  expect(commandsRun.filter(({ target }) => /Defender|list=StructData/.test(target))).toEqual([]);
});

test('a device that lacks nodes or chokes on a list gives the rest, and is not asked for ever', async () => {
  await setDays(7);
  const nodes = [
    { path: './Vendor/MSFT/Defender/Health/TamperProtectionEnabled', access: [], answers: { Get: 406 } },
    {
      path: './Vendor/MSFT/Win32AppInventory/Win32InstalledProgram?list=StructData',
      access: [],
      chokes: true as const,
    },
  ];
  const { device, id } = await lanyard().enrolledDevice({ nodes });
  lanyard().pass({ hours: 2 });
  for (let session = 0; session < 5; session += 1) {
    await device.sync();
    lanyard().pass({ minutes: 5 });
  }
  const read = await inventoryOf(id);
  expect(value(read, 'defenderTamperProtection')).toMatchObject({
    value: null,
    status: 406,
    readAt: expect.any(String),
  });
  expect(value(read, 'firewall')?.value).toBe('0');
  expect(list(read, 'programs')).toMatchObject({ count: 0, rows: [] });
  expect(list(read, 'programs')).not.toHaveProperty('readAt');
  expect(list(read, 'storeApps')?.count).toBe(1);
  expect((await device.sync()).commandsRun).toEqual([]);
});

test('a long list lies beside the record, is cut with a note, and costs no later message', async () => {
  await setDays(7);
  const programs = Array.from({ length: 620 }, (_, index) => ({
    name: `Program ${index}`,
    publisher: 'Contoso',
    version: '1.0',
    productCode: `{00000000-0000-0000-0000-${String(index).padStart(12, '0')}}`,
  }));
  const { device, id } = await lanyard().enrolledDevice({ machine: { programs } });
  lanyard().pass({ hours: 2 });
  await device.sync();
  const shown = list(await inventoryOf(id), 'programs');
  expect(shown).toMatchObject({ count: 500, note: expect.stringContaining('more') });
  expect(shown?.rows).toHaveLength(500);
  expect(new Set(shown?.rows.map(({ Name }) => Name)).size).toBe(500);
  const row = await lanyard().storage.table('devices').get<object>(id, '0device');
  expect(JSON.stringify(row).length).toBeLessThan(24_000);
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => void calls.push(`${service} ${operation} ${name}`));
  await device.sync().finally(() => observeStorage(undefined));
  expect(calls).toEqual(['table query devices', 'table replace devices']);
});
