import { describe, expect, test } from 'vitest';
import { commandsSchema } from '../../../shared/commands/intake.ts';
import { invalid } from '../../../shared/platform/body.ts';

/** What the caller of the admin API is told: the place and the words of each mistake. */
function errorsOf(body: unknown): Record<string, string> {
  const result = commandsSchema.safeParse(body);
  if (result.success) return {};
  return Object.fromEntries((invalid(result.error).errors ?? []).map(({ field, message }) => [field, message]));
}

const NODE = './Device/Vendor/MSFT/Policy/Config/Area/Name';
const get = { verb: 'Get', target: './DevDetail/SwV' };

describe('a command that is queued', () => {
  test('with its only item at the top is the same as with a list of one', () => {
    const flat = { verb: 'Replace', target: NODE, data: '1', format: 'int', type: 'text/plain' };
    const { verb, ...item } = flat;
    expect(commandsSchema.parse(flat)).toEqual([{ verb, items: [item] }]);
    expect(commandsSchema.parse({ verb, items: [item] })).toEqual([{ verb, items: [item] }]);
  });

  test('may come with others, and the order is kept', () => {
    const parsed = commandsSchema.parse([get, { verb: 'Delete', target: NODE }]);
    expect(parsed.map(({ verb }) => verb)).toEqual(['Get', 'Delete']);
  });

  test('loses the blanks around its target and its type', () => {
    const [command] = commandsSchema.parse({ verb: 'Add', target: ` ${NODE} `, data: ' x ', type: ' text/xml ' });
    expect(command?.items).toEqual([{ target: NODE, data: ' x ', type: 'text/xml' }]);
  });

  test.each([
    ['Get', {}],
    ['Delete', {}],
    ['Exec', {}],
    ['Exec', { data: 'now' }],
    ['Add', {}],
    ['Add', { format: 'node' }],
    ['Add', { data: '', format: 'node' }],
    ['Add', { data: '', format: 'null' }],
    ['Replace', { data: '' }],
    ['Replace', { data: '-7', format: 'int' }],
    ['Replace', { data: 'false', format: 'bool' }],
    ['Replace', { data: 'AA==\r\n', format: 'b64' }],
    ['Replace', { data: '<a>&amp;</a>', format: 'xml' }],
    ['Replace', { data: 'Ünïcødé 🙂\t\n', format: 'chr', type: 'application/vnd.x+xml' }],
  ] as const)('as %s with %j is taken', (verb, more) => {
    expect(errorsOf({ verb, target: NODE, ...more })).toEqual({});
  });

  test.each(['./DevDetail', './User/A%2FB/C', './Vendor/MSFT/A?list=Struct', './Device/Ä'])(
    'to %s is taken',
    (target) => {
      expect(errorsOf({ verb: 'Get', target })).toEqual({});
    },
  );
});

describe('a target', () => {
  test.each([
    ['', 'LocURI'],
    ['.', 'LocURI'],
    ['./', 'LocURI'],
    ['/Device/A', 'LocURI'],
    ['Device/A', 'LocURI'],
    ['./A//B', 'LocURI'],
    ['./A/', 'LocURI'],
    ['./A/*', 'LocURI'],
    ['./A/B C', 'LocURI'],
    ['./A/<B>', 'LocURI'],
    ['./A/%zz', '%'],
    ['./A/%2', '%'],
    ['./A/../B', 'segment'],
    ['./A/./B', 'segment'],
    ['./A/\u0001', 'character'],
    [`./${'a'.repeat(1_023)}`, '1024'],
  ])('%j is refused by name', (target, words) => {
    expect(errorsOf({ verb: 'Get', target })['target'] ?? errorsOf({ verb: 'Get', target })['']).toContain(words);
  });

  test.each([
    './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll',
    './Vendor/MSFT/DMClient/Unenroll',
    './device/vendor/msft/dmclient/provider/Lanyard/unenroll',
    './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenr%6fll',
    './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll?x=1',
  ])('%s is not queued: Unenroll goes through the gate', (target) => {
    expect(errorsOf({ verb: 'Exec', target, data: 'Lanyard' })['target']).toContain('/unenroll');
    expect(errorsOf([get, { verb: 'Exec', items: [{ target }] }])['[1].items[0].target']).toContain('/unenroll');
  });
});

describe('an error names the field', () => {
  test.each([
    ['an unknown verb', { verb: 'Kill', target: NODE }, 'verb'],
    ['no verb', { target: NODE }, 'verb'],
    ['no target', { verb: 'Get' }, 'target'],
    ['a target of another type', { verb: 'Get', target: 7 }, 'target'],
    ['an unknown field', { ...get, dta: '1' }, 'dta'],
    ['an unknown format', { verb: 'Add', target: NODE, data: '1', format: 'float' }, 'format'],
    ['a type that is none', { verb: 'Add', target: NODE, data: '1', type: 'text' }, 'type'],
    ['data of another type', { verb: 'Replace', target: NODE, data: 1 }, 'data'],
    ['data of a Get', { ...get, data: '' }, 'data'],
    ['data of a Delete', { verb: 'Delete', target: NODE, data: '1' }, 'data'],
    ['a Replace without data', { verb: 'Replace', target: NODE }, 'data'],
    ['no whole number', { verb: 'Replace', target: NODE, data: '1.5', format: 'int' }, 'data'],
    ['an empty number', { verb: 'Replace', target: NODE, data: '', format: 'int' }, 'data'],
    ['no truth value', { verb: 'Replace', target: NODE, data: 'True', format: 'bool' }, 'data'],
    ['no base64', { verb: 'Replace', target: NODE, data: 'a-b', format: 'b64' }, 'data'],
    ['base64 with its end inside', { verb: 'Replace', target: NODE, data: 'AA==BB', format: 'b64' }, 'data'],
    ['a node with data', { verb: 'Add', target: NODE, data: 'x', format: 'node' }, 'data'],
    ['a null with data', { verb: 'Add', target: NODE, data: 'x', format: 'null' }, 'data'],
    ['a character that XML has not', { verb: 'Add', target: NODE, data: 'a\u0000' }, 'data'],
    ['half a surrogate pair', { verb: 'Add', target: NODE, data: '\ud800' }, 'data'],
    ['too much data', { verb: 'Add', target: NODE, data: 'x'.repeat(128 * 1024 + 1) }, 'data'],
    ['data that grows too much when written', { verb: 'Add', target: NODE, data: '&'.repeat(100_000) }, 'data'],
    ['the second item', { verb: 'Get', items: [{ target: './A' }, { target: 'B' }] }, 'items[1].target'],
    ['the data of an item', { verb: 'Get', items: [{ target: './A', data: '1' }] }, 'items[0].data'],
    ['no item', { verb: 'Get', items: [] }, 'items'],
    ['26 items', { verb: 'Get', items: Array(26).fill({ target: './A' }) }, 'items'],
    ['an Exec of two', { verb: 'Exec', items: [{ target: './A' }, { target: './B' }] }, 'items'],
    [
      'items that are too much together',
      { verb: 'Add', items: Array(3).fill({ target: NODE, data: 'x'.repeat(80_000) }) },
      'items',
    ],
    ['a command in a list', [get, { verb: 'Get' }], '[1].target'],
    [
      'an item of a command in a list',
      [{ verb: 'Get', items: [{ target: './A' }, { target: '' }] }],
      '[0].items[1].target',
    ],
  ])('for %s', (_, body, field) => {
    expect(Object.keys(errorsOf(body))).toEqual([field]);
  });

  test.each([
    ['no command', []],
    ['51 commands', Array(51).fill(get)],
    ['text', 'Get'],
    ['nothing', null],
  ])('or the body itself for %s', (_, body) => {
    expect(errorsOf(body)).toHaveProperty(['']);
  });

  test('for each mistake, not only the first', () => {
    const body = [{ verb: 'Get' }, get, { verb: 'Replace', target: NODE }];
    expect(Object.keys(errorsOf(body))).toEqual(['[0].target', '[2].data']);
  });
});

test('bad base64 of the largest size is refused at once', () => {
  const before = process.cpuUsage().user;
  const data = `${' '.repeat(100_000)}!`;
  expect(errorsOf({ verb: 'Replace', target: NODE, data, format: 'b64' })).toHaveProperty('data');
  expect(errorsOf({ verb: 'Replace', target: NODE, data: `=${data}`, format: 'b64' })).toHaveProperty('data');
  expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
});

describe('an Atomic', () => {
  const set = (name: string, more: object = {}) => ({ verb: 'Replace', target: `${NODE}${name}`, data: '1', ...more });
  const atomic = (...commands: unknown[]) => ({ verb: 'Atomic', commands });

  test('is one command whose parts have a verb each', () => {
    const several = { verb: 'Delete', items: [{ target: `${NODE}2` }, { target: `${NODE}3` }] };
    expect(commandsSchema.parse(atomic(set('1'), several))).toEqual([
      {
        verb: 'Atomic',
        items: [
          { verb: 'Replace', target: `${NODE}1`, data: '1' },
          { verb: 'Delete', target: `${NODE}2` },
          { verb: 'Delete', target: `${NODE}3` },
        ],
      },
    ]);
  });

  test('stands beside other commands in a list', () => {
    expect(commandsSchema.parse([get, atomic(set('1'))]).map(({ verb }) => verb)).toEqual(['Get', 'Atomic']);
  });

  const MANY = Array.from({ length: 25 }, (_, n) => set(String(n)));
  const LARGE = Array.from({ length: 2 }, (_, n) => set(String(n), { data: 'x'.repeat(120_000) }));
  test.each<[string, unknown, string, string]>([
    ['a Get in it', atomic(set('1'), get), 'commands[1].verb', 'Get does not go into an Atomic'],
    ['an Atomic in it', atomic(atomic(set('1'))), 'commands[0].verb', 'does not hold another'],
    ['nothing in it', atomic(), 'commands', 'at least one'],
    ['no commands', { verb: 'Atomic' }, 'commands', 'missing'],
    ['items in place of commands', { verb: 'Atomic', items: [] }, 'items', 'not known'],
    ['a target of its own', { ...atomic(set('1')), target: NODE }, 'target', 'not known'],
    ['too many parts', atomic(...MANY), 'commands', '24'],
    [
      'too many parts in items',
      atomic({ verb: 'Delete', items: MANY.map(({ target }) => ({ target })) }),
      'commands',
      '24',
    ],
    ['more than a message holds', atomic(...LARGE), 'commands', 'fit into a message'],
    ['both scopes', atomic(set('1'), set('2', { target: './User/A' })), 'commands[1].target', 'not for both'],
    [
      'several Execs in one',
      atomic({ verb: 'Exec', items: [{ target: './Device/A' }, { target: './Device/B' }] }),
      'commands[0].items',
      'more than one item',
    ],
    [
      'a Replace of what it adds, however it is spelt',
      atomic(
        { verb: 'Add', target: NODE, data: '1' },
        { ...set(''), target: NODE.replace('./Device', '.').toUpperCase() },
      ),
      'commands[1].target',
      'Replace after Add',
    ],
    [
      'two Adds of one node',
      atomic(...[1, 2].map(() => ({ verb: 'Add', target: NODE, data: '1' }))),
      'commands[1].target',
      'Add',
    ],
    [
      'a wrong field in it',
      atomic(set('1'), set('2', { format: 'int', data: 'x' })),
      'commands[1].data',
      'whole number',
    ],
    ['a field that is none', atomic(set('1', { x: 1 })), 'commands[0].x', 'not known'],
    ['an end of its own inside', atomic(set('1', { expiresInHours: 1 })), 'commands[0].expiresInHours', 'not known'],
    ['what is no command', atomic(7), 'commands[0]', 'object'],
    [
      'an Unenroll',
      atomic({ verb: 'Exec', target: './Vendor/MSFT/DMClient/Unenroll' }),
      'commands[0].target',
      'Unenroll',
    ],
  ])('with %s is refused by name', (_, body, field, words) => {
    expect(errorsOf(body)[field]).toContain(words);
    expect(errorsOf([get, body])[`[1].${field}`]).toContain(words);
  });
});

describe('an end of its waiting', () => {
  test.each([1, 8_760])('of %i hours is taken', (expiresInHours) => {
    expect(commandsSchema.parse({ ...get, expiresInHours })).toMatchObject([{ expiresInHours }]);
  });

  test.each([0, -1, 1.5, 8_761, '24'])('of %j hours is refused by name', (expiresInHours) => {
    expect(errorsOf({ ...get, expiresInHours })).toHaveProperty('expiresInHours');
  });
});

describe('a secret', () => {
  test.each([
    ['by its node', { verb: 'Add', target: './Device/Vendor/MSFT/Accounts/Users/kim/Password', data: 'x' }, true],
    ['by its caller', { verb: 'Replace', target: NODE, data: 'x', secret: true }, true],
    ['neither', { verb: 'Replace', target: NODE, data: 'x' }, undefined],
    ['nothing that a Delete says', { verb: 'Delete', target: './Vendor/MSFT/WiFi/Profile/A/WlanXml' }, undefined],
  ])('is told %s', (_, command, secret) => {
    expect(commandsSchema.parse(command)[0]?.items[0]?.secret).toBe(secret);
  });

  test('in an Atomic is told for each part', () => {
    const parts = [
      { verb: 'Add', target: './Device/Vendor/MSFT/Accounts/Users/kim/Password', data: 'x' },
      { verb: 'Add', target: './Device/Vendor/MSFT/Accounts/Users/kim/LocalUserGroup', data: '2', format: 'int' },
    ];
    const [command] = commandsSchema.parse({ verb: 'Atomic', commands: parts });
    expect(command?.items.map(({ secret }) => secret)).toEqual([true, undefined]);
  });
});

describe('a node that holds the management', () => {
  const PROVIDER = './Device/Vendor/MSFT/DMClient/Provider/Lanyard';
  test.each([
    ['Delete', PROVIDER],
    ['Delete', './Vendor/MSFT/DMClient/Provider'],
    ['Delete', './Vendor/MSFT/DMClient'],
    ['Delete', './vendor/msft/dmclient/provider/%4Canyard'],
    ['Replace', PROVIDER],
    ['Delete', `${PROVIDER}/Poll`],
    ['Delete', `${PROVIDER}/EntDMID`],
    ['Replace', `${PROVIDER}/ManagementServiceAddress`],
    ['Add', `${PROVIDER}/ManagementServerAddressList`],
    ['Replace', `${PROVIDER}/NumberOfDaysAfterLostContactToUnenroll`],
    ['Delete', './SyncML/DMAcc/Lanyard'],
    ['Replace', './SyncML/DMAcc/Lanyard/AppAddr/1/Addr'],
    ['Delete', './Vendor/MSFT/CertificateStore'],
    ['Delete', './Vendor/MSFT/CertificateStore/My'],
    ['Delete', `./Vendor/MSFT/CertificateStore/My/User/${'A'.repeat(40)}`],
    ['Delete', './Device/Vendor/MSFT/CertificateStore/My/WSTEP/Renew'],
    ['Delete', './Vendor/MSFT/CertificateStore/Root/System'],
  ])('is not reached by %s of %s', (verb, target) => {
    const body = { verb, target, ...(verb === 'Delete' ? {} : { data: 'x' }) };
    expect(errorsOf(body)['target']).toContain('cut the device off');
    expect(errorsOf({ verb: 'Atomic', commands: [body] })['commands[0].target']).toContain('cut the device off');
  });

  test.each([
    ['Get', PROVIDER],
    ['Replace', `${PROVIDER}/HelpWebsite`],
    ['Delete', `${PROVIDER}/HelpWebsite`],
    ['Replace', `${PROVIDER}/Poll/IntervalForRemainingScheduledRetries`],
    ['Replace', `${PROVIDER}/Push/PFN`],
    ['Replace', './Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RenewPeriod'],
    ['Delete', `./Vendor/MSFT/CertificateStore/Root/System/${'A'.repeat(40)}`],
    ['Delete', `./Vendor/MSFT/RootCATrustedCertificates/Root/${'A'.repeat(40)}`],
    ['Delete', './Vendor/MSFT/ClientCertificateInstall/SCEP/A'],
  ])('does not keep %s of %s from being queued', (verb, target) => {
    expect(errorsOf({ verb, target, ...(verb === 'Replace' ? { data: '1' } : {}) })).toEqual({});
  });
});
