import { describe, expect, test } from 'vitest';
import type { CommandItem } from '../../../shared/commands/command.ts';
import { expire, finish } from '../../../shared/commands/settle.ts';
import { type Asked, DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const POLL = './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Poll';
const INTERVAL = `${POLL}/IntervalForRemainingScheduledRetries`;
const items = (minutes: string, verb?: 'Replace'): CommandItem[] => [
  { target: INTERVAL, data: minutes, format: 'int', ...(verb ? { verb } : {}) },
  { target: `${POLL}/NumberOfRemainingScheduledRetries`, data: '0', format: 'int', ...(verb ? { verb } : {}) },
];

const model = () => new DeviceModel(new Partition(enrolledDevice()));
const minutes = (device: DeviceModel) => device.partition.device.pollEveryMinutes;

describe('how often a device calls', () => {
  test('is what it was told once it has taken it, and not before', async () => {
    const device = model();
    device.partition.queueItems('Replace', items('120'));
    await device.begin();
    expect(minutes(device)).toBeUndefined();
    await device.answer();
    expect(minutes(device)).toBe(120);
  });

  test.each([404, 405, 500, 202])('stays as it was when the device answers %i', async (code) => {
    const device = model();
    device.partition.queueItems('Replace', items('120'));
    await device.begin();
    await device.answer(() => code);
    expect(minutes(device)).toBeUndefined();
  });

  test('has changed even where another part of the command failed', async () => {
    const device = model();
    device.partition.queueItems('Replace', items('120'));
    await device.begin();
    await device.answer(({ target }) => (target === INTERVAL ? 200 : 500));
    expect(minutes(device)).toBe(120);
  });

  test.each<[string, (asked: Asked) => number, number | undefined]>([
    ['is done', () => 200, 120],
    ['was taken back', ({ verb, target }) => (verb === 'Atomic' ? 507 : target === INTERVAL ? 216 : 500), undefined],
    ['failed as a whole', ({ verb }) => (verb === 'Atomic' ? 507 : 200), undefined],
  ])('changes by an Atomic that %s', async (_, codes, expected) => {
    const device = model();
    device.partition.queueItems('Atomic', items('120', 'Replace'));
    await device.begin();
    await device.answer(codes);
    expect(minutes(device)).toBe(expected);
  });

  test('is what it took last, also where that is a command that was sent again', async () => {
    const device = model();
    device.partition.queueItems('Replace', items('60'));
    device.partition.queueItems('Replace', items('240'));
    await device.begin();
    let asked = 0;
    await device.answer(({ target }) => {
      asked += 1;
      return asked === 2 && target !== INTERVAL ? undefined : 200;
    });
    expect(minutes(device)).toBe(240);
    await device.begin();
    await device.answer();
    expect(minutes(device)).toBe(60);
  });

  test.each([
    ['of another management', INTERVAL.replace('Lanyard', 'Other'), '60'],
    ['that is no number', INTERVAL, 'often'],
  ])('takes no notice of a value %s', async (_, target, data) => {
    const device = model();
    device.partition.queue('Replace', target, { data });
    await device.begin();
    await device.answer();
    expect(minutes(device)).toBeUndefined();
  });

  test.each(['cancelled', 'expired'])('is untouched by a command that was %s', async (state) => {
    const device = model();
    const id = device.partition.queueItems('Replace', items('120'));
    const row = device.partition.rows.get(`3command|${id}`)!;
    row.value =
      state === 'expired'
        ? expire(row.value as never, device.now)
        : finish(row.value as never, 'cancelled', device.now);
    await device.begin();
    expect(minutes(device)).toBeUndefined();
  });
});
