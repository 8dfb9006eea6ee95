import { describe, expect, test } from 'vitest';
import { commandFor, runTool } from '../../../local/azure/run-tool.ts';

describe('starting the tools', () => {
  test('az is a script on Windows and is started by cmd.exe; the rest is started as it is', () => {
    expect(commandFor('az', ['account', 'show'], 'win32')).toEqual([
      'cmd.exe',
      ['/d', '/s', '/c', 'az.cmd', 'account', 'show'],
    ]);
    expect(commandFor('azd', ['env', 'get-values'], 'win32')).toEqual(['azd', ['env', 'get-values']]);
    expect(commandFor('az', ['account', 'show'], 'linux')).toEqual(['az', ['account', 'show']]);
  });

  test.each(['a b', '$(reboot)', 'a&b', 'a|b', '%PATH%', '"', "'", '^', 'a\nb', ''])(
    'nothing is handed over that a shell could read otherwise: %j',
    async (argument) => {
      expect(() => commandFor('az', [argument], 'linux')).toThrow('is not given');
      await expect(runTool('azd', ['env', 'set', argument])).rejects.toThrow('is not given');
    },
  );
});
