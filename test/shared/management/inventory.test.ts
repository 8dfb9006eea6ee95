import { describe, expect, test } from 'vitest';
import type { Device } from '../../../shared/devices/device.ts';
import { chooseInventory, MAX_ROWS, noteInventory } from '../../../shared/management/inventory.ts';
import type { Asked } from '../../../shared/management/session.ts';
import type { Turn } from '../../../shared/management/turn-state.ts';
import type { Item } from '../../../shared/wire/syncml.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const PROGRAMS = './Vendor/MSFT/Win32AppInventory/Win32InstalledProgram';

/** The parts of a turn that the inventory looks at. */
function turnOf({ final = true, inventory = {}, days = 7 as number | undefined } = {}) {
  const asked: string[] = [];
  const device = { id: 'd', enrolledAt: '2026-01-01T00:00:00.000Z', inventory: { entries: {}, ...inventory } };
  const turn = {
    copy: { device: device as unknown as Device },
    input: { now: NOW, inventoryDays: days, message: { header: { msgId: '2' }, final } },
    session: { startedAt: '2026-03-01T11:59:00.000Z', asked: [] as Asked[] },
    blobs: [] as { name: string; data: Buffer }[],
    reply: {
      commandCount: 0,
      commands(commands: { items: { target: string }[] }[]) {
        if (asked.length === 25) return undefined;
        asked.push(commands[0]?.items[0]?.target ?? '');
        this.commandCount = asked.length;
        return [String(asked.length)];
      },
    },
  };
  return { turn: turn as unknown as Turn, asked, blobs: turn.blobs };
}

const item = (source: string, data: string, more: Partial<Item> = {}): Item => ({
  source,
  data,
  meta: {},
  moreData: false,
  ...more,
});
const program = (id: string, name: string) => item(`${PROGRAMS}/${encodeURIComponent(id)}/Name`, name);
const question = { kind: 'inventory', msgRef: 1, cmdId: '1', name: 'programs' } as const;

describe('a list', () => {
  test('that comes in several messages is one, when the package is whole', () => {
    const first = turnOf({ final: false });
    const open = noteInventory(first.turn, question, { code: 200, items: [program('{A}', 'One'), item(PROGRAMS, '')] });
    expect(first.turn.copy.device.inventory?.entries).toEqual({});
    const second = turnOf();
    const items = [item(`${PROGRAMS}/%7BA%7D/Version`, '1.0'), program('{B}', 'Two')];
    expect(noteInventory(second.turn, open ?? question, { code: 200, items })).toBeUndefined();
    expect(second.turn.copy.device.inventory?.entries['programs']).toMatchObject({
      readAt: NOW.toISOString(),
      tries: 0,
      count: 2,
      rows: [
        { id: '{A}', Name: 'One', Version: '1.0' },
        { id: '{B}', Name: 'Two' },
      ],
    });
  });

  test('keeps what is wanted of it alone, each short, and nothing from elsewhere', () => {
    const { turn } = turnOf();
    const items = [
      program('a', 'x'.repeat(1_000)),
      item(`${PROGRAMS}/a/Language`, '1033'),
      item(`${PROGRAMS}/Name`, 'no row'),
      item(`${PROGRAMS}/a/Publisher`, 'half', { moreData: true }),
      { data: 'no address', meta: {}, moreData: false },
      item(`${PROGRAMS}/%/Name`, 'odd'),
    ];
    noteInventory(turn, question, { code: 200, items });
    expect(turn.copy.device.inventory?.entries['programs']?.rows).toEqual([
      { id: 'a', Name: 'x'.repeat(200) },
      { id: '%', Name: 'odd' },
    ]);
  });

  test('that is long lies in a blob, and one that is too long is cut', () => {
    const { turn, blobs } = turnOf();
    const items = Array.from({ length: MAX_ROWS + 50 }, (_, index) => program(`p${index}`, 'A program'));
    noteInventory(turn, question, { code: 200, items });
    const entry = turn.copy.device.inventory?.entries['programs'];
    expect(entry).toMatchObject({ count: MAX_ROWS, cut: true, blob: 'd/inventory/programs' });
    expect(entry).not.toHaveProperty('rows');
    expect(JSON.parse(String(blobs[0]?.data))).toHaveLength(MAX_ROWS);
  });

  test('that the device does not have is noted with its status', () => {
    const { turn, blobs } = turnOf();
    noteInventory(turn, question, { code: 404, items: [] });
    expect(turn.copy.device.inventory?.entries['programs']).toMatchObject({ status: 404, readAt: NOW.toISOString() });
    expect(blobs).toEqual([]);
  });
});

describe('what is asked', () => {
  const at = (readAt: string, more: object = {}) => ({
    askedAt: readAt,
    tries: 0,
    readAt,
    status: 200,
    value: '1',
    ...more,
  });
  const onlyDue = (entry: object | undefined, more: object = {}) => {
    const names = ['firewall', 'antivirus'];
    const { turn, asked } = turnOf({
      inventory: { entries: entry ? { firewall: entry, antivirus: at('2026-02-28T12:00:00.000Z') } : {}, ...more },
    });
    chooseInventory(turn);
    return names.map((name) => asked.some((target) => target.toLowerCase().includes(`/${name}/status`)));
  };

  test.each<[string, object, boolean]>([
    ['a value of yesterday is not', at('2026-02-28T12:00:00.000Z'), false],
    ['a value of last month is', at('2026-02-01T12:00:00.000Z'), true],
    ['one that got no answer twice is', { askedAt: '2026-03-01T10:00:00.000Z', tries: 2 }, true],
    ['one that got no answer three times is not', { askedAt: '2026-03-01T10:00:00.000Z', tries: 3 }, false],
    ['that one, a week later, is', { askedAt: '2026-02-01T10:00:00.000Z', tries: 3 }, true],
    ['one that was asked in this session is not', { askedAt: '2026-03-01T11:59:30.000Z', tries: 1 }, false],
  ])('%s', (_, entry, due) => {
    expect(onlyDue(entry)).toEqual([due, false]);
  });

  test('everything, when an administrator wants it anew', () => {
    expect(onlyDue(at('2026-02-28T12:00:00.000Z'), { wantedAt: '2026-03-01T11:00:00.000Z' })).toEqual([true, true]);
  });

  test('nothing where no inventory is kept, and no list together with anything else', () => {
    const none = turnOf();
    Object.assign(none.turn.input, { inventoryDays: undefined });
    chooseInventory(none.turn);
    expect(none.asked).toEqual([]);
    const all = turnOf();
    chooseInventory(all.turn);
    expect(all.asked.length).toBeGreaterThan(15);
    expect(all.asked.filter((target) => target.includes('?list='))).toEqual([]);
  });
});
