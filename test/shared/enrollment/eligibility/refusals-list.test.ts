import { describe, expect, test } from 'vitest';
import { openCatalogue } from '../../../../shared/catalogue/catalogue.ts';
import { holdDevice } from '../../../../shared/enrollment/eligibility/decommission-hold.ts';
import {
  block,
  findRefusals,
  listBlocks,
  readBlock,
  unblock,
} from '../../../../shared/enrollment/eligibility/refusals-list.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { enrolledDevice } from '../../../support/partition.ts';

const AT = '2026-03-01T12:00:00.000Z';
const DEVICE = { serial: 'PF3K2A1B', hardwareId: 'AB'.repeat(32) };
const SUBJECT = { user: 'kim@example.org', ...DEVICE };
const HELD = enrolledDevice({ context: { SerialNumber: DEVICE.serial, HWDevID: DEVICE.hardwareId } });
const WHY = { reason: 'stolen', person: 'sam', at: AT };

describe('a block', () => {
  test.each([
    ['user', ' Kim@Example.org ', 'kim@example.org'],
    ['serial', ' pf3k2a1b', 'PF3K2A1B'],
    ['hardwareId', 'ab'.repeat(32), 'AB'.repeat(32)],
  ] as const)('of a %s is found however it is written', async (kind, value, kept) => {
    const storage = new MemoryStorage();
    await block(storage, { kind, value, ...WHY });
    expect(await findRefusals(storage, SUBJECT)).toEqual([{ kind, value: kept, ...WHY }]);
    expect((await readBlock(storage, kind, value)).value.reason).toBe('stolen');
    const nobody = { user: 'kim@example.com', serial: 'PF3K2A1C', hardwareId: 'AC' };
    expect(await findRefusals(storage, nobody)).toEqual([]);
  });

  test('is looked for in one call, whatever is blocked', async () => {
    const storage = new MemoryStorage();
    for (const kind of ['user', 'serial', 'hardwareId'] as const)
      await block(storage, { kind, value: SUBJECT[kind], ...WHY });
    await holdDevice(storage, HELD, WHY);
    storage.calls.length = 0;
    expect(await findRefusals(storage, SUBJECT)).toHaveLength(4);
    expect(storage.calls).toHaveLength(1);
  });

  test('can be taken away once', async () => {
    const storage = new MemoryStorage();
    await block(storage, { kind: 'serial', value: DEVICE.serial, ...WHY });
    expect(await unblock(storage, 'serial', DEVICE.serial.toLowerCase())).toMatchObject({ reason: 'stolen' });
    expect(await findRefusals(storage, SUBJECT)).toEqual([]);
    await expect(unblock(storage, 'serial', DEVICE.serial)).rejects.toMatchObject({ status: 404 });
  });

  test.each([
    ['serial', 'To be filled by O.E.M.'],
    ['serial', '0000000000'],
    ['hardwareId', '0'.repeat(64)],
    ['user', 'kim'],
    ['user', ''],
    ['serial', 'x'.repeat(321)],
    ['serial', '#'.repeat(300)],
  ] as const)('of the %s %j is refused with the reason', async (kind, value) => {
    const storage = new MemoryStorage();
    await expect(block(storage, { kind, value, ...WHY })).rejects.toMatchObject({
      status: 400,
      errors: [{ field: 'value', message: expect.any(String) }],
    });
    expect(storage.calls).toEqual([]);
  });

  test.each(['a/b\\c#d?e', 'ab|cd', "o'neil 12", '1234%'])('of the serial number %j is found', async (value) => {
    const storage = new MemoryStorage();
    await block(storage, { kind: 'serial', value, ...WHY });
    expect(await findRefusals(storage, { user: '', serial: value, hardwareId: '' })).toHaveLength(1);
  });

  test('is listed page by page, a device that is held once and before the others', async () => {
    const storage = new MemoryStorage();
    await holdDevice(storage, HELD, WHY);
    for (const value of ['AAAA1', 'AAAA2', 'AAAA3']) await block(storage, { kind: 'serial', value, ...WHY });
    await block(storage, { kind: 'user', value: 'kim@example.org', ...WHY });
    const first = await listBlocks(storage, { limit: 3 });
    const second = await listBlocks(storage, { limit: 3, cursor: first.next });
    expect([...first.items, ...second.items].map(({ value }) => value)).toEqual([
      HELD.id,
      'AAAA1',
      'AAAA2',
      'AAAA3',
      'kim@example.org',
    ]);
    expect(second.next).toBeUndefined();
  });
});

describe('whoever decides', () => {
  test.each<[string, (storage: MemoryStorage) => Promise<unknown>]>([
    ['a block', (storage) => block(storage, { kind: 'user', value: 'kim@example.org', ...WHY })],
    ['a device that is held', (storage) => holdDevice(storage, HELD, WHY)],
  ])('is told by the catalogue that there is %s to look for', async (_, refuse) => {
    const storage = new MemoryStorage();
    expect((await openCatalogue(storage).read()).hasRefusals).toBeUndefined();
    await refuse(storage);
    expect((await openCatalogue(storage).read()).hasRefusals).toBe(true);
  });
});
