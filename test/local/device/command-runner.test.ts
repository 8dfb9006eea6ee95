import { describe, expect, test } from 'vitest';
import { type LoginStatus, runCommands } from '../../../local/device/command-runner.ts';
import { CspTree, emptyTree } from '../../../local/device/csp-tree.ts';
import { deviceNodes } from '../../../local/device/device-nodes.ts';
import { newMachine } from '../../../local/device/machine.ts';
import type { ServerCommand } from '../../../local/device/syncml-message.ts';

const policy = (name: string) => `./Device/Vendor/MSFT/Policy/Config/Area/${name}`;
let cmdId = 100;
const one = (name: string, ...targets: string[]): ServerCommand => ({
  name,
  cmdId: String(cmdId++),
  items: targets.map((target) => ({ target, data: '1', format: 'int' })),
  commands: [],
});
const group = (name: string, ...commands: ServerCommand[]): ServerCommand => ({ ...one(name), commands });

function run(commands: ServerCommand[], loginStatus: LoginStatus = 'user') {
  const tree = new CspTree(deviceNodes(newMachine('PC-1'), undefined), emptyTree());
  const result = runCommands(commands, { tree, serverMsgId: 2, loginStatus });
  return { ...result, tree, codes: result.run.map((entry) => `${entry.verb} ${entry.status}`) };
}

describe('commands one by one', () => {
  test('a single Get has a Status without TargetRef and its Results right behind', () => {
    const get = one('Get', './DevDetail/SwV');
    expect(run([get]).answers).toEqual([
      { kind: 'Status', msgRef: '2', cmdRef: get.cmdId, cmd: 'Get', targetRef: undefined, code: 200 },
      {
        kind: 'Results',
        msgRef: '2',
        cmdRef: get.cmdId,
        items: [{ source: './DevDetail/SwV', data: '10.0.26200.9278', format: 'chr', type: undefined }],
      },
    ]);
  });

  test('a Get that finds nothing has no Results', () => {
    expect(run([one('Get', './No/A', './No/B')]).answers.map((answer) => answer.kind)).toEqual(['Status', 'Status']);
  });

  test.each([
    ['an element that is no command', one('Copy', './DevInfo/DevId'), ['Copy 400']],
    ['a command without items', one('Get'), ['Get 400']],
    [
      'an Exec with two items',
      one('Exec', './Device/Vendor/MSFT/Reboot/RebootNow', './Device/Vendor/MSFT/Reboot/RebootNow'),
      ['Exec 400'],
    ],
  ])('%s is 400', (_, command, codes) => {
    expect(run([command]).codes).toEqual(codes);
  });

  test.each(['DevInfo/DevId', './', './DevInfo//DevId', './DevInfo/*', './Vendor/MSFT/Policy/Config/A B/C'])(
    'no node lives at "%s"',
    (target) => {
      expect(run([one('Get', target), one('Replace', target)]).codes).toEqual(['Get 404', 'Replace 404']);
    },
  );

  test('a part of the user needs the user', () => {
    const set = () => [one('Replace', './User/Vendor/MSFT/Policy/Config/Area/A')];
    expect(run(set(), 'user').codes).toEqual(['Replace 200']);
    expect(run(set(), 'others').codes).toEqual(['Replace 500']);
    expect(run(set(), 'none').codes).toEqual(['Replace 500']);
  });
});

describe('Atomic', () => {
  test('sets everything when everything works', () => {
    const result = run([group('Atomic', one('Add', policy('A')), one('Replace', policy('B')))]);
    expect(result.codes).toEqual(['Atomic 200', 'Add 200', 'Replace 200']);
    expect(result.tree.valueOf(policy('A'))).toBe('1');
  });

  test('takes back what was done before a failure and leaves out what comes after', () => {
    const result = run([
      group('Atomic', one('Add', policy('A')), one('Replace', './DevDetail/SwV'), one('Add', policy('B'))),
    ]);
    expect(result.codes).toEqual(['Atomic 507', 'Add 216', 'Replace 405', 'Add 215']);
    expect(result.tree.valueOf(policy('A'))).toBeUndefined();
  });

  test.each([
    ['a Get', one('Get', './DevInfo/DevId')],
    ['an Atomic', group('Atomic', one('Add', policy('C')))],
  ])('does not take %s', (_, inner) => {
    expect(run([group('Atomic', one('Add', policy('A')), inner)]).codes).toEqual([
      'Atomic 507',
      'Add 216',
      `${inner.name} 500`,
    ]);
  });

  test('does not take a Replace of what it has added', () => {
    const result = run([group('Atomic', one('Add', policy('A')), one('Replace', policy('A')))]);
    expect(result.codes).toEqual(['Atomic 507', 'Add 216', 'Replace 500']);
  });

  test('a failure leaves the commands round it alone', () => {
    const result = run([one('Add', policy('X')), group('Atomic', one('Get', './A')), one('Add', policy('Y'))]);
    expect(result.codes).toEqual(['Add 200', 'Atomic 507', 'Get 500', 'Add 200']);
  });
});

test('a Sequence runs in order and has a Status of its own', () => {
  expect(run([group('Sequence', one('Add', policy('A')), one('Delete', policy('A')))]).codes).toEqual([
    'Sequence 200',
    'Add 200',
    'Delete 200',
  ]);
});
