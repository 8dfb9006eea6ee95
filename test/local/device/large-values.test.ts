import { describe, expect, test } from 'vitest';
import { runCommands } from '../../../local/device/command-runner.ts';
import { CspTree, emptyTree, type NodeDefinition } from '../../../local/device/csp-tree.ts';
import { inMessages } from '../../../local/device/large-values.ts';
import type { Outgoing } from '../../../local/device/syncml-writer.ts';

const status: Outgoing = { kind: 'Status', msgRef: '1', cmdRef: '2', cmd: 'Get', code: 200 };
const results = (...values: string[]): Outgoing => ({
  kind: 'Results',
  msgRef: '1',
  cmdRef: '2',
  items: values.map((data, n) => ({ source: `./N${n}`, data, format: 'chr' })),
});
const items = (message: Outgoing[]) => message.flatMap((each) => (each.kind === 'Results' ? each.items : []));

describe('answers', () => {
  test('that are short go in one message, whole', () => {
    expect(inMessages([status, results('abc', 'de')], 3)).toEqual([[status, results('abc', 'de')]]);
    expect(inMessages([], 3)).toEqual([[]]);
    expect(inMessages([results('x'.repeat(100_000))])).toHaveLength(1);
  });

  test('with a long value end each message but the last with a piece of it, and nothing is lost or comes between', () => {
    const messages = inMessages([status, results('ab', '1234567'), status], 3);
    expect(messages.map((message) => items(message).map(({ data, moreData }) => [data, moreData]))).toEqual([
      [
        ['ab', undefined],
        ['123', true],
      ],
      [['456', true]],
      [['7', false]],
    ]);
    expect(messages.at(-1)?.at(-1)).toEqual(status);
  });

  test('say with the first piece how many bytes the whole has, and cut no character in half', () => {
    const pieces = inMessages([results('ä🙂🙂b')], 2).flatMap(items);
    expect(pieces.map(({ data }) => data)).toEqual(['ä🙂', '🙂b']);
    expect(pieces.map(({ size }) => size)).toEqual([11, undefined]);
  });
});

describe('a client', () => {
  const nodes: NodeDefinition[] = [
    { path: './Vendor/MSFT/Poison', access: ['Get'], value: '1', chokes: true },
    { path: './Vendor/MSFT/Run', access: ['Exec'], exec: 202, later: '0' },
    { path: './Vendor/MSFT/Set', access: ['Get', 'Replace'], value: '' },
  ];
  const command = (name: string, target: string) => ({
    name,
    cmdId: '5',
    items: [{ target, data: 'x' }],
    commands: [],
  });
  const run = (...commands: Parameters<typeof runCommands>[0]) => {
    const tree = new CspTree(nodes, emptyTree());
    return { tree, ...runCommands(commands, { tree, serverMsgId: 1, loginStatus: 'user' }) };
  };

  test('that chokes on a command does nothing of it and of what follows, wherever it stands', () => {
    const poison = command('Get', './Device/Vendor/MSFT/Poison');
    for (const choked of [poison, { name: 'Atomic', cmdId: '4', items: [], commands: [poison] }]) {
      const { aborts, tree } = run(choked, command('Replace', './Vendor/MSFT/Set'));
      expect(aborts).toBe(true);
      expect(tree.valueOf('./Vendor/MSFT/Set')).toBe('');
    }
  });

  test('keeps what came of an Exec that it accepted, to tell it in its next session', () => {
    const { tree, run: ran } = run(command('Exec', './Device/Vendor/MSFT/Run'));
    expect(ran).toMatchObject([{ verb: 'Exec', status: 202 }]);
    expect(tree.state.later).toEqual([{ target: './Device/Vendor/MSFT/Run', data: '0' }]);
  });
});
