import { describe, expect, test } from 'vitest';
import { type Command, FINISHED_PREFIX } from '../../../shared/commands/command.ts';
import { commandView } from '../../../shared/commands/command-view.ts';
import { dataKey, KEY_CONTAINER, readDataKey } from '../../../shared/commands/data-key.ts';
import { pruneDevices } from '../../../shared/commands/retention.ts';
import { seal, unseal } from '../../../shared/commands/seal.ts';
import { isSecretNode } from '../../../shared/commands/secret-nodes.ts';
import { eraseSecrets, openItems, sealItems, withFingerprints } from '../../../shared/commands/secrets.ts';
import { DeviceModel } from '../../support/device-model.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { DATA_KEY, enrolledDevice, Partition } from '../../support/partition.ts';

const OTHER_KEY = Buffer.alloc(32, 8);
const SECRET = { target: './A', data: 'Pa55-phrase', secret: true as const };

describe('what is sealed', () => {
  const sealed = seal(DATA_KEY, ['a', 1], Buffer.from('text'));

  test('opens under its key and at its place', () => {
    expect(unseal(DATA_KEY, ['a', 1], sealed)?.toString()).toBe('text');
  });

  test('is another each time, and never what it holds', () => {
    expect(seal(DATA_KEY, ['a', 1], Buffer.from('text')).equals(sealed)).toBe(false);
    expect(sealed.includes('text')).toBe(false);
  });

  test.each([
    ['another key', OTHER_KEY, ['a', 1], sealed],
    ['another place', DATA_KEY, ['a', 2], sealed],
    ['a place of the same letters', DATA_KEY, ['a,1'], sealed],
    ['a shorter one', DATA_KEY, ['a', 1], sealed.subarray(0, -1)],
    ['none', DATA_KEY, ['a', 1], Buffer.alloc(0)],
    ['another version', DATA_KEY, ['a', 1], Buffer.concat([Buffer.from([2]), sealed.subarray(1)])],
  ])('does not open with %s', (_, key, place, bytes) => {
    expect(unseal(key, place, bytes)).toBeUndefined();
  });

  test('does not open with any byte changed', () => {
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(unseal(DATA_KEY, ['a', 1], changed)).toBeUndefined();
    }
  });
});

describe('secret items', () => {
  test('belong to their device, their command and their place in it', () => {
    const items = sealItems(DATA_KEY, 'device', '000000000001', [{ target: './B', data: 'open' }, SECRET]);
    expect(items[0]).toEqual({ target: './B', data: 'open' });
    expect(items[1]).not.toHaveProperty('data');
    const open = (device: string, id: string, moved = items) => openItems(DATA_KEY, device, { id, items: moved });
    expect(open('device', '000000000001')).toEqual(new Map([[1, 'Pa55-phrase']]));
    expect(open('other', '000000000001')).toEqual(new Map([[1, undefined]]));
    expect(open('device', '000000000002')).toEqual(new Map([[1, undefined]]));
    expect(open('device', '000000000001', items.toReversed())).toEqual(new Map([[0, undefined]]));
    expect(eraseSecrets(items)).toEqual([items[0], { target: './A', secret: true }]);
  });

  test('are compared by a keyed hash, which nobody without the key can try out', () => {
    const [one] = withFingerprints(DATA_KEY, [SECRET]);
    expect(one?.data).toMatch(/^[0-9a-f]{64}$/);
    expect(withFingerprints(DATA_KEY, [SECRET])[0]).toEqual(one);
    expect(withFingerprints(OTHER_KEY, [SECRET])[0]?.data).not.toBe(one?.data);
  });
});

test.each([
  ['./Device/Vendor/MSFT/Accounts/Users/kim/Password', true],
  ['./Vendor/MSFT/accounts/users/Kim%20D/PASSWORD', true],
  ['./Vendor/MSFT/Accounts/Users/kim/LocalUserGroup', false],
  ['./User/Vendor/MSFT/VPNv2/Corp/ProfileXML', true],
  ['./Device/Vendor/MSFT/VPNv2/Corp/NativeProfile/Authentication/Eap/Configuration', true],
  ['./Vendor/MSFT/WiFi/Profile/Lab/WlanXml', true],
  ['./Vendor/MSFT/WiFi/Profile/Lab', false],
  ['./Vendor/MSFT/WiFi/Profile?list=StructData', true],
  ['./Vendor/MSFT/Policy/Config/Area?list=StructData', false],
  ['./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/A/PFXCertPassword', true],
  ['./SyncML/DMAcc/A/AppAuth/1/AAuthSecret', true],
])('%s holds a secret: %s', (target, secret) => {
  expect(isSecretNode(target)).toBe(secret);
});

describe('the data key', () => {
  test('is made once, however many ask for it at once, and is the same for all', async () => {
    const storage = new MemoryStorage();
    expect(await readDataKey(storage)).toBeUndefined();
    const keys = await Promise.all([dataKey(storage), dataKey(storage), dataKey(storage)]);
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(keys[0]).toHaveLength(32);
    expect(await readDataKey(storage)).toEqual(keys[0]);
  });

  test('of another size is refused', async () => {
    const storage = new MemoryStorage();
    await storage.blobs(KEY_CONTAINER).write('commands', Buffer.alloc(16));
    await expect(dataKey(storage)).rejects.toThrow('16 bytes');
  });
});

describe('a command with a secret', () => {
  function device() {
    const model = new DeviceModel(new Partition(enrolledDevice()));
    const id = model.partition.queue('Add', SECRET.target, { data: SECRET.data, secret: true });
    return { model, id };
  }
  const rows = ({ partition }: DeviceModel) => JSON.stringify([...partition.rows.values()]);

  test('carries it to the device and nowhere else, and forgets it when it has ended', async () => {
    const { model, id } = device();
    expect((await model.begin()).commands).toMatchObject([{ verb: 'Add', data: SECRET.data }]);
    expect(rows(model)).not.toContain(SECRET.data);
    expect(model.partition.command(id).items[0]?.sealed).toBeDefined();
    await model.answer();
    expect(model.partition.command(id)).toMatchObject({ state: 'done', items: [{ target: './A', secret: true }] });
    expect(model.partition.command(id).items[0]).not.toHaveProperty('sealed');
    expect(commandView(model.partition.command(id), 'd').items).toEqual([{ target: './A', data: '***', secret: true }]);
  });

  test('has its reply given again, byte for byte, which is sealed where it is kept', async () => {
    const { model } = device();
    const first = await model.begin();
    expect(model.partition.rows.get('1session')?.value).toMatchObject({ replySealed: true });
    const again = await model.sendBytes(first.bytes);
    expect(again.outcome.reply.equals(first.outcome.reply)).toBe(true);
    expect(again.outcome.changes).toEqual([]);
  });

  test('keeps the next reply, which holds none, as replies are kept', async () => {
    const { model } = device();
    await model.begin();
    const { bytes, outcome } = await model.answer();
    expect(model.partition.rows.get('1session')?.value).not.toHaveProperty('replySealed', true);
    expect((await model.sendBytes(bytes)).outcome.reply.equals(outcome.reply)).toBe(true);
  });

  test('waits while the key may not be read, and others go on', async () => {
    const { model, id } = device();
    model.partition.queue('Get', './B');
    model.key = 'notNow';
    expect((await model.begin()).commands.map(({ target }) => target)).toEqual(['./B']);
    expect(model.partition.command(id)).toMatchObject({ state: 'waiting', deliveries: 0 });
    model.key = DATA_KEY;
    expect((await model.begin()).commands[0]).toMatchObject({ data: SECRET.data });
  });

  test.each([
    ['gone', undefined],
    ['another', OTHER_KEY],
  ])('is set aside with the reason when the key is %s', async (_, key) => {
    const { model, id } = device();
    model.key = key;
    expect((await model.begin()).commands).toEqual([]);
    expect(model.partition.command(id)).toMatchObject({
      state: 'rejected',
      reason: expect.stringContaining('decrypted'),
    });
  });

  test('goes as a Replace where the node is there, with its secret', async () => {
    const { model, id } = device();
    await model.begin();
    const reply = await model.answer(() => 418);
    expect(reply.commands).toMatchObject([{ verb: 'Replace', data: SECRET.data }]);
    await model.answer();
    expect(model.partition.command(id)).toMatchObject({ state: 'done' });
  });

  test('forgets it at every end', async () => {
    const { cancelCommand } = await import('../../../shared/commands/queue.ts');
    const { endWithDevice, expire, finish } = await import('../../../shared/commands/settle.ts');
    const { model, id } = device();
    const command = model.partition.command(id);
    const at = new Date('2026-03-01T12:00:00.000Z');
    for (const ended of [expire(command, at), endWithDevice(command, at), finish(command, 'unknown', at)]) {
      expect(ended.items[0]).not.toHaveProperty('sealed');
    }
    await cancelCommand(model.partition.storage(), model.partition.device.id, id, { actor: 'kim', now: at });
    const row = model.partition.rows.get(FINISHED_PREFIX + id)?.value as Command;
    expect(row.items[0]).not.toHaveProperty('sealed');
  });

  test('is forgotten with the kept reply when its device has left without a word about it', async () => {
    const { model, id } = device();
    await model.begin();
    model.partition.setDevice({ state: 'unenrolled' });
    const storage = model.partition.storage();
    const listed = { id: model.partition.device.id, state: 'unenrolled' };
    await storage.table('devicelist').write('devices', [{ kind: 'insert', rowKey: listed.id, value: listed }]);
    await pruneDevices(storage, new Date('2026-03-01T12:00:00.000Z'));
    expect(model.partition.command(id)).toMatchObject({ state: 'unknown', items: [{ target: './A', secret: true }] });
    const session = model.partition.rows.get('1session')?.value as { lastReply: Uint8Array };
    expect(session.lastReply).toHaveLength(0);
  });
});
